"""Parents, ancestors, and leaders of sessions and groups."""

from __future__ import annotations

import pytest

from falcocore.testing import match_events
from falcocore_syscall.event import Event
from falcocore_syscall.fields import FIELDS
from tests.support.syscall_events import Box, one_rule, shown, value_of


@pytest.fixture
def event() -> Event:
    """cat, made by a shell in sshd under init."""
    box = Box()
    box.starts(1, 0, "init")
    for tid, parent, name in ((10, 1, "sshd"), (20, 10, "bash"), (30, 20, "cat")):
        box.forks(parent, tid)
        box.starts(tid, parent, name, args=b"-x\0", env=f"LEVEL={tid}\0".encode(), vpgid=20, pgid=tid)
        if name == "bash":
            box.happens("setsid", tid, res=tid)
    return box.happens("getuid", 30, uid=0)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("proc.name", "cat"),
        ("proc.pname", "bash"),
        ("proc.pexe", "/bin/bash"),
        ("proc.pcmdline", "bash -x"),
        ("proc.ppid", 20),
        ("proc.pvpid", 20),
        ("proc.aname[0]", "cat"),
        ("proc.aname[1]", "bash"),
        ("proc.aname[2]", "sshd"),
        ("proc.aname[3]", "init"),
        ("proc.aname[4]", None),
        ("proc.apid[2]", 10),
        ("proc.aexe[2]", "/bin/sshd"),
        ("proc.acmdline[2]", "sshd -x"),
        ("proc.aargs[1]", "-x"),
        ("proc.aenv[2]", "LEVEL=10"),
        ("proc.aenv[LEVEL]", "20"),
        ("proc.aenv[NONE]", ""),
        ("proc.aname", ["bash", "sshd", "init"]),
        ("proc.apid", [20, 10, 1]),
        ("proc.sid", 20),
        ("proc.sname", "bash"),
        ("proc.sid.exe", "/bin/bash"),
        ("proc.vpgid.name", "bash"),
        ("proc.pgid.name", "cat"),
        ("proc.loginshellid", 20),
        ("proc.is_sid_leader", False),
        ("proc.ppid.duration", None),
    ],
)
def test_family(event: Event, field: str, expected: object) -> None:
    if field == "proc.ppid.duration":
        assert int(value_of(event, field)) > 0
    else:
        assert value_of(event, field) == expected


def test_ancestors_in_an_alert(event: Event) -> None:
    assert shown(event, "proc.aname") == "bash sshd init"
    assert shown(event, "proc.aname[9]") == "<NA>"


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("proc.aname = sshd", True),
        ("proc.aname in (sshd, cron)", True),
        ("proc.aname startswith ini", True),
        ("proc.aname != sshd", True),
        ("not proc.aname = sshd", False),
        ("proc.aname = cat", False),
        ("proc.aname exists", True),
        ("proc.apid = 1", True),
        ("proc.apid > 20", False),
        ("proc.aname[2] = sshd", True),
        ("proc.aname[7] exists", False),
        ("proc.aname = val(proc.pname)", True),
    ],
)
def test_conditions_on_any_ancestor(event: Event, condition: str, matches: bool) -> None:
    rules = one_rule(condition, "%proc.aname")
    found = match_events([event], FIELDS, rules, source="syscall")
    assert found.messages == (["bash sshd init"] if matches else [])


def test_a_session_whose_leader_is_gone_has_the_name_of_the_highest_that_shares_it() -> None:
    box = Box()
    box.starts(1, 0, "init")
    box.forks(1, 10)
    box.starts(10, 1, "screen")
    box.machine.threads[10].sid = 5
    box.forks(10, 20)
    box.starts(20, 10, "vim")
    assert value_of(box.happens("getuid", 20, uid=0), "proc.sname") == "screen"
    assert value_of(box.happens("getuid", 10, uid=0), "proc.sname") == ""
