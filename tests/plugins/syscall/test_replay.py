"""Captures replayed: what is shown, how it is numbered, and that what is left out changes nothing."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from falcocore_syscall.event import Event
from falcocore_syscall.needs import Needs
from falcocore_syscall.replay import Replay
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.reader import Reader
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import SYSCALL_NAMES
from tests.support.scap_writer import ScapWriter
from tests.support.syscall_events import AT_FDCWD, one_rule, tuple4

DATA = Path(__file__).parents[2] / "data" / "syscall"
UPSTREAM = Path(__file__).parents[4] / "shared" / "conformance" / "upstream-rules"
OPEN_ENTER, OPEN, CLOSE, READ, CLONE, EXIT, FCNTL, DUP = 2, 3, 5, 7, 223, 186, 151, 367
OPENAT, CHDIR, CONNECT, SOCKET, SENDTO, USER_ADDED, GENERIC = 307, 95, 23, 19, 31, 354, 1


def compiled(*rules: str) -> RuleSet:
    fields = PluginHost().fields_for("syscall")
    files = [SourceFile(f"r{number}.yaml", rule) for number, rule in enumerate(rules)]
    loaded = load(files, Catalogue({"syscall": fields}, frozenset({"syscall"})), LoadSettings(first=False))
    assert not loaded.errors
    return loaded.rule_sets["syscall"]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def replay(data: bytes, needs: Needs | None = None, size: int = 1 << 20) -> tuple[list[Event], Replay]:
    machine = Machine()
    found = Replay(Reader(pieces(data, size)), machine)
    if needs is not None:
        found.needs = needs
    return [event for columns in found.pieces() for event in found.events(columns)], found


def alerts(data: bytes, rules: RuleSet, *, screened: bool, size: int = 1 << 20) -> list[Any]:
    machine = Machine()
    source = Replay(Reader(pieces(data, size)), machine)
    if screened:
        source.needs = Needs.of(rules)
    stream = Stream("syscall", "syscall", "syscall", "box")
    found = []
    for columns in source.pieces():
        for event in source.events(columns):
            found += [(rule.name, event.key, values) for rule, values in rules.match(event, stream)]
    return found


def test_hidden_events_and_enter_events_count_and_are_not_shown() -> None:
    writer = ScapWriter()
    writer.event(CLOSE, 1, 0, 3)
    writer.event(CLOSE, 1, 0, 3, block=0x217, flags=1)
    writer.event(OPEN_ENTER, 1, "/etc/x", 1, 0)
    writer.event(OPEN, 1, 3, "/etc/x", 1, 0, 0, 0)
    writer.event(6, 1, 3, 100)
    writer.event(READ, 1, 5, b"hello")
    found, source = replay(writer.data)
    assert [(event.num, event.name) for event in found] == [(1, "close"), (4, "open"), (5, "read")]
    assert source.num == 5, "an enter event of read is kept for its exit and does not count"


def test_what_a_capture_begins_with_is_its_state() -> None:
    writer = ScapWriter()
    user = (33, 33, "web", "/", "/bin/sh", "")
    writer.event(USER_ADDED, -1, *user).event(CLOSE, 1, 0, 3).event(USER_ADDED, -1, *user)
    found, source = replay(writer.data)
    assert [(event.num, event.name) for event in found] == [(2, "close"), (3, "useradded")]
    assert source.num == 3


def test_an_old_event_ends_the_initial_state_as_well() -> None:
    writer = ScapWriter()
    user = (33, 33, "web", "/", "/bin/sh", "")
    writer.event(USER_ADDED, -1, *user).event(READ, 1, 5, b"hello").event(USER_ADDED, -1, *user)
    found, _ = replay(writer.data)
    assert [(event.num, event.name) for event in found] == [(2, "read"), (3, "useradded")]


def test_a_new_section_forgets_the_state() -> None:
    clone = (2, "sh", b"", 1, 1, 0, "/", 0, 0, 0, 0, 0, 0, "sh", b"", 0, 0, 0, 1, 1, 0)
    first = ScapWriter().event(CLONE, 1, *clone).event(CLOSE, 2, 0, 3)
    second = ScapWriter().event(CLOSE, 2, 0, 3)
    found, _ = replay(first.data + second.data)
    names = [(event.num, event.thread.comm) for event in found if event.thread is not None]
    assert names[1:] == [(2, "sh"), (3, "<NA>")]


@pytest.mark.parametrize("size", [1000, 100_000])
def test_damage_in_the_middle_ends_the_replay_there(size: int) -> None:
    writer = ScapWriter().event(CLOSE, 1, 0, 3)
    at = len(writer.data)
    damaged = bytearray(ScapWriter().event(CLOSE, 2, 0, 3).data[28:])
    damaged[8 + 2 + 26] = 200  # the length of the first parameter
    data = writer.data + bytes(damaged) + ScapWriter().event(CLOSE, 3, 0, 3).data[28:]
    machine = Machine()
    source = Replay(Reader(pieces(data, size)), machine)
    found: list[int] = []

    def run() -> None:
        for columns in source.pieces():
            found.extend(event.tid for event in source.events(columns))

    with pytest.raises(CaptureError, match=f"byte {at}.*don't fit into it"):
        run()
    assert found == [1]


SOUND: dict[int, tuple[Any, ...]] = {
    OPENAT: (3, AT_FDCWD, "/etc/x", 1, 0, 0, 0),
    OPEN: (3, "/etc/x", 1, 0, 0, 0),
    CLOSE: (0, 3),
    READ: (5, b"hello", 3, 5),
    FCNTL: (0, 3, 3, 1),
    145: (0, 1, 1, 1, 1, 0, 7),
    SOCKET: (3, 2, 1, 0, 0),
}
"""Events of types that can wait in the journal, and one that can't."""


