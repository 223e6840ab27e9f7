"""Questions to an HTTP server on a unix socket that answers in JSON."""

from __future__ import annotations

import io
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

import msgspec

from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.stream import UnixStream

_OK, _NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """An object, and the head that came with it."""

    headers: Message
    data: dict[str, Any]


def get_json(path: str, target: str, until_s: float) -> JsonAnswer | None:
    """Ask the server at this path of the file system; None where it says that there is no such thing.

    Raises:
        UnansweredError: no answer before `until_s`, or none of use.
    """
    request = (
        f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: application/json\r\n\r\n"
    )
    with UnixStream(path, until_s) as stream:
        stream.send(request.encode("ascii"))
        taken = io.BytesIO()
        while data := stream.receive():
            taken.write(data)
    response = HTTPResponse(cast(Any, _Taken(taken.getvalue())))
    try:
        response.begin()
        body = response.read()
    except (HTTPException, ValueError) as error:
        raise UnansweredError(f"no HTTP: {type(error).__name__}") from None
    if response.status == _NOT_FOUND:
        return None
    if response.status != _OK:
        raise UnansweredError(f"HTTP status {response.status}")
    try:
        return JsonAnswer(response.headers, msgspec.json.decode(body, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnansweredError(f"no JSON object: {error}") from None


class _Taken:
    """The bytes of an answer, as the socket that the standard library's parser asks for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)
