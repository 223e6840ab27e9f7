"""What is said on the control socket: one JSON object a line as request, one as answer.

`{"command": "status"}` is answered by `{"ok": ...}`, or by `{"error": {"message": ..., "hint": ...}}`. The
arguments of a command are further members of its request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from falcocore.errors import FalcocoreError

MAX_REQUEST_BYTES = 1 << 20

Handler: TypeAlias = Callable[[Mapping[str, Any]], object]
"""Does what a command asks for, with its arguments; returns what JSON can have, or raises FalcocoreError."""

Arguments = TypeVar("Arguments", bound="msgspec.Struct")


class ControlError(FalcocoreError):
    """A request that can't be answered; its message says why."""


class NoArguments(msgspec.Struct, forbid_unknown_fields=True):
    """For commands that take none."""


class Problem(msgspec.Struct, frozen=True):
    """What an answer says where something is wrong."""

    message: str
    hint: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """An answer; `ok` is JSON, and nothing where there is an error."""

    ok: msgspec.Raw = msgspec.Raw()
    error: Problem | None = None


def taking(arguments: type[Arguments], run: Callable[[Arguments], object]) -> Handler:
    """A handler whose arguments are checked before they are used.

    Raises:
        ControlError: from the handler, where they are not what the command takes.
    """

    def handle(given: Mapping[str, Any]) -> object:
        try:
            checked = msgspec.convert(given, arguments)
        except msgspec.ValidationError as error:
            raise ControlError(f"the request can't be used: {error}") from None
        return run(checked)

    return handle


def request_line(command: str, arguments: Mapping[str, Any]) -> bytes:
    """A request."""
    return msgspec.json.encode({"command": command, **arguments}) + b"\n"


def read_request(line: bytes) -> tuple[str, dict[str, Any]]:
    """(the command, its arguments).

    Raises:
        ControlError: it is none.
    """
    try:
        request: Any = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise ControlError(f"the request is not JSON: {error}") from None
    match request:
        case {"command": str(command)}:
            return command, {name: value for name, value in request.items() if name != "command"}
    raise ControlError("the request names no command", hint='write a line such as {"command": "status"}')


def answer_line(result: object) -> bytes:
    """The answer where all is well."""
    return msgspec.json.encode({"ok": result}) + b"\n"


def error_line(error: FalcocoreError) -> bytes:
    """The answer where it is not."""
    return msgspec.json.encode({"error": Problem(error.message, error.hint)}) + b"\n"