@pytest.mark.parametrize("length", [0, 200, 0xFFFF])
@pytest.mark.parametrize(
    ("number", "parameter"), [(number, n) for number, params in SOUND.items() for n in range(len(params))]
)
def test_wrong_lengths_of_parameters_do_no_harm(number: int, parameter: int, length: int) -> None:
    writer = ScapWriter().event(number, 1, *SOUND[number])
    data = bytearray(writer.data)
    at = 28 + 8 + 2 + 26 + 2 * parameter
    data[at : at + 2] = length.to_bytes(2, "little")
    needs = Needs.of(compiled(one_rule("evt.type = execve", "x")))
    if length == 0:
        assert replay(bytes(data), needs)[1].num == 1
        return
    with pytest.raises(CaptureError, match="don't fit into it"):
        replay(bytes(data), needs)


def test_an_old_layout_that_never_was_ends_the_replay_there() -> None:
    writer = ScapWriter().event(CLOSE, 1, 0, 3).event(13, 1, 0, "cat").event(CLOSE, 3, 0, 3)
    source = Replay(Reader(pieces(writer.data, 1000)), Machine())
    found: list[int] = []

    def run() -> None:
        for columns in source.pieces():
            found.extend(event.tid for event in source.events(columns))

    with pytest.raises(CaptureError, match="type 13 with 2 parameters never existed"):
        run()
    assert found == [1]


@pytest.mark.parametrize("params", [(CLOSE, 1, 0, 3), (OPEN, 1, 3, "/etc/x", 1, 0)])
@pytest.mark.parametrize("block", [0x216, 0x204])
def test_a_time_that_is_out_of_all_bounds_does_no_harm(params: tuple[Any, ...], block: int) -> None:
    writer = ScapWriter().event(*params, time_ns=(1 << 64) - 1, block=block)
    assert [event.time_ns for event in replay(writer.data)[0]] == [-1]


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("evt.type = close", ["close"]),
        ("evt.type in (openat, close)", ["openat", "openat", "close"]),
        ("evt.type = openat and evt.is_open_write = true", []),
        ("evt.type = openat and fd.name startswith /etc", ["openat"]),
        ("evt.type = openat and not fd.name startswith /etc", ["openat"]),
        ("evt.type = openat and proc.name = x", ["openat", "openat"]),
        ("evt.type = openat and fd.num = 4", ["openat"]),
        ("evt.type = openat and fd.num = 6", []),
        ("evt.type = madvise", ["madvise"]),
        ("evt.type = getpid", []),
        ("proc.name = x", ["openat", "openat", "read", "madvise", "close"]),
        ("evt.deltatime > 0", ["openat", "openat", "read", "madvise", "close"]),
    ],
)
def test_only_what_a_rule_may_match_is_shown(condition: str, shown: list[str]) -> None:
    writer = ScapWriter()
    writer.event(OPENAT, 1, 3, AT_FDCWD, "/etc/x", 1, 0, 0, 0)
    writer.event(OPENAT, 1, 4, AT_FDCWD, "/tmp/x", 1, 0, 0, 0)
    writer.event(READ, 1, 5, b"hello", 3, 5)
    writer.event(GENERIC, 1, SYSCALL_NAMES.index("madvise"), 28)
    writer.event(CLOSE, 1, 0, 3)
    needs = Needs.of(compiled(one_rule(condition, "x")))
    found, source = replay(writer.data, needs)
    assert [event.name for event in found] == shown
    assert source.num == 5


