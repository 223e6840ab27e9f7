"""Overlay file systems: whether a program's file is from a container's image or was written over it."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass

from falcocore_syscall.live.procfs.files import Directory

_REMEMBERED = 1024
"""Mount namespaces whose overlays are remembered."""


class Layer(enum.Enum):
    """Where in an overlay file system a file is."""

    NONE = "none"
    UPPER = "upper"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class _Mount:
    point: bytes
    is_overlay: bool
    upper: bytes | None
    """The directory with what was changed; None where nothing can be."""


class Overlays:
    """Finds the layer of files. `host_root` stands before the paths of upper directories."""

    def __init__(self, host_root: str = "") -> None:
        self._host_root = host_root.encode()
        self._mounts: dict[tuple[bytes, bytes], list[_Mount]] = {}

    def layer_of(self, process: Directory, root: bytes, path: bytes) -> Layer:
        """The layer of a file by the path that a process sees; NONE also where it can't be told."""
        key = (process.link("ns/mnt"), root)
        mounts = self._mounts.get(key)
        if mounts is None:
            if len(self._mounts) >= _REMEMBERED:
                self._mounts.clear()
            mounts = self._mounts[key] = parse_mounts(process.read_or_empty("mountinfo"))
        if not mounts:
            return Layer.NONE
        for mount in mounts:
            if _is_below(mount.point, path):
                return self._layer(mount, path[len(mount.point.rstrip(b"/")) :])
        return Layer.NONE

    def _layer(self, mount: _Mount, path: bytes) -> Layer:
        if not mount.is_overlay:
            return Layer.NONE
        changed = mount.upper is not None and os.path.lexists(self._host_root + mount.upper + path)
        return Layer.UPPER if changed else Layer.LOWER


def parse_mounts(content: bytes) -> list[_Mount]:
    """The mounts of a `mountinfo`, those that hide others first; none where no overlay is among them."""
    if b" overlay " not in content:
        return []
    found = []
    for line in content.splitlines():
        front, _, back = line.partition(b" - ")
        place, kind = front.split(b" "), back.split(b" ")
        if len(place) < 5 or len(kind) < 3:
            continue
        is_overlay = kind[0] == b"overlay"
        found.append(_Mount(_unescaped(place[4]), is_overlay, _upper(kind[2]) if is_overlay else None))
    # A later mount hides an earlier one of the same place, and a longer place is the nearer one.
    found.reverse()
    found.sort(key=lambda mount: -len(mount.point))
    return found


def _upper(options: bytes) -> bytes | None:
    upper = [it for it in options.split(b",") if it.startswith(b"upperdir=")]
    return _unescaped(upper[0].removeprefix(b"upperdir=")) if upper else None


def _unescaped(text: bytes) -> bytes:
    """Blanks and the like are written as octal numbers."""
    first, *rest = text.split(b"\\")
    return first + b"".join(
        bytes([int(part[:3], 8) & 0xFF]) + part[3:] if part[:3].isdigit() else b"\\" + part for part in rest
    )


def _is_below(point: bytes, path: bytes) -> bool:
    return path == point or path.startswith(point if point.endswith(b"/") else point + b"/")
