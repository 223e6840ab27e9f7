"""Fields of the event itself."""

from __future__ import annotations

import pytest

from tests.support.syscall_events import START_NS, Box, make_event, shown, value_of

PROCINFO, SWITCH, SIGNAL = 234, 152, 232


@pytest.fixture
def box() -> Box:
    box = Box()
    box.starts(1, 0, "cat")
    return box


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("openat", {"fd": 3, "name": "/x", "flags": 1}, {"evt.type": "openat", "syscall.type": "openat"}),
        ("openat", {"fd": 3, "name": "/x", "flags": 1}, {"evt.dir": "<", "evt.category": "file"}),
        ("openat", {"fd": -2, "name": "/x"}, {"evt.res": "ENOENT", "evt.rawres": -2, "evt.failed": True}),
        ("openat", {"fd": 3, "name": "/x"}, {"evt.res": "SUCCESS", "evt.rawres": 3, "evt.failed": False}),
        ("openat", {"fd": -4095, "name": "/x"}, {"evt.res": "-4095"}),
        (SWITCH, {"next": 5}, {"evt.dir": ">", "evt.res": None, "syscall.type": None, "evt.is_async": False}),
        (PROCINFO, {"cpu_usr": 5}, {"evt.is_async": True, "evt.asynctype": "procinfo"}),
        (1, {"ID": 3}, {"evt.type": "read", "syscall.type": "read", "evt.rawres": None, "evt.args": ""}),
        (1, {"ID": 0, "nativeID": 13}, {"evt.type": "rt_sigaction"}),
        (1, {"ID": 0, "nativeID": 60000}, {"evt.type": "unknown"}),
        (1, {"ID": 60000}, {"evt.type": "unknown"}),
        ("read", {"res": 5, "fd": 9, "data": b"hello"}, {"evt.buffer": b"hello", "evt.io_dir": "read"}),
        ("read", {"res": 5, "fd": 9}, {"evt.is_io": True, "evt.is_io_read": True, "evt.is_io_write": False}),
        ("read", {"res": 5, "fd": 9}, {"evt.category": "unknown", "evt.buflen": None, "evt.buffer": None}),
        ("write", {"res": 5, "fd": 9}, {"evt.io_dir": "write", "evt.is_io_write": True}),
        ("poll", {"res": 5}, {"evt.is_wait": True, "evt.is_io": False, "evt.io_dir": None}),
        ("open", {"fd": 3, "flags": 1}, {"evt.is_open_read": True, "evt.is_open_write": False}),
        ("open", {"fd": 3, "flags": 3}, {"evt.is_open_read": True, "evt.is_open_write": True}),
        ("open", {"fd": -2, "flags": 2}, {"evt.is_open_read": False, "evt.is_open_write": True}),
        ("creat", {"fd": 3, "mode": 0o755}, {"evt.is_open_write": False, "evt.is_open_exec": True}),
        ("open", {"fd": 3, "flags": 6, "mode": 0o100}, {"evt.is_open_exec": True}),
        ("open", {"fd": 3, "flags": 2, "mode": 0o100}, {"evt.is_open_exec": False}),
        ("open", {"fd": 3, "flags": 6, "mode": 0o644}, {"evt.is_open_exec": False}),
        ("open", {"fd": 3, "flags": 6 | 16384}, {"evt.is_open_create": True}),
        ("open", {"fd": 3, "flags": 6}, {"evt.is_open_create": False}),
        ("openat", {"fd": 3, "flags": 8192 | 2}, {"evt.is_open_create": True}),
        ("openat", {"fd": -2, "flags": 8192 | 2}, {"evt.is_open_create": False}),
        ("read", {"res": 5}, {"evt.is_open_read": False, "evt.is_open_exec": False}),
        ("open", {"fd": -2}, {"evt.count": 1, "evt.count.error": 1, "evt.count.error.file": 1}),
        ("open", {"fd": 3}, {"evt.count.error": None, "evt.count.error.file": None, "evt.count.exit": 1}),
        ("setuid", {"res": -1}, {"evt.count.error.other": 1, "evt.count.error.net": None}),
        (PROCINFO, {}, {"evt.count.procinfo": 1, "evt.count.exit": None}),
        ("open", {"fd": 3}, {"evt.latency": 0, "evt.wait_latency": None, "evt.plugininfo": None}),
        ("open", {"fd": 3}, {"evt.type.is.open": 1, "evt.type.is[close]": 0}),
    ],
)
def test_what_an_event_is(
    box: Box, name: str | int, arguments: dict[str, object], expected: dict[str, object]
) -> None:
    event = box.happens(name, 1, **arguments)
    assert {field: value_of(event, field) for field in expected} == expected


@pytest.mark.parametrize(
    ("make", "category"),
    [
        (("openat", {"fd": 3, "name": "/x"}), "file"),
        (("socket", {"fd": 3, "domain": 2, "type": 1}), "net"),
        (("socket", {"fd": 3, "domain": 1, "type": 1}), "ipc"),
        (("pipe", {"res": 0, "fd1": 3, "fd2": 4}), "ipc"),
        (("epoll_create", {"res": 3}), "unknown"),
    ],
)
def test_reading_is_of_the_descriptors_category(
    box: Box, make: tuple[str, dict[str, object]], category: str
) -> None:
    box.happens(make[0], 1, **make[1])
    event = box.happens("read", 1, res=5, fd=3, data=b"x")
    assert [value_of(event, f) for f in ("evt.category", "evt.buflen")] == [category, 5]
    assert value_of(event, "evt.buflen.in") == 5
    assert value_of(event, "evt.buflen.out") is None
    assert value_of(event, "evt.buflen.file") == (5 if category == "file" else None)


def test_times_and_numbers(box: Box) -> None:
    box.machine.first_time_ns = START_NS
    box.machine.previous_time_ns = box.time_ns
    event = box.happens("getuid", 1, uid=0)
    assert value_of(event, "evt.rawtime") == box.time_ns
    assert [value_of(event, f"evt.deltatime{part}") for part in ("", ".s", ".ns")] == [
        1_000_000,
        0,
        1_000_000,
    ]
    assert value_of(event, "evt.reltime") == 2_000_000
    assert shown(event, "evt.reltime") == "002000000"
    assert shown(event, "evt.outputtime").endswith(":20.002000000")
    around = value_of(event, f"evt.around[{START_NS}]")
    assert around == 2
    assert around == 3
    assert not around == 1  # noqa: SIM201 - a rule asks for equality
    assert event.key == f"box/{box.time_ns}/1/203/1"


def test_writing_to_the_system_log(box: Box) -> None:
    box.opens("/dev/log", 3)
    assert value_of(box.happens("write", 1, res=1, fd=3), "evt.is_syslog") is True
    assert value_of(box.happens("read", 1, res=1, fd=3), "evt.is_syslog") is False


def test_an_event_type_that_is_none_is_refused() -> None:
    with pytest.raises(Exception, match="there is no event type `opne`"):
        value_of(make_event("open", 1), "evt.type.is.opne")
