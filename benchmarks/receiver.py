"""An HTTP receiver in a process of its own: counts the alerts of each body, and says when they came.

`python -m benchmarks.receiver EXPECTED` prints the port, and after so many alerts a line of JSON: how many
there were, and the seconds between the first and the last.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    """Reads requests on any number of connections until all alerts are there."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._count = 0
        self._first_s: float | None = None
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = next(
                    int(line.partition(b":")[2])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                self._note(await reader.readexactly(size))
                writer.write(_ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    def _note(self, body: bytes) -> None:
        self._first_s = self._first_s or time.perf_counter()
        # Each alert has one rule; the text of no field of the workload has this.
        self._count += body.count(b'"rule":')
        if self._count >= self._expected:
            taken_s = time.perf_counter() - self._first_s
            print(json.dumps({"alerts": self._count, "seconds": taken_s}), flush=True)
            self.done.set()


async def main(expected: int) -> None:
    receiver = Receiver(expected)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await receiver.done.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
