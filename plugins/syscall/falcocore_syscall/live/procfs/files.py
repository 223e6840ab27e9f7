"""Reading the small files and links of /proc, where whatever is read may end at any moment."""

from __future__ import annotations

import os
from collections.abc import Mapping

HOST_ROOT = "HOST_ROOT"
"""The variable with the directory under which a container sees the host's files."""
PROC = "/proc"
_PIECE_BYTES = 1 << 16


def host_root(environ: Mapping[str, str] = os.environ) -> str:
    """What stands before the host's paths; empty where they are ours."""
    return environ.get(HOST_ROOT, "").rstrip("/")


def proc_root(environ: Mapping[str, str] = os.environ) -> str:
    """The host's /proc."""
    return host_root(environ) + PROC


class Directory:
    """One directory of /proc, held open: a process that ends takes its files with it, and its number may
    come again, but not in here.

    Use it in a `with` statement.

    Raises:
        OSError: it is not there.
    """

    __slots__ = ("_descriptor",)

    def __init__(self, path: str, within: int | None = None) -> None:
        self._descriptor: int = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=within)

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def directory(self, name: str) -> Directory:
        """A directory in it.

        Raises:
            OSError: it is not there.
        """
        return Directory(name, self._descriptor)

    def read(self, name: str, limit: int | None = None) -> bytes:
        """The content of a file, or its first bytes.

        Raises:
            OSError: it can't be read.
        """
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
        try:
            if limit is not None:
                return os.read(descriptor, limit)
            content = piece = os.read(descriptor, _PIECE_BYTES)
            while piece and (piece := os.read(descriptor, _PIECE_BYTES)):
                content += piece
            return content
        finally:
            os.close(descriptor)

    def read_or_empty(self, name: str, limit: int | None = None) -> bytes:
        """The same; nothing where it can't be read."""
        try:
            return self.read(name, limit)
        except OSError:
            return b""

    def link(self, name: str) -> bytes:
        """Where a link leads, as the kernel writes it; empty where it can't be read."""
        try:
            return os.fsencode(os.readlink(name, dir_fd=self._descriptor))
        except OSError:
            return b""

    def stat(self, name: str) -> os.stat_result | None:
        """The file that a name leads to; None where there is none, or it can't be reached."""
        try:
            return os.stat(name, dir_fd=self._descriptor)
        except OSError:
            return None

    def numbers(self, name: str) -> list[int]:
        """The entries of a directory in it whose names are numbers, in order; none where it can't be read."""
        try:
            with self.directory(name) as inner:
                return inner.own_numbers()
        except OSError:
            return []

    def own_numbers(self) -> list[int]:
        """Its entries whose names are numbers, in order.

        Raises:
            OSError: it can't be read.
        """
        return sorted(int(name) for name in os.listdir(self._descriptor) if name.isdigit())


DELETED = b" (deleted)"


def without_mark(path: bytes) -> bytes:
    """A path without what the kernel puts behind it when the file was deleted."""
    return path.removesuffix(DELETED)
