"""The control groups of processes that run, that have ended, and that are gone."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.control_groups import ControlGroups
from falcocore_syscall.live.items import ItemKind
from falcocore_syscall.live.record import Record, RecordKind
from tests.support.live_records import item, record

RUNNING = b"pids=/pod/box\0memory=/pod/box\0cpu=/\0"
ENDED = b"pids=/\0memory=/\0cpu=/\0"
NAMES = item(ItemKind.CGROUP, b"box\0pod\0")
OF_NAMES = b"cpuset=/pod/box\0cpu=/pod/box\0io=/pod/box\0memory=/pod/box\0pids=/pod/box\0"


class Reader:
    """A /proc in which all processes look the same."""

    def __init__(self, shown: bytes | None) -> None:
        self.shown = shown

    def cgroups(self, _pid: int) -> bytes | None:
        return self.shown


def taken(*items: bytes, cgroup: int = 6) -> Record:
    return Record(record(*items, kind=RecordKind.EXEC if items else RecordKind.CALL, cgroup=cgroup))


@pytest.mark.parametrize(
    ("shown", "items", "expected"),
    [
        (RUNNING, (), RUNNING),
        (RUNNING, (NAMES,), RUNNING),
        (ENDED, (NAMES,), OF_NAMES),
        (None, (NAMES,), OF_NAMES),
        (ENDED, (), ENDED),
        (ENDED, (item(ItemKind.CGROUP, b""),), ENDED),
        (None, (), None),
    ],
)
def test_what_is_told_first(shown: bytes | None, items: tuple[bytes, ...], expected: bytes | None) -> None:
    made = taken(*items)
    assert ControlGroups(Reader(shown)).of(made, made.named()) == expected


@pytest.mark.parametrize("shown", [ENDED, None])
@pytest.mark.parametrize(("before", "items"), [(RUNNING, ()), (None, (NAMES,))])
def test_what_is_remembered(shown: bytes | None, before: bytes | None, items: tuple[bytes, ...]) -> None:
    reader = Reader(before)
    groups = ControlGroups(reader)
    first, same, other = taken(*items), taken(), taken(cgroup=7)
    found = groups.of(first, first.named())
    reader.shown = shown
    assert groups.of(same, same.named()) == found
    assert groups.of(other, other.named()) == shown
