"""The other end of the control socket, for commands that ask a running process."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from falcocore.control import sockets
from falcocore.control.protocol import Answer, ControlError, request_line
from falcocore.errors import FalcocoreError
from falcocore.state import StateDirectory

ANSWER_S = 60.0
"""Seconds that a process may take for an answer: a busy database takes some."""

_answer_of = msgspec.json.Decoder(Answer).decode


class NotRunningError(FalcocoreError):
    """No process answers in a state directory."""


def ask(directory: StateDirectory, command: str, **arguments: Any) -> bytes:
    """What the process that owns the directory answers, as JSON.

    Raises:
        NotRunningError: there is none.
        ControlError: it is another user's, does not answer, or what it says is wrong.
    """
    with contextlib.ExitStack() as opened:
        try:
            connection = opened.enter_context(sockets.connect(directory.control, ANSWER_S))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            raise NotRunningError(
                f"no falcocore is running with the state directory {directory.path}",
                hint="name that of the running one with -o outbox.path=DIR, or its configuration with -c",
            ) from None
        except OSError as error:
            raise ControlError(
                f"the process at {directory.control} can't be asked: {error.strerror or error}",
                hint="ask as the user that it runs as",
            ) from None
        # It may have answered, and closed, before it has read everything.
        with contextlib.suppress(ConnectionError):
            connection.sendall(request_line(command, arguments))
        try:
            line = opened.enter_context(connection.makefile("rb")).readline()
            answer = _answer_of(line)
        except (OSError, msgspec.MsgspecError) as error:
            reason = (
                f"it did not answer within {ANSWER_S:.0f} s" if isinstance(error, TimeoutError) else error
            )
            raise ControlError(f"the process at {directory.control} gives no answer: {reason}") from None
    if answer.error is not None:
        raise ControlError(answer.error.message, hint=answer.error.hint)
    return bytes(answer.ok)
