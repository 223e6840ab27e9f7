"""A plan as the bytes of the kernel's tables."""

from __future__ import annotations

import struct

from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.classes import CLASSES, FAILED, IPV4, Kind
from falcocore_syscall.live.pushdown.keys import MOST_TOPS, Keys
from falcocore_syscall.live.pushdown.plan import Action, Plan
from falcocore_syscall.live.pushdown.tables import CallEntry, PushDownTables
from tests.support.pushed_down import rules_of


def tables_of(*conditions: str) -> PushDownTables:
    return PushDownTables.of(Plan.of(rules_of(*conditions).rules))


def test_entries_of_calls() -> None:
    tables = tables_of(
        "evt.type in (getppid, execve, connect)", "evt.type in (openat, creat) and fd.name = /etc/shadow"
    )
    tested = tables.masks["tested_groups"]
    untested = 3 & ~tested
    assert tested in (1, 2)
    for name, action, kind, of_success, of_failure in (
        ("getppid", Action.EMIT, Kind.PLAIN, untested, untested),
        ("execve", Action.TEST, Kind.PLAIN, 0, untested),
        ("connect", Action.EMIT, Kind.SOCKET, untested, untested),
        ("openat", Action.TEST, Kind.OPEN, tested, tested),
        ("open", Action.NOTHING, Kind.OPEN, 0, 0),
        ("unknown", Action.NOTHING, Kind.PLAIN, 0, 0),
    ):
        groups = tuple(of_failure if number & FAILED else of_success for number in range(CLASSES))
        assert tables.calls[name] == CallEntry(action, kind, groups), name


def test_variables() -> None:
    """Each test has its groups, and each group has its tests."""
    tables = tables_of(
        "evt.type = openat and fd.name startswith /etc/ and proc.name = cat",
        "evt.type = openat and fd.filename = id_rsa and not proc.name in (ssh, sshd)",
        "evt.type = openat and fd.nameraw contains ../ and user.uid = 1000",
        "evt.type = connect and fd.sport = 22 and proc.aname = a and proc.is_exe_from_memfd = true",
        "evt.type = ptrace and proc.exe startswith ./ and proc.cwd = /tmp/ and proc.pname != a",
    )
    of_path, of_name, of_user, of_port, of_exe = (
        tables.masks[f"{what}_groups"] for what in ("path", "name", "user", "port", "exe")
    )
    masks = {of_path, of_name, of_user, of_port, of_exe}
    assert len(masks) == 5
    assert all(mask.bit_count() == 1 for mask in masks)
    assert tables.masks == {
        "path_groups": of_path,
        "name_groups": of_name,
        "climbing_groups": of_user,
        "user_groups": of_user,
        "port_groups": of_port,
        "program_groups": of_path | of_name,
        "parent_groups": of_exe,
        "ancestor_groups": of_port,
        "mark_groups": of_port,
        "exe_groups": of_exe,
        "directory_groups": of_exe,
        "tested_groups": 31,
        "other_programs": of_name,
        "other_parents": of_exe,
        "other_tops": 0,
    }
    assert set(tables.calls["connect"].groups[IPV4::4]) == {of_port}
    assert set(tables.calls["openat"].groups) >= {of_path | of_name, of_path | of_name | of_user}


def test_first_components() -> None:
    opened = "evt.type = openat and evt.is_open_write = true and evt.failed = false and"
    tables = tables_of(
        f"{opened} fd.name startswith /etc/",
        f"{opened} fd.name = /root",
        f"{opened} fd.name = /averylongfirstcomponent/x",
        f"{opened} fd.filename = id_rsa",
        f"{opened} fd.nameraw contains ../",
    )
    groups = tables.masks["path_groups"]
    assert groups
    assert tables.tops == struct.pack("<16sQ16sQ", b"etc", groups, b"root", groups)
    assert tables.tops_count == 2
    assert tables.masks["other_tops"] == 0


def test_a_beginning_that_ends_within_the_first_component_counts_for_all() -> None:
    tables = tables_of("evt.type = openat and fd.name startswith /et", "evt.type = openat and fd.name = /a/b")
    assert tables.masks["other_tops"] == tables.masks["path_groups"]
    assert tables.tops == struct.pack("<16sQ", b"a", tables.masks["path_groups"])


def test_first_components_for_which_there_is_no_room_count_for_all() -> None:
    keys = Keys.of({Atom(Part.PREFIX, b"/%03d/" % number): 1 << number % 64 for number in range(100)})
    assert len(keys.tops) == MOST_TOPS
    assert all(keys.groups_of(b"/%03d/x" % number) == 1 << number % 64 for number in range(100))
