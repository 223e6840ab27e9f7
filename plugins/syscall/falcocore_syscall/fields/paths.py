"""Fields of the files that system calls name by their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from falcocore.api import Field, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import text
from falcocore_syscall.state.paths import collapsed, resolve
from falcocore_syscall.tables import types_named

_AT_FDCWD = -100


@dataclass(frozen=True, slots=True)
class _Path:
    """The parameter with a path, that with the descriptor of its directory, and that with its own."""

    param: int | None = None
    dirfd: int | None = None
    fd: int | None = None


def _each(path: _Path, *names: str) -> dict[int, _Path]:
    return dict.fromkeys(types_named(*names), path)


_OPENS = types_named("open", "openat", "openat2")
_NAMES: Mapping[int, _Path] = {
    **_each(_Path(1), "mkdir", "rmdir", "unlink", "open", "chmod", "chown", "lchown", "umount", "umount2"),
    **_each(_Path(2, 1), "mkdirat", "unlinkat", "openat", "openat2", "fchmodat", "fchownat"),
    **_each(_Path(fd=1), "fchmod", "fchown"),
    **_each(_Path(1), "quotactl"),
}
_SOURCES: Mapping[int, _Path] = {
    **_each(_Path(1), "rename", "mount"),
    **_each(_Path(2, 1), "renameat", "renameat2"),
    **_each(_Path(2), "link", "symlink"),
    **_each(_Path(4, 3), "linkat"),
    **_each(_Path(3, 2), "symlinkat"),
}
_TARGETS: Mapping[int, _Path] = {
    **_each(_Path(2), "rename", "mount"),
    **_each(_Path(4, 3), "renameat", "renameat2"),
    **_each(_Path(1), "link", "symlink", "symlinkat"),
    **_each(_Path(2, 1), "linkat"),
}
_ABSOLUTE: Mapping[int, _Path] = {
    **_each(_Path(2, 1), "openat", "openat2", "unlinkat", "mkdirat", "fchmodat", "fchownat"),
    **_each(_Path(3), "open_by_handle_at"),
    **_each(_Path(3, 2), "symlinkat"),
}
_ABSOLUTE_SOURCES: Mapping[int, _Path] = _each(_Path(2, 1), "renameat", "renameat2", "linkat")
_ABSOLUTE_TARGETS: Mapping[int, _Path] = _each(_Path(4, 3), "renameat", "renameat2", "linkat")


def _read(event: Event, path: _Path, *, raw: bool) -> str | None:
    if event.thread is None:
        return None
    if path.fd is not None:
        entry = event.find_fd()
        return None if entry is None else entry.name
    if path.param is None or not event.is_available(path.param):
        return None
    value = event.text(path.param)
    if raw:
        return collapsed(value)
    if value[:1] == "/":
        return resolve("", value)
    dirfd = _AT_FDCWD if path.dirfd is None else event.integer(path.dirfd)
    return resolve(event.directory(_AT_FDCWD if dirfd is None else dirfd), value)


def _on_success(paths: Mapping[int, _Path], *, raw: bool = False) -> Callable[[Event], Value]:
    def get(event: Event) -> Value:
        path = paths.get(event.type)
        if path is None:
            return None
        result = event.result
        worked = result != -1 if event.type in _OPENS else result == 0
        return _read(event, path, raw=raw) if worked else None

    return get


def _always(paths: Mapping[int, _Path]) -> Callable[[Event], Value]:
    def get(event: Event) -> Value:
        path = paths.get(event.type)
        return None if path is None else _read(event, path, raw=False)

    return get


def path_fields() -> Iterator[Field]:
    """Fields `fs.path.*` and `evt.abspath*`."""
    for name, paths, what in (
        ("name", _NAMES, "file that the call is about"),
        ("source", _SOURCES, "file that is renamed, mounted, or made as a link"),
        ("target", _TARGETS, "new name, place of the mount, or file that a link leads to"),
    ):
        yield text(f"fs.path.{name}", f"Whole path of the {what}.", _on_success(paths))
        yield text(f"fs.path.{name}raw", f"Path of the {what}, as given.", _on_success(paths, raw=True))
    whole = "Whole path that a call with the descriptor of a directory is about"
    yield text("evt.abspath", f"{whole}.", _always({**_ABSOLUTE_SOURCES, **_ABSOLUTE}))
    yield text("evt.abspath.src", f"{whole}: the old name.", _always(_ABSOLUTE_SOURCES))
    yield text("evt.abspath.dst", f"{whole}: the new name.", _always(_ABSOLUTE_TARGETS))
