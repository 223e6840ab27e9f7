"""A plan as the bytes of the kernel's tables."""

from __future__ import annotations

import struct

from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.classes import CLASSES, FAILED, Kind, class_set
from falcocore_syscall.live.pushdown.keys import MOST_TOPS, Keys
from falcocore_syscall.live.pushdown.plan import Action, Plan
from falcocore_syscall.live.pushdown.tables import CallEntry, PushDownTables
from tests.support.pushed_down import rules_of


def tables_of(*conditions: str) -> PushDownTables:
    return PushDownTables.of(Plan.of(rules_of(*conditions).rules))


def test_entries_of_calls() -> None:
    every = (1 << CLASSES) - 1
    failures = class_set(lambda number: number & FAILED != 0)
    calls = tables_of(
        "evt.type in (getppid, execve, connect)", "evt.type in (openat, creat) and fd.name = /etc/shadow"
    ).calls
    for name, entry in (
        ("getppid", CallEntry(Action.EMIT, Kind.PLAIN, every, every)),
        ("execve", CallEntry(Action.TEST, Kind.PLAIN, failures, failures)),
        ("connect", CallEntry(Action.EMIT, Kind.SOCKET, every, every)),
        ("openat", CallEntry(Action.TEST, Kind.OPEN, every, 0)),
        ("open", CallEntry(Action.NOTHING, Kind.OPEN, 0, 0)),
        ("unknown", CallEntry(Action.NOTHING, Kind.PLAIN, 0, 0)),
    ):
        assert calls[name] == entry, name


def test_first_components() -> None:
    opened = "evt.type = openat and evt.is_open_write = true and evt.failed = false and"
    tables = tables_of(
        f"{opened} fd.name startswith /etc/",
        f"{opened} fd.name = /root",
        f"{opened} fd.name = /averylongfirstcomponent/x",
        f"{opened} fd.filename = id_rsa",
        f"{opened} fd.nameraw contains ../",
    )
    classes = tables.calls["openat"].classes
    assert tables.tops == struct.pack("<16sQ16sQ", b"etc", classes, b"root", classes)
    assert tables.tops_count == 2
    assert tables.other_tops == 0
    assert tables.path_classes == tables.name_classes == tables.climbing_classes == classes
    assert not tables.places_matter


def test_a_beginning_that_ends_within_the_first_component_counts_for_all() -> None:
    tables = tables_of("evt.type = openat and fd.name startswith /et", "evt.type = openat and fd.name = /a/b")
    assert tables.other_tops == tables.path_classes
    assert tables.tops == struct.pack("<16sQ", b"a", tables.path_classes)


def test_first_components_for_which_there_is_no_room_count_for_all() -> None:
    keys = Keys.of({Atom(Part.PREFIX, b"/%03d/" % number): 1 << number % 64 for number in range(100)})
    assert len(keys.tops) == MOST_TOPS
    assert all(keys.classes_of(b"/%03d/x" % number) == 1 << number % 64 for number in range(100))
