"""A client of the webhook in a process of its own, as a kube-apiserver posts: bodies of 400 events.

`python -m benchmarks.poster URL EVENTS RATE SECONDS CONNECTIONS` posts the events of a file of JSON lines
again and again, RATE of them in a second (0: as fast as it is answered), and prints a line of JSON: how many,
in how many seconds, and how long the posts took, in milliseconds.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

BODY_EVENTS = 400
_HEAD = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['


def bodies_of(lines: list[bytes]) -> list[bytes]:
    """The events in lists; each copy of a file has ids of its own, so that none is a second copy."""
    return [
        _HEAD + b",".join(lines[at : at + BODY_EVENTS]) + b"]}"
        for at in range(0, len(lines) - BODY_EVENTS + 1, BODY_EVENTS)
    ]


class Poster:
    """Posts on one connection; what it begins late, it counts from when it was due."""

    def __init__(self, url: str, bodies: list[bytes], pause_s: float, until_s: float) -> None:
        self._url = urlsplit(url)
        head = f"POST {self._url.path} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
        head += "Content-Type: application/json\r\n"
        self._posts = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
        self._pause_s = pause_s
        self._until_s = until_s
        self.taken_ms: list[float] = []

    def run(self) -> None:
        connection = self._connected()
        due_s = time.perf_counter()
        number = 0
        while due_s < self._until_s:
            wait_s = due_s - time.perf_counter()
            if wait_s > 0:
                time.sleep(wait_s)
            elif not self._pause_s:
                due_s = time.perf_counter()
            connection.sendall(self._posts[number % len(self._posts)])
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            if answer.will_close:  # After a thousand requests.
                connection.close()
                connection = self._connected()
            if answer.status != 200:
                raise SystemExit(f"answered {answer.status}")
            now_s = time.perf_counter()
            self.taken_ms.append((now_s - due_s) * 1e3)
            number += 1
            due_s = due_s + self._pause_s if self._pause_s else now_s

    def _connected(self) -> socket.socket:
        connection = socket.create_connection((self._url.hostname or "", self._url.port or 80))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def main(url: str, events: str, rate: str, seconds: str, connections: str) -> None:
    lines = Path(events).read_bytes().splitlines()
    bodies, count = bodies_of(lines), int(connections)
    pause_s = BODY_EVENTS * count / float(rate) if float(rate) else 0.0
    started_s = time.perf_counter()
    posters = [Poster(url, bodies[n::count], pause_s, started_s + float(seconds)) for n in range(count)]
    threads = [threading.Thread(target=poster.run) for poster in posters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken_ms = sorted(ms for poster in posters for ms in poster.taken_ms)
    result = {
        "events": len(taken_ms) * BODY_EVENTS,
        "seconds": time.perf_counter() - started_s,
        "p50_ms": taken_ms[len(taken_ms) // 2],
        "p99_ms": taken_ms[min(len(taken_ms) - 1, len(taken_ms) * 99 // 100)],
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
