"""What tests of rules describe, as events with the fields that rules read."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

import pytest

from falcocore_syscall.described.events import described_events
from falcocore_syscall.event import Event
from falcocore_syscall.fields import FIELDS
from falcocore_syscall.replay import Replay
from falcocore_syscall.scap.reader import Reader
from falcocore_syscall.scap.records import InterfaceRecord
from falcocore_syscall.source import SyscallSource
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import types_named
from tests.support.scap_writer import ScapWriter
from tests.support.syscall_events import START_NS, tuple4, value_of


def the_event(description: Any) -> Event:
    (event,) = described_events([description])
    return event


def read(description: Any, *names: str) -> list[Any]:
    event = the_event(description)
    return [value_of(event, name) for name in names]


IMAGE = "docker.io/library/nginx:1.27"


@pytest.mark.parametrize(
    ("proc", "values"),
    [
        ("cat /etc/shadow", {"proc.name": "cat", "proc.args": "/etc/shadow", "proc.exe": "cat"}),
        ("cat", {"proc.cmdline": "cat", "proc.exepath": "/usr/bin/cat", "proc.cwd": "/", "proc.tty": 0}),
        ("/opt/x -v", {"proc.name": "x", "proc.exe": "/opt/x", "proc.exepath": "/opt/x", "proc.pname": None}),
        ("a-name-that-is-too-long", {"proc.name": "a-name-that-is-"}),
        (
            {"name": "puma reactor"},
            {"proc.name": "puma reactor", "proc.exe": "puma reactor", "proc.args": ""},
        ),
        (
            {"name": "bash", "exe": "/bin/bash", "cmdline": "bash -i"},
            {"proc.exe": "/bin/bash", "proc.cmdline": "bash -i", "proc.exepath": "/bin/bash"},
        ),
        ({"cmdline": "sh", "args": ["-c", "a b"]}, {"proc.args": "-c a b", "proc.args[1]": "a b"}),
        ({"cmdline": "x", "exepath": "/y"}, {"proc.exe": "x", "proc.exepath": "/y"}),
        ({"cmdline": "x", "cwd": "/srv"}, {"proc.cwd": "/srv/"}),
        ({"cmdline": "x", "tty": 34816}, {"proc.tty": 34816}),
        ({"cmdline": "x", "env": {"A": "b"}}, {"proc.env": "A=b", "proc.env[A]": "b"}),
        ({"cmdline": "x", "parent": "bash -l"}, {"proc.pname": "bash", "proc.pcmdline": "bash -l"}),
        (
            {"cmdline": "x", "parent": ["a", {"cmdline": "b", "parent": "c"}, "d"]},
            {"proc.aname[1]": "a", "proc.aname[2]": "b", "proc.aname[3]": "c", "proc.aname[4]": "d"},
        ),
        ({"cmdline": "x"}, {"user.name": "root", "user.uid": 0, "user.loginuid": -1, "container.id": "host"}),
        ({"cmdline": "x", "user": "www-data"}, {"user.name": "www-data", "user.uid": 1000}),
        (
            {"cmdline": "x", "user": {"name": "www-data", "uid": 33}},
            {"user.name": "www-data", "user.uid": 33},
        ),
        (
            {"cmdline": "x", "user": "eve", "loginuser": "bob", "container": IMAGE},
            {"user.name": "eve", "user.loginname": "bob", "user.homedir": "/home/eve"},
        ),
        (
            {"cmdline": "x", "container": IMAGE},
            {
                "container.image": IMAGE,
                "container.image.repository": "docker.io/library/nginx",
                "container.image.tag": "1.27",
                "container.privileged": False,
            },
        ),
        (
            {
                "cmdline": "x",
                "container": {"image": "localhost:5000/a@sha256:1", "name": "web", "privileged": True},
            },
            {
                "container.image.repository": "localhost:5000/a",
                "container.image.digest": "sha256:1",
                "container.name": "web",
                "container.privileged": True,
            },
        ),
        (
            {
                "cmdline": "x",
                "container": {"image": IMAGE, "namespace": "shop", "pod": "web-1", "labels": {"a": "b"}},
            },
            {"k8s.ns.name": "shop", "k8s.pod.name": "web-1", "container.label.a": "b"},
        ),
        (
            {"cmdline": "x", "container": {"id": "0123456789ab"}},
            {"container.id": "0123456789ab", "container.image.repository": None},
        ),
        ({"cmdline": "x", "capabilities": ["CAP_BPF"]}, {"thread.cap_effective": "CAP_BPF"}),
        ({"cmdline": "x", "exe_flags": ["EXE_UPPER_LAYER"]}, {"proc.is_exe_upper_layer": True}),
        ({"cmdline": "x", "vpid": 1, "pid": 70}, {"proc.vpid": 1, "proc.pid": 70}),
        ({"cmdline": "x", "age_s": 5}, {"proc.duration": 5_001_000_000}),
    ],
)
@pytest.mark.parametrize("call", ["execve", "close"])
def test_a_process_is_what_its_description_says(proc: Any, values: dict[str, Any], call: str) -> None:
    assert read({"proc": proc, call: {}}, *values) == list(values.values())


@pytest.mark.parametrize(
    ("call", "values"),
    [
        ({"execve": None}, {"evt.type": "execve", "evt.res": "SUCCESS", "evt.num": 1}),
        ({"execve": {"result": "ENOENT"}}, {"evt.res": "ENOENT", "evt.rawres": -2}),
        (
            {"openat": {"path": "../etc/shadow", "flags": "O_RDONLY|O_CLOEXEC"}},
            {"fd.name": "/etc/shadow", "fd.nameraw": "../etc/shadow", "fd.num": 3, "evt.is_open_read": True},
        ),
        ({"open": {"path": "/x", "flags": ["O_RDONLY"], "result": 7}}, {"fd.num": 7, "fd.name": "/x"}),
        ({"open": {"path": "/x", "result": "EACCES"}}, {"evt.res": "EACCES", "fd.num": -1}),
        ({"openat": {"path": "d", "flags": "O_DIRECTORY"}}, {"fd.typechar": "d"}),
        (
            {"symlink": {"target": "/a", "linkpath": "b"}},
            {"evt.arg.target": "/a", "evt.arg.linkpath": "/work/b"},
        ),
        ({"dup2": {"oldfd": 5, "newfd": 0}}, {"evt.rawres": 0, "fd.name": "10.0.0.5:1->192.0.2.7:443"}),
        ({"read": {"fd": 6}}, {"fd.name": "/var/x", "fd.type": "file"}),
        ({"listen": {"fd": 8}}, {"fd.name": "0.0.0.0:80", "fd.is_server": True}),
        (
            {"connect": {"to": "192.0.2.7:22"}},
            {"fd.sport": 22, "fd.rport": 22, "fd.lport": 40000, "fd.l4proto": "tcp", "fd.num": 3},
        ),
        (
            {"connect": {"to": "[2001:db8::7]:22", "fd": 9}},
            {"fd.name": "fd00::5:40000->2001:db8::7:22", "fd.type": "ipv6", "fd.num": 9},
        ),
        ({"connect": {"to": "192.0.2.7:53", "protocol": "udp"}}, {"fd.l4proto": "udp"}),
        ({"connect": {"to": "/run/x.sock"}}, {"fd.type": "unix", "fd.name": "0->0 /run/x.sock"}),
        ({"connect": {"from": "127.0.0.1:1", "to": "127.0.0.1:2"}}, {"fd.name": "127.0.0.1:1->127.0.0.1:2"}),
        ({"sendto": {"to": "192.0.2.7:53"}}, {"fd.l4proto": "udp", "fd.sport": 53}),
        (
            {"accept4": {"from": "192.0.2.7:40000", "to": "10.0.0.5:80"}},
            {"fd.cport": 40000, "fd.lport": 80, "fd.is_server": True},
        ),
        ({"bind": {"fd": 7, "addr": "0.0.0.0:53"}}, {"fd.name": "0.0.0.0:53"}),
        ({"ptrace": {"request": "PTRACE_ATTACH"}}, {"evt.arg.request": "PTRACE_ATTACH"}),
        ({"fchmodat": {"path": "/x", "mode": ["S_ISUID", "S_IXUSR"]}}, {"evt.arg.mode": "S_IXUSR|S_ISUID"}),
        ({"setuid": {"uid": "eve", "result": "EPERM"}}, {"evt.arg.uid": "eve", "user.name": "root"}),
        ({"kill": {"pid": 7, "sig": "SIGKILL"}}, {"evt.arg.sig": "SIGKILL"}),
        ({"write": {"fd": 6, "data": "hello", "result": 5}}, {"evt.arg.data": "hello", "evt.rawres": 5}),
        ({"acct": {}}, {"evt.type": "acct"}),
    ],
)
def test_a_call_has_the_arguments_that_its_description_says(call: Any, values: dict[str, Any]) -> None:
    fds = {5: "tcp 10.0.0.5:1->192.0.2.7:443", 6: "/var/x", 7: "udp", 8: "tcp 0.0.0.0:80"}
    proc = {"cmdline": "x", "cwd": "/work", "fds": fds}
    assert read({"proc": proc, **call}, *values) == list(values.values())


def test_names_stand_for_addresses_without_being_looked_up() -> None:
    names = {"api.example.org": "192.0.2.7", "api": "192.0.2.7"}
    told = {"names": names, "proc": "curl", "connect": {"to": "192.0.2.7:443"}}
    assert read(told, "fd.sip.name") == [["api.example.org", "api"]]


def test_a_process_does_several_things() -> None:
    first, second, third = described_events(
        [
            {"proc": {"pid": 70, "cmdline": "nc"}, "connect": {"to": "192.0.2.7:443", "fd": 4}},
            {"proc": "other", "close": {}},
            {"proc": {"pid": 70}, "dup2": {"oldfd": 4, "newfd": 1}},
        ]
    )
    assert [event.num for event in (first, second, third)] == [1, 2, 3]
    assert value_of(third, "proc.name") == "nc"
    assert value_of(third, "fd.name") == "10.0.0.5:40000->192.0.2.7:443"
    assert first.time_ns < second.time_ns < third.time_ns
    assert value_of(third, "evt.deltatime") == third.time_ns - second.time_ns


def test_events_are_the_same_in_every_run_and_made_one_at_a_time() -> None:
    def told() -> Any:
        yield {"proc": "a", "execve": {}}
        raise AssertionError("the second description is not needed yet")

    first, again = next(SyscallSource.events_from(told())), next(SyscallSource.events_from(told()))
    assert (first.key, first.time_ns) == (again.key, again.time_ns)
    assert first.time_ns < time.time_ns()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (7, "event 1: a map of `proc` and a system call is expected, not 7"),
        ({"execve": {}}, "event 1: `proc` is missing: the process that makes the system call"),
        ({"proc": "x"}, "one system call is needed beside `proc`, such as `execve: {}`, not none"),
        ({"proc": "x", "open": {}, "close": {}}, "not `open` and `close`"),
        ({"proc": "x", "opnat": {}}, "`opnat` is neither `proc` nor a system call; did you mean `openat`?"),
        (
            {"proc": "x", "!": {}},
            "`!` is neither `proc` nor a system call; name one, such as openat or execve",
        ),
        ({"proc": "x", "open": 7}, "open: a map of arguments is expected, not 7"),
        ({"proc": "x", "open": {"flag": 1}}, "open has no argument `flag`; did you mean `flags`?"),
        ({"proc": "x", "open": {"flags": "O_READ"}}, "open.flags: `O_READ` is not known; there are O_"),
        ({"proc": "x", "open": {"flags": 1.5}}, "open.flags: a number or a name is expected, not 1.5"),
        ({"proc": "x", "open": {"flags": 1 << 32}}, "open.flags: 4294967296 is too large"),
        ({"proc": "x", "open": {"path": 7}}, "open.name: a text is expected, not 7"),
        ({"proc": "x", "close": {"result": "EWRONG"}}, "close.res: `EWRONG` is not known"),
        (
            {"proc": "x", "ptrace": {"request": "PTRACE_ATTACH|PTRACE_CONT"}},
            "ptrace.request: one name is expected",
        ),
        ({"proc": "x", "ptrace": {"addr": 7}}, "ptrace.addr: this argument can't be described"),
        ({"proc": "x", "acct": {"x": 1}}, "acct: what is recorded of this system call has no arguments"),
        ({"proc": "x", "connect": {"to": "example.org"}}, "connect: `example.org` is no address with a port"),
        ({"proc": "x", "connect": {"to": "192.0.2.7:70000"}}, "`192.0.2.7:70000` is no address with a port"),
        ({"proc": "x", "connect": {"to": "[::1]:1", "from": "10.0.0.5:1"}}, "are of two families"),
        ({"proc": "x", "connect": {"from": "10.0.0.5:1"}}, "connect: `from` and `protocol` need `to`"),
        (
            {"proc": "x", "connect": {"to": "192.0.2.7:1", "protocol": "sctp"}},
            "tcp or udp is expected, not 'sctp'",
        ),
        ({"proc": 7, "close": {}}, "proc: a command line, or a map is expected, not 7"),
        ({"proc": {}, "close": {}}, "proc: a process needs `cmdline` or `name`"),
        ({"proc": {"pid": 7}, "close": {}}, "proc.pid: no event before is of process 7"),
        ({"proc": {"pid": 7, "tty": 1}, "close": {}}, "`pid` alone stands for an earlier one"),
        ({"proc": {"cmdlin": "x"}, "close": {}}, "proc: `cmdlin` is not known; did you mean `cmdline`?"),
        ({"proc": {"cmdline": "x", "tty": "a"}, "close": {}}, "proc.tty: Expected `int`, got `str`"),
        (
            {"proc": {"cmdline": "x", "parent": ["a", 7]}, "close": {}},
            "proc.parent[1]: a command line, or a map",
        ),
        (
            {"proc": {"cmdline": "x", "user": {"uid": 7}}, "close": {}},
            "proc.user: Object missing required field",
        ),
        (
            {"proc": {"cmdline": "x", "container": {"id": "web"}}, "close": {}},
            "proc.container.id: a container's id",
        ),
        (
            {"proc": {"cmdline": "x", "container": {"privileged": True}}, "close": {}},
            "proc.container: without `image` nothing but the `id` of a container is known",
        ),
        (
            {"proc": {"cmdline": "x", "capabilities": ["CAP_SYS_ADMN"]}, "close": {}},
            "proc.capabilities: `CAP_SYS_ADMN` is none; did you mean `CAP_SYS_ADMIN`?",
        ),
        (
            {"proc": {"cmdline": "x", "fds": {3: "x"}}, "close": {}},
            "proc.fds.3: `x` is no descriptor; give a path",
        ),
        (
            {"proc": {"cmdline": "x", "fds": {3: "tcp a->b"}}, "close": {}},
            "proc.fds.3: connect: `a` is no address",
        ),
        (
            {"proc": "x", "names": {"a": "b"}, "close": {}},
            "names.a: 'b' does not appear to be an IPv4 or IPv6 address",
        ),
        (
            {"proc": "x", "names": [], "close": {}},
            "names: a map of host names and their addresses is expected",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(told: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        list(described_events([told]))
    assert message in str(caught.value)


def test_a_process_is_made_once() -> None:
    told = {"proc": {"pid": 70, "cmdline": "x"}, "close": {}}
    with pytest.raises(ValueError, match=r"event 2: .* process 70 is there already"):
        list(described_events([told, told]))


OWN = (("lo", "127.0.0.1"), ("eth0", "10.0.0.5"), ("lo", "::1"), ("eth0", "fd00::5"))
"""The addresses of the machine on which descriptions happen."""


def test_an_event_reads_as_in_a_capture_of_the_same() -> None:
    """Every field of a described event is that of the same calls, written to a capture and replayed."""
    told = {
        "proc": {"pid": 70, "cmdline": "ssh -v host", "parent": {"pid": 60, "cmdline": "bash"}, "tty": 34816},
        "connect": {"to": "192.0.2.7:22"},
    }
    names = {"clone": 223, "execve": 293, "chdir": 95, "socket": 19, "connect": 23}
    assert all(types_named(name) == {number} for name, number in names.items())
    start = START_NS
    made = start - 60_000_000_000
    writer = ScapWriter().machine("test-host")
    writer.users([(0, "root")])
    addresses = [(name, ipaddress.ip_address(address).packed) for name, address in OWN]
    writer.interfaces([InterfaceRecord(name, ip, b"\xff" * len(ip)) for name, ip in addresses])
    for pid, parent, program, args in ((60, 0, "bash", b""), (70, 60, "ssh", b"-v\0host\0")):
        numbers = (0,) * 6
        cgroups = b"cpuset=/\0"
        ids = (pid, pid, parent)
        clone = (0, program, args, *ids, None, *numbers, program, cgroups, 0, 0, 0, pid, pid, 0)
        writer.event(names["clone"], pid, *clone, time_ns=made)
        writer.event(names["chdir"], pid, 0, "/", time_ns=start)
        tty = 34816 if pid == 70 else 0
        program_path = f"/usr/bin/{program}"
        running = (0, program, args, *ids, "/", *numbers, program, cgroups, b"", tty, pid, 0xFFFFFFFF)
        identity = (0, 0, 0, 0, 0, 0, 0, 0, program_path, pid, 0, None)
        writer.event(names["execve"], pid, *running, *identity, time_ns=start)
    writer.event(names["socket"], 70, 3, 2, 1, 0, 0, time_ns=start)
    pair = tuple4("10.0.0.5", 40000, "192.0.2.7", 22)
    peer = b"\x02" + pair[7:]
    writer.event(names["connect"], 70, 0, pair, 3, peer, time_ns=start + 1_000_000)
    replay = Replay(Reader(iter([writer.data])), Machine())
    *_, from_capture = [event for columns in replay.pieces() for event in replay.events(columns)]
    event = the_event(told)
    assert event.data[event.at :] == from_capture.data[from_capture.at :][: len(event.data) - event.at]
    plain = [field for field in FIELDS if not (field.argument and field.argument.required)]
    of_place = ("evt.num", "evt.reltime", "evt.deltatime", "util.cnt")
    compared = [it.name for it in plain if not it.of_stream and not it.name.startswith(of_place)]
    assert len(compared) > 150
    for name in compared:
        assert value_of(event, name) == value_of(from_capture, name), name
