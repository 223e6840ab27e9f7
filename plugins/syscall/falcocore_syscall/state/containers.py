"""Containers: whose a process is by its control groups, and what is known of each."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import Any

import msgspec

_REMEMBERED = 512
"""Sets of control groups whose meaning is remembered; each has up to 64 KiB."""

ID_LENGTH = 12
"""Characters of a container's short id."""

_HEX = r"(?P<id>[0-9a-f]{64})"
_MATCHERS = (
    rf"/libpod-(?:payload-)?{_HEX}(?:\.scope(?:/container)?)?\Z",
    rf"/(?:docker-{_HEX.replace('id', 'id2')}\.scope|{_HEX})\Z",
    rf"(?:/crio-{_HEX}|:cri-containerd:{_HEX.replace('id', 'id2')})\Z",
    rf"/(?:cri-containerd|crio|docker|nerdctl)-{_HEX}\.scope\Z",
    r"\A/(?!.*\.(?:service|slice|scope)\Z)(?P<namespace>[A-Za-z0-9_.-]+)/(?P<id>[A-Za-z0-9_.-]{1,64})\Z",
    r"/lxc/(?P<id>[^/]+)|/lxc\.payload[/.](?P<id2>[^/]+)",
    r"/(?P<id>[^/]+)\.libvirt-lxc|-lxc\\x2d(?P<id2>[^/]+)\.scope(?:/libvirt)?\Z|/libvirt/lxc/(?P<id3>[^/]+)",
    r"bpm-(?P<id>.+?)\.scope",
    rf".*/(?:(?:libpod|libpod-payload|docker|crio|cri-containerd|nerdctl)-)?{_HEX}(?:\.scope)?/",
)
"""Podman, Docker, CRI-O and containerd, namespaces of containerd, LXC, libvirt, BPM: in this order.

The last is not the reference's: a control group that was made inside a container, by its systemd or by
somebody who hides, belongs to the innermost container.
"""
_COMPILED = tuple(re.compile(pattern) for pattern in _MATCHERS)
_UNCUT = range(5, 8)
"""The matchers whose ids are not cut to ID_LENGTH: they are names."""


@lru_cache(maxsize=_REMEMBERED)
def container_id(cgroups: bytes) -> str:
    """The short id of the container whose control groups these are; empty for the host.

    The first path that a matcher accepts decides.
    """
    for path in dict.fromkeys(path for _, path in cgroup_paths(cgroups)):
        for number, matcher in enumerate(_COMPILED):
            found = matcher.search(path)
            if found:
                whole = next(value for key, value in found.groupdict().items() if key[:2] == "id" and value)
                return whole if number in _UNCUT else whole[:ID_LENGTH]
    return ""


_SUBSYSTEMS = {"perf": "perf_event", "mem": "memory", "io": "blkio"}


@lru_cache(maxsize=_REMEMBERED)
def cgroup_paths(cgroups: bytes) -> tuple[tuple[str, str], ...]:
    """Subsystem and path of each control group; names of subsystems as the kernel has them today."""
    found = []
    for entry in cgroups.split(b"\0"):
        subsystem, separator, path = entry.decode("utf-8", "surrogateescape").partition("=")
        if separator:
            subsystem = subsystem.removesuffix("_cgroup")
            found.append((_SUBSYSTEMS.get(subsystem, subsystem), path))
    return tuple(found)


class RuntimeType(IntEnum):
    """Numbers of container runtimes in captures."""

    DOCKER = 0
    LXC = 1
    LIBVIRT_LXC = 2
    MESOS = 3
    RKT = 4
    CUSTOM = 5
    CRI = 6
    CONTAINERD = 7
    CRIO = 8
    BPM = 9
    STATIC = 10
    PODMAN = 11


class Container(msgspec.Struct, frozen=True):
    """What a container runtime has told, as it stands in events of captures."""

    id: str
    data: dict[str, Any]


class Containers:
    """The containers that were told of, by short id."""

    def __init__(self) -> None:
        self._found: dict[str, Container] = {}
        self.missed = 0
        """How often a field was read of a container of which nothing was known yet."""

    def add_json(self, text: bytes) -> None:
        """Take what an event says about a container.

        Raises:
            ValueError: it is not the JSON of one.
        """
        try:
            parsed = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"what an event says about a container is no JSON: {error}") from None
        told = parsed.get("container", parsed) if isinstance(parsed, dict) else None
        if not isinstance(told, dict) or not isinstance(told.get("id"), str):
            raise ValueError("what an event says about a container does not have its id")
        short = told["id"][:ID_LENGTH]
        self._found[short] = Container(short, told)

    def remove_json(self, text: bytes) -> None:
        """Forget a container; what can't be read is left alone."""
        try:
            parsed = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        told = parsed.get("container", parsed) if isinstance(parsed, dict) else None
        if isinstance(told, dict) and isinstance(told.get("id"), str):
            self.remove(told["id"][:ID_LENGTH])

    def remove(self, short_id: str) -> None:
        """Forget a container, where it is known."""
        self._found.pop(short_id, None)

    def get(self, short_id: str) -> Container | None:
        """What is known of a container, None where nothing is."""
        found = self._found.get(short_id)
        if found is None:
            self.missed += 1
        return found
