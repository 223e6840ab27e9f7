"""Which control groups a process was in when a record was made."""

from __future__ import annotations

from typing import Protocol

from falcocore_syscall.live.hierarchy import control_groups
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import Head, Record

_REMEMBERED = 4096


class GroupReader(Protocol):
    """What tells of processes as they are now."""

    def cgroups(self, pid: int) -> bytes | None:
        """The control groups of a process; None where it is gone."""


class ControlGroups:
    """Asks /proc, which knows all hierarchies, and where that comes too late, what is remembered.

    By the time that a record is read its process may be gone, or have ended without having been waited for:
    /proc then shows it in the root of each hierarchy of version 1. The kernel's number of a group tells of
    one hierarchy only, so that processes in one group may differ in the others: what was found of one is used
    of another only where nothing else is left.
    """

    def __init__(self, reader: GroupReader) -> None:
        self._reader = reader
        self._by_number: dict[int, bytes] = {}

    def of(self, record: Record, head: Head) -> bytes | None:
        """As captures list them; None where nobody knows."""
        found = self._reader.cgroups(head.pid)
        if found is not None and not _is_root(found):
            self._remember(head.cgroup, found)
            return found
        told = record.item(ItemKind.CGROUP)
        if told is not None and not _is_root(groups := control_groups(told)):
            self._remember(head.cgroup, groups)
            return groups
        return self._by_number.get(head.cgroup, found)

    def _remember(self, number: int, groups: bytes) -> None:
        if len(self._by_number) >= _REMEMBERED:
            del self._by_number[next(iter(self._by_number))]
        self._by_number[number] = groups


def _is_root(groups: bytes) -> bool:
    return all(entry.endswith(b"=/") for entry in groups.split(b"\0") if entry)
