"""gRPC, one request and one response at a time, over a unix socket.

h2 is there already, as hypercorn needs it. What gRPC adds to HTTP/2 for such calls is five bytes before a
message and two headers after it: too little for grpcio, and grpclib would bring an event loop into the thread
that asks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.stream import MOST_BYTES, UnixStream

OK, NOT_FOUND, UNIMPLEMENTED = 0, 5, 12
_UNKNOWN = 2
_HEAD_BYTES = 5
_HTTP_OK = "200"
_MESSAGE_LENGTH = 200
_GZIP = 16 + zlib.MAX_WBITS


class RefusedError(UnansweredError):
    """The server answered with a status of gRPC other than OK."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"gRPC status {status}: {unquote(message)[:_MESSAGE_LENGTH]}")
        self.status = status


@dataclass(slots=True)
class _Call:
    headers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    is_over: bool = False


class CallChannel:
    """A connection to a gRPC server; every call on it is over before `until_s` on the monotonic clock."""

    def __init__(self, path: str, until_s: float) -> None:
        self._stream = UnixStream(path, until_s)
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._http.initiate_connection()

    def __enter__(self) -> CallChannel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def call(self, method: str, request: bytes) -> bytes:
        """The response to a request; `method` is such as `/runtime.v1.RuntimeService/Version`.

        Raises:
            RefusedError: the server refuses.
            UnansweredError: there is no answer in time, or it is no gRPC.
        """
        call = _Call()
        try:
            number = self._http.get_next_available_stream_id()
            self._http.send_headers(number, _headers(method))
            self._http.send_data(number, b"\0" + len(request).to_bytes(4, "big") + request, end_stream=True)
            while not call.is_over:
                self._stream.send(self._http.data_to_send())
                data = self._stream.receive()
                if not data:
                    raise UnansweredError("the connection was closed")
                self._take(self._http.receive_data(data), number, call)
        except (h2.exceptions.H2Error, UnicodeDecodeError) as error:
            raise UnansweredError(f"no HTTP/2: {error}") from None
        return _response(call)

    def _take(self, events: Iterable[h2.events.Event], number: int, call: _Call) -> None:
        for event in events:
            if isinstance(event, h2.events.ConnectionTerminated):
                raise UnansweredError("the server ends the connection")
            if getattr(event, "stream_id", number) != number:
                continue
            if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                call.headers.update((str(key), str(value)) for key, value in event.headers)
            elif isinstance(event, h2.events.DataReceived):
                call.data += event.data
                self._http.acknowledge_received_data(event.flow_controlled_length, number)
            elif isinstance(event, h2.events.StreamEnded):
                call.is_over = True
            elif isinstance(event, h2.events.StreamReset):
                raise UnansweredError(f"the server breaks off, code {event.error_code}")


def _headers(method: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("grpc-accept-encoding", "identity,gzip"),
    ]


def _response(call: _Call) -> bytes:
    """The message; a status comes after it, or with the headers where there is none."""
    if call.headers.get(":status") != _HTTP_OK:
        raise UnansweredError(f"HTTP status {call.headers.get(':status')}")
    status = call.headers.get("grpc-status", "")
    if not status.isdecimal():
        raise RefusedError(_UNKNOWN, "no status")
    if int(status) != OK:
        raise RefusedError(int(status), call.headers.get("grpc-message", ""))
    data = bytes(call.data)
    if len(data) < _HEAD_BYTES or int.from_bytes(data[1:_HEAD_BYTES], "big") != len(data) - _HEAD_BYTES:
        raise UnansweredError("not one whole message of gRPC")
    message = data[_HEAD_BYTES:]
    return _unpacked(message, call.headers.get("grpc-encoding", "")) if data[0] else message


def _unpacked(message: bytes, encoding: str) -> bytes:
    if encoding != "gzip":
        raise UnansweredError(f"compressed by {encoding or 'nobody knows what'}")
    try:
        unpacker = zlib.decompressobj(_GZIP)
        unpacked = unpacker.decompress(message, MOST_BYTES)
    except zlib.error as error:
        raise UnansweredError(f"not gzip: {error}") from None
    if not unpacker.eof:
        raise UnansweredError("not whole, or too much, after unpacking")
    return unpacked
