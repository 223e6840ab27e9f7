"""One HTTP/1.1 request whose body has an announced length, and its answer, for an ASGI application."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from http.client import responses
from typing import Any
from urllib.parse import unquote

from falcocore_k8s_audit.head import Head
from falcocore_k8s_audit.wire import Wire

Header = tuple[bytes, bytes]
Message = MutableMapping[str, Any]


class Exchange:
    """What an application is called with. `headers` are added to those of its answer.

    With `is_last` the connection is closed behind the answer.
    """

    def __init__(self, wire: Wire, head: Head, headers: Sequence[Header], *, is_last: bool) -> None:
        self._wire = wire
        self._head = head
        self._headers = headers
        self._left_bytes = head.body_bytes
        self._is_given = False
        self._begun = b""
        self._closes = is_last or not head.keeps_open
        self._is_answered = False

    @property
    def leaves_open(self) -> bool:
        """Whether another request may follow: both sides have said all, and none wants to close."""
        return self._is_answered and not self._closes

    def scope(self) -> dict[str, Any]:
        """The request's head."""
        path, _, query = self._head.target.partition(b"?")
        about = self._wire.transport.get_extra_info
        return {
            "type": "http",
            "asgi": {"spec_version": "2.1", "version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http" if about("sslcontext") is None else "https",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self._head.headers,
            "client": about("peername")[:2],
            "server": about("sockname")[:2],
            "state": {},
            "extensions": {},
        }

    async def receive(self) -> Message:
        """The next piece of the body, or that the client has gone."""
        if self._left_bytes:
            piece = await self._wire.read()
            if not piece:
                return {"type": "http.disconnect"}
            if len(piece) > self._left_bytes:
                self._wire.put_back(piece[self._left_bytes :])
                piece = piece[: self._left_bytes]
            self._left_bytes -= len(piece)
            # Its end is a message of its own: whoever refuses the last piece may still read to the end.
            return {"type": "http.request", "body": piece, "more_body": True}
        if not self._is_given:
            self._is_given = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._wire.lost.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """A part of the answer; its head is sent together with what follows."""
        if message["type"] == "http.response.start":
            self._begun = self._head_of(message["status"], [*message["headers"], *self._headers])
            return
        said = self._begun + message.get("body", b"")
        self._begun = b""
        self._is_answered = not message.get("more_body", False)
        await self._wire.write(said)

    def _head_of(self, status: int, headers: list[Header]) -> bytes:
        """The head of the answer. It is the last one where the client would not know where another begins."""
        if self._left_bytes or all(name.lower() != b"content-length" for name, _ in headers):
            self._closes = True
        if self._closes:
            headers.append((b"connection", b"close"))
        lines = [b"HTTP/1.1 %d %b" % (status, responses.get(status, "").encode())]
        lines += [b"%b: %b" % header for header in headers]
        return b"\r\n".join((*lines, b"", b""))
