"""One HTTP/1.1 request whose body has an announced length, and its answer, for an ASGI application."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote

import h11

from falcocore_k8s_audit.wire import Wire

Header = tuple[bytes, bytes]
Message = MutableMapping[str, Any]


class Exchange:
    """What an application is called with. `headers` are added to those of its answer.

    The body goes past h11, which would copy it, straight from the wire to the application.
    """

    def __init__(
        self, wire: Wire, http: h11.Connection, request: h11.Request, headers: Sequence[Header]
    ) -> None:
        self._wire = wire
        self._http = http
        self._request = request
        self._headers = headers
        self._left_bytes = int(dict(request.headers)[b"content-length"])
        self._is_given = False
        self._begun = b""

    @property
    def leaves_open(self) -> bool:
        """Whether another request may follow: both sides have said all, and none wants to close."""
        return self._left_bytes == 0 and self._http.our_state is h11.DONE

    def scope(self) -> dict[str, Any]:
        """The request's head."""
        path, _, query = self._request.target.partition(b"?")
        about = self._wire.transport.get_extra_info
        return {
            "type": "http",
            "asgi": {"spec_version": "2.1", "version": "3.0"},
            "http_version": self._request.http_version.decode("ascii"),
            "method": self._request.method.decode("ascii"),
            "scheme": "http" if about("sslcontext") is None else "https",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(self._request.headers),
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
            headers = [*message["headers"], *self._headers]
            self._begun = self._said(h11.Response(status_code=message["status"], headers=headers))
            return
        said = self._begun + self._said(h11.Data(data=message.get("body", b"")))
        self._begun = b""
        if not message.get("more_body", False):
            said += self._said(h11.EndOfMessage())
        await self._wire.write(said)

    def _said(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> bytes:
        return self._http.send(event) or b""
