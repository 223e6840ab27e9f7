"""Servers on unix sockets that answer as a test says, each connection in a thread of its own."""

from __future__ import annotations

import gzip
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events

Handler = Callable[[socket.socket], None]


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def unix_server(path: Path, handle: Handler) -> Iterator[None]:
    """Listen; what `handle` leaves open is closed after it."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            handle(self.request)

    with _Server(str(path), Connection) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            path.unlink()


def http_answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An answer with its length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def http_handler(answers: dict[str, Any], headers: str = "") -> Handler:
    """Answers by path; an object as JSON, bytes as they are, nothing with 404."""

    def handle(connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        found = answers.get(request.split()[1].decode())
        if found is None:
            connection.sendall(http_answer(b'{"message": "no such thing"}', "404 Not Found", headers))
        elif isinstance(found, bytes):
            connection.sendall(found)
        else:
            connection.sendall(http_answer(json.dumps(found).encode(), headers=headers))

    return handle


class GrpcAnswer:
    """What a gRPC server says to a request."""

    def __init__(
        self, message: bytes = b"", *, status: int = 0, text: str = "", packed: bool = False
    ) -> None:
        self.status, self.text, self.packed = status, text, packed
        body = gzip.compress(message) if packed else message
        self.data = bytes([packed]) + len(body).to_bytes(4, "big") + body


def grpc_handler(answer: Callable[[str, bytes], GrpcAnswer]) -> Handler:
    """A server of unary calls; `answer` is given method and message. Errors go out as trailers only."""

    def handle(connection: socket.socket) -> None:
        http = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        http.initiate_connection()
        methods: dict[int, str] = {}
        bodies: dict[int, bytes] = {}
        waiting: dict[int, tuple[bytes, GrpcAnswer]] = {}
        while data := _received(connection):
            for event in http.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    methods[event.stream_id] = {str(key): str(value) for key, value in event.headers}[":path"]
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                elif isinstance(event, h2.events.StreamEnded):
                    number = event.stream_id
                    said = answer(methods[number], bodies[number][5:])
                    head = [(":status", "200"), ("content-type", "application/grpc")]
                    if said.status:
                        ends = [("grpc-status", str(said.status)), ("grpc-message", said.text)]
                        http.send_headers(number, head + ends, end_stream=True)
                        continue
                    head += [("grpc-encoding", "gzip")] if said.packed else []
                    http.send_headers(number, head)
                    waiting[number] = said.data, said
            for number, (rest, said) in list(waiting.items()):
                waiting[number] = rest, said = _sent(http, number, rest), said
                if not rest:
                    http.send_headers(number, [("grpc-status", "0")], end_stream=True)
                    del waiting[number]
            connection.sendall(http.data_to_send())

    return handle


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except ConnectionResetError:
        return b""


def _sent(http: h2.connection.H2Connection, number: int, data: bytes) -> bytes:
    """Send as much as the windows let through; the rest."""
    while data and (size := min(http.local_flow_control_window(number), http.max_outbound_frame_size)):
        http.send_data(number, data[:size])
        data = data[size:]
    return data
