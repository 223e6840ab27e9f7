"""A plan in words, and the command that prints it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falcocore.api import Reason
from falcocore_syscall.live.pushdown.describe import describe_push_down
from tests.support.command_line import falcocore
from tests.support.pushed_down import rules_of
from tests.support.syscall_events import one_rule


@pytest.mark.parametrize(
    ("condition", "call", "what", "asks"),
    [
        (
            "evt.type = getppid and proc.aname[2] = sshd",
            "getppid",
            "everything",
            "proc.aname[2] can't be tested in the kernel",
        ),
        ("evt.type = getppid", "getppid", "everything", "the rule asks nothing else"),
        (
            "evt.type = ptrace and container.id != host and user.uid = 0 and proc.exepath = a",
            "ptrace",
            "all in containers, by root",
            "all in containers, by root: proc.exepath can't be tested in the kernel",
        ),
        (
            "evt.type = openat and evt.is_open_read = true and fd.num >= 0 and fd.name in (/a/b, /a/c)",
            "openat",
            "to read or to read and write, that succeed, depending on the path",
            "to read or to read and write, that succeed: the path is /a/b, /a/c",
        ),
        (
            "evt.type = openat and (fd.name startswith /a/ or fd.filename endswith .so or evt.failed = true)",
            "openat",
            "depending on the path; in any case all that fail",
            "all that fail: the rule asks nothing else; that succeed: the path begins with /a/, or has a "
            "name that ends in .so",
        ),
        (
            "evt.type = openat and fd.name = /a/b and not proc.name in (x, y) and user.uid in (5, 6, 9)",
            "openat",
            "by other users than root, depending on the path, the user and the program",
            "by other users than root: the path is /a/b, the user's number is 5 to 6, 9, and the program is "
            "none of x, y",
        ),
        (
            "evt.type = ptrace and proc.pname != a and proc.aname = b and proc.is_exe_from_memfd = true",
            "ptrace",
            "depending on the program's parents and the program",
            "its parent is none of a, it or a program above it is b, and the program's file is in memory "
            "only",
        ),
        (
            "evt.type = ptrace and proc.exe startswith ./ and proc.cwd = /tmp/",
            "ptrace",
            "depending on the program and the working directory",
            "what the program was started as begins with ./, and the working directory is /tmp",
        ),
        (
            "evt.type = sendto and fd.sport = 22",
            "sendto",
            "of IPv4 or of IPv6 or of other families, depending on the port",
            "of IPv4 or of IPv6 or of other families: a port is 22",
        ),
        (
            "evt.type = connect and fd.typechar = u and evt.failed = false",
            "connect",
            "all of family unix or of other families, that succeed",
            "all of family unix or of other families, that succeed: fd.typechar can't be tested in the "
            "kernel",
        ),
    ],
)
def test_one_call(condition: str, call: str, what: str, asks: str) -> None:
    (sent,) = [one for one in describe_push_down(rules_of(condition)) if one.events == call]
    assert sent.what == what
    assert sent.reasons == (Reason("R0", asks),)


def test_what_is_always_sent_and_what_never() -> None:
    first, *calls, last = describe_push_down(rules_of("evt.type = getppid", "proc.name = a"))
    assert first.what.startswith("always sent")
    assert any(one.events == "calls that have no name here" for one in calls)
    assert last.events == "0 other system calls"
    _, _, last = describe_push_down(rules_of("evt.type = getppid"))
    assert last.what == "not sent, no rule can match them"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "r.yaml"
    rules = [
        json.loads(one_rule(condition, "x"))[0] | {"rule": name}
        for name, condition in (
            ("Shadow", "evt.type = openat and evt.failed = false and fd.name = /etc/shadow"),
            ("Parents", "evt.type in (getppid, openat) and proc.aname[2] = sshd"),
        )
    ]
    path.write_text(json.dumps(rules))
    return str(path)


def test_the_command_prints_each_call_with_its_rules(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert falcocore("describe", "--push-down", "-r", file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "source syscall:"
    at = lines.index("  openat: everything")
    assert lines[at + 1 : at + 3] == [
        "    because of rule Shadow: that succeed: the path is /etc/shadow",
        "    because of rule Parents: proc.aname[2] can't be tested in the kernel",
    ]


def test_the_command_shows_what_one_rule_costs(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert falcocore("describe", "--push-down", "-r", file, "Shadow", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    asks = "that succeed: the path is /etc/shadow"
    assert found == {
        "syscall": [{"events": "openat", "what": "everything", "reasons": [{"rule": "Shadow", "asks": asks}]}]
    }