def rules_about(opened: str) -> RuleSet:
    return compiled(
        one_rule("evt.type in (connect, sendto, dup, execve)", "%fd.name %fd.num %proc.cwd %fd.connected"),
        one_rule(f"evt.type = openat and {opened}", "%fd.name %proc.name %fd.types").replace("R", "S"),
        one_rule("evt.type = fchdir", "%fd.name %proc.cwd").replace('"R"', '"T"'),
    )


RULES = rules_about("fd.name startswith /etc")
RULES_ABOUT_NEW_FILES = rules_about("evt.is_open_write = true and fd.name startswith /etc")
"""With these no file is looked at that is only read, by whatever path."""
FCHDIR, EXECVE = 97, 293


@pytest.mark.parametrize("name", ["modern_mini", "curl_google", "cat_write"])
@pytest.mark.parametrize("size", [10_000, 1 << 20])
def test_alerts_are_the_same_with_and_without_screening(name: str, size: int) -> None:
    packed = (DATA / f"{name}.scap").read_bytes()
    data = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    whole = alerts(data, RULES, screened=False)
    assert alerts(data, RULES, screened=True, size=size) == whole
    assert whole


DIRECTORY = 1024


@pytest.mark.parametrize("screened", [True, False])
def test_what_was_opened_below_a_descriptor_keeps_its_path_when_that_is_closed(screened: bool) -> None:
    writer = ScapWriter()
    writer.event(OPENAT, 1, 4, AT_FDCWD, "/srv", DIRECTORY, 0, 0, 0)
    writer.event(OPENAT, 1, 3, 4, "z", DIRECTORY, 0, 0, 0)
    writer.event(OPENAT, 1, 5, 3, "y", DIRECTORY, 0, 0, 0)
    writer.event(FCNTL, 1, 6, 5, 1, 0)
    writer.event(CLOSE, 1, 0, 5).event(CLOSE, 1, 0, 3)
    writer.event(OPENAT, 1, 4, 4, "x", DIRECTORY, 0, 0, 0)
    writer.event(FCHDIR, 1, 0, 6).event(FCHDIR, 1, 0, 4).event(FCHDIR, 1, 0, 5)
    names = [values[0] for _, _, values in alerts(writer.data, RULES_ABOUT_NEW_FILES, screened=screened)]
    assert names == ["/srv/z/y", "/srv/x", ""]


@pytest.mark.parametrize("screened", [True, False])
def test_what_was_opened_by_a_relative_path_keeps_its_place(screened: bool) -> None:
    clone = (2, "sh", b"", 1, 1, 0, "/", 0, 0, 0, 0, 0, 0, "sh", b"", 0, 0, 0, 1, 1, 0)
    writer = ScapWriter().event(CLONE, 1, *clone).event(CHDIR, 1, 0, "/a")
    writer.event(OPENAT, 1, 4, AT_FDCWD, "z", DIRECTORY, 0, 0, 0)
    writer.event(CHDIR, 1, 0, "/b").event(FCHDIR, 1, 0, 4)
    names = [values[0] for _, _, values in alerts(writer.data, RULES_ABOUT_NEW_FILES, screened=screened)]
    assert names == ["/a/z"]


KINDS = [
    "open", "open", "relative", "relative", "below", "directory", "failed", "close", "read", "cloexec",
    "keep", "fcntl", "dup", "chdir", "fchdir", "socket", "connect", "sendto", "clone", "thread", "exit",
    "exec",
]  # fmt: skip


