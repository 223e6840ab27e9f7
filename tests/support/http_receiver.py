"""Real HTTP servers on loopback, in a thread: one that keeps to the protocol, and one that does not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

SAFETY_S = 60.0


@dataclass(frozen=True)
class Response:
    """What the server answers. `before` is called when the request was read."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What was received; header names are in small letters, `peer` is the port that it came from."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: int


class Receiver:
    """A Hypercorn that answers what its script says, and then 200."""

    def __init__(self, scheme: str, port: int, script: tuple[Response, ...]) -> None:
        self.url = f"{scheme}://127.0.0.1:{port}/in"
        self.port = port
        self.requests: list[Request] = []
        self._script = list(script)

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.requests.append(Request(scope["method"], path, headers, body, scope["client"][1]))
        response = self._script.pop(0) if self._script else Response()
        fields = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        fields.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        await send({"type": "http.response.body", "body": response.body})


@dataclass(frozen=True)
class ServerTls:
    """What a server shows, and whom it lets in: anybody without `client_ca`."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@contextmanager
def receiving(*script: Response, tls: ServerTls | None = None, port: int = 0) -> Iterator[Receiver]:
    """Run a receiver."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        receiver = Receiver("https" if tls else "http", listener.getsockname()[1], script)
        config = Config()
        # Hypercorn closes the descriptor that it is given.
        config.bind = [f"fd://{listener.dup().detach()}"]
        config.graceful_timeout = 0.1
        config.errorlog = None
        if tls is not None:
            config.certfile, config.keyfile = str(tls.certificate), str(tls.key)
            if tls.client_ca is not None:
                config.ca_certs, config.verify_mode = str(tls.client_ca), ssl.CERT_REQUIRED
        with _in_thread(lambda stop: serve(receiver, config, shutdown_trigger=stop)):
            yield receiver


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def talking(talk: Talk) -> Iterator[int]:
    """Run a server that does with each connection what `talk` does; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        async def run(stop: Callable[[], Awaitable[object]]) -> None:
            talks: set[asyncio.Task[None]] = set()

            async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task: Any = asyncio.current_task()
                talks.add(task)
                try:
                    await talk(reader, writer)
                except (ConnectionError, asyncio.CancelledError):
                    pass
                finally:
                    writer.transport.abort()

            async with await asyncio.start_server(handle, sock=listener.dup()):
                await stop()
                for task in talks:
                    task.cancel()
                await asyncio.gather(*talks, return_exceptions=True)

        with _in_thread(run):
            yield port


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one request with a Content-Length, for servers that answer in their own way."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    size = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(size)


@contextmanager
def _in_thread(run: Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]) -> Iterator[None]:
    """Run a server on a loop of its own; it is told to stop when the context is left."""
    loop: asyncio.AbstractEventLoop | None = None
    stopping: asyncio.Event | None = None
    started = threading.Event()

    async def main() -> None:
        nonlocal loop, stopping
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        started.set()
        await run(stopping.wait)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="server", daemon=True)
    thread.start()
    assert started.wait(SAFETY_S)
    try:
        yield
    finally:
        assert loop is not None
        assert stopping is not None
        loop.call_soon_threadsafe(stopping.set)
        thread.join(SAFETY_S)


class Authority:
    """A CA that was made for a test, and files of what it issues."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def server(self, name: str = "127.0.0.1", *, client_ca: Path | None = None) -> ServerTls:
        certificate, key = self.issue("server", name)
        return ServerTls(certificate, key, client_ca)

    def issue(self, file: str, name: str) -> tuple[Path, Path]:
        """A certificate and its key in files, which are replaced where they are there."""
        issued = self._ca.issue_cert(name)
        certificate, key = self._folder / f"{file}.crt", self._folder / f"{file}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        return certificate, key
