"""The socket that the web server listens on, and its limit on connections."""

from __future__ import annotations

import logging
import socket
from typing import Any

log = logging.getLogger("falcocore.k8s_audit")


class LimitedListener(socket.socket):
    """A listening socket that closes new connections at once while `most` are open.

    The kube-apiserver opens few and keeps them; what comes in thousands is somebody else.
    """

    def __init__(self, bound: socket.socket, most: int) -> None:
        super().__init__(bound.family, bound.type, bound.proto, bound.detach())
        self._most = most
        self._open = 0
        self._refusing = False

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; raises what asyncio takes for "none is there" where it was refused."""
        accepted, address = super().accept()
        if self._open >= self._most:
            accepted.close()
            if not self._refusing:
                log.warning("%d connections are open, new ones are refused until some are closed", self._open)
                self._refusing = True
            raise ConnectionAbortedError
        self._open += 1
        return _Counted(accepted, self), address

    def closed(self) -> None:
        """One of its connections was closed."""
        self._open -= 1
        self._refusing = self._refusing and self._open >= self._most


class _Counted(socket.socket):
    """An accepted connection."""

    def __init__(self, accepted: socket.socket, listener: LimitedListener) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self._listener: LimitedListener | None = listener

    def close(self) -> None:
        super().close()
        if self._listener is not None:
            self._listener.closed()
            self._listener = None