@st.composite
def activities(draw: st.DrawFn) -> list[tuple[str, tuple[int, ...]]]:
    """What some threads do with some descriptors."""
    tids, fds = st.sampled_from([1, 2, 3]), st.sampled_from([3, 4, 5])
    kinds = st.sampled_from(KINDS)
    steps = st.tuples(kinds, st.tuples(tids, fds, fds))
    return draw(st.lists(steps, max_size=40))


def write(activity: Sequence[tuple[str, tuple[int, ...]]]) -> bytes:
    writer = ScapWriter()
    for time_ns, (kind, (tid, fd, other)) in enumerate(activity, 1):
        _write(writer, kind, tid, fd, other, time_ns)
    writer.event(EXIT, 9, 0, time_ns=len(activity) + 1)
    return writer.data


def _write(writer: ScapWriter, kind: str, tid: int, fd: int, other: int, time_ns: int) -> None:
    paths = {"open": "/etc/f", "relative": "x/../y", "below": "z", "directory": "/srv"}
    match kind:
        case "open" | "relative" | "below" | "directory":
            flags = 1 | (1024 if kind in ("below", "directory") else 4096 if other == 5 else 0)
            dirfd = other if kind == "below" or (kind == "relative" and other == 4) else AT_FDCWD
            params: tuple[Any, ...] = (OPENAT, tid, fd, dirfd, f"{paths[kind]}{other}", flags, 0, 0, 0)
        case "failed":
            params = (OPENAT, tid, -2, AT_FDCWD, "/etc/none", 1, 0, 0, 0)
        case "close":
            params = (CLOSE, tid, 0 if other > 3 else -9, fd)
        case "read":
            params = (READ, tid, 1 if other > 3 else -11, b"x", fd, 1)
        case "cloexec" | "keep":
            params = (FCNTL, tid, 0, fd, 3, 1 if kind == "cloexec" else 0)
        case "fcntl":
            params = (FCNTL, tid, other, fd, 1 if tid == 1 else 26, 0)
        case "dup":
            params = (DUP, tid, other, fd)
        case "chdir":
            params = (CHDIR, tid, 0, f"/home/{other}")
        case "fchdir":
            params = (FCHDIR, tid, 0, fd)
        case "socket":
            params = (SOCKET, tid, fd, 2, 2, 0, 0)
        case "connect":
            params = (CONNECT, tid, 0, tuple4("1.1.1.1", 1, "2.2.2.2", other), fd, None)
        case "sendto":
            params = (SENDTO, tid, 1, b"x", fd, 1, tuple4("1.1.1.1", 1, "3.3.3.3", other))
        case "clone" | "thread":
            child = tid % 3 + 1
            flags = 8192 if kind == "thread" else 0
            params = (
                CLONE, tid, child, "sh", b"", tid, tid, 0, "/", 0, 0, 0, 0, 0, 0, "sh", b"", flags, 0, 0, tid,
                tid, 0,
            )  # fmt: skip
        case "exit":
            params = (EXIT, tid, 0)
        case _:
            tail = [None] * 17
            params = (EXECVE, tid, 0, "sh", b"", tid, tid, 0, "/", 0, 0, 0, 0, 0, 0, "sh", *tail)
    writer.event(*params, time_ns=time_ns)


@settings(max_examples=300, deadline=None)
@given(activities(), st.sampled_from([200, 1 << 20]), st.sampled_from([RULES, RULES_ABOUT_NEW_FILES]))
def test_whatever_happens_alerts_are_the_same_with_and_without_screening(
    activity: list[tuple[str, tuple[int, ...]]], size: int, rules: RuleSet
) -> None:
    data = write(activity)
    assert alerts(data, rules, screened=True, size=size) == alerts(data, rules, screened=False)


def test_the_activities_raise_alerts() -> None:
    draw = random.Random(1)
    kinds = ["open", "connect", "dup", "clone", "chdir", "sendto"]
    activity = [(draw.choice(kinds), (draw.randint(1, 3), draw.randint(3, 5), 4)) for _ in range(50)]
    names = {name for name, *_ in alerts(write(activity), RULES, screened=True)}
    assert names == {"R", "S"}
