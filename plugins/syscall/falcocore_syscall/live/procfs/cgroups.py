"""Control groups of a process, written as captures have them: `controller=path`, divided by NUL."""

from __future__ import annotations

_MOST_BYTES = 4096
_REMEMBERED = 4096
"""Groups whose controllers are remembered."""
_USUAL = (b"cpuset", b"cpu", b"io", b"memory", b"pids")
"""What a group of version 2 stands under whose controllers can't be read: its path tells of the container."""


class Cgroups:
    """Knows which controllers the groups of version 2 have. `mount` is where the groups are mounted."""

    def __init__(self, mount: str = "/sys/fs/cgroup") -> None:
        self._mount = mount
        self._controllers: dict[bytes, tuple[bytes, ...]] = {}

    def listed(self, content: bytes) -> bytes:
        """The text for captures of a file /proc/PID/cgroup."""
        found: list[bytes] = []
        unified: bytes | None = None
        for line in content.splitlines():
            number, _, rest = line.partition(b":")
            names, _, path = rest.partition(b":")
            if number == b"0" and not names:
                unified = path
            else:
                found += [name + b"=" + path for name in names.split(b",")]
        if unified is not None:
            controllers = self._of(unified) or (() if found else _USUAL)
            found += [name + b"=" + unified for name in controllers]
        return joined(found, _MOST_BYTES)

    def _of(self, path: bytes) -> tuple[bytes, ...]:
        known = self._controllers.get(path)
        if known is None:
            if len(self._controllers) >= _REMEMBERED:
                self._controllers.clear()
            known = self._controllers[path] = self._read(path)
        return known

    def _read(self, path: bytes) -> tuple[bytes, ...]:
        for mount in (self._mount, f"{self._mount}/unified"):
            try:
                with open(mount.encode() + path + b"/cgroup.controllers", "rb") as file:
                    return tuple(file.read().split())
            except OSError:
                continue
        return ()


def joined(texts: list[bytes], most_bytes: int) -> bytes:
    """Texts with a NUL behind each; those that don't fit any more are left out."""
    whole = b"".join(text + b"\0" for text in texts)
    if len(whole) <= most_bytes:
        return whole
    return whole[: whole.rfind(b"\0", 0, most_bytes) + 1]
