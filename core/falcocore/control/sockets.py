"""Unix sockets whose paths may be longer than the 108 bytes of their addresses."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_LONGEST_BYTES = 107
"""Of a path in the address of a unix socket, without the zero byte at its end."""
_BACKLOG = 16


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """The path, or while the context is open a shorter one that leads to the same place."""
    if len(os.fsencode(path)) <= _LONGEST_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path) -> socket.socket:
    """A listening socket for this user only, in place of one that is there.

    Raises:
        OSError: it can't be made.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Linux gives the file the mode that the socket has, so that nobody else connects before a chmod.
        os.fchmod(listener.fileno(), 0o600)
        with _address(path) as address:
            listener.bind(address)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(path: Path, timeout_s: float) -> socket.socket:
    """A connection; each of its operations may take so long.

    Raises:
        OSError: nobody listens there, or not for this user.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        with _address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection
