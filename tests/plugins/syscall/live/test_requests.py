"""What was asked for through io_uring, and what has come of it, become one record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind, RecordError
from falcocore_syscall.live.record import HEAD, RETURNED, Record, RecordFlag, RecordKind
from falcocore_syscall.live.requests import MOST_WAITING, PATIENCE_NS, Requests
from tests.support.live_records import (
    TID,
    directory,
    end,
    file,
    item,
    number_of,
    record,
    seen,
    socket,
    text,
    user_address,
)
from tests.support.syscall_events import shown

OPENAT, CONNECT = number_of("openat"), number_of("connect")
REQUEST = 0xFFFF_8880_0000_1000
CWD = -100
RING, LATE, DIED = int(RecordFlag.RING), int(RecordFlag.LATE), int(RecordFlag.GROUP_DEAD)
DIRECT = int(RecordFlag.DIRECT)


def asked(path: str = "/link", request: int = REQUEST, *more: bytes, **head: Any) -> Record:
    """An open is asked for."""
    args = (CWD, 0, 0, 0, 0, request)
    return Record(record(text(1, path), *more, nr=OPENAT, args=args, flags=RING, **head))


def done(ret: int, *items: bytes, request: int = REQUEST, nr: int = OPENAT, **head: Any) -> Record:
    """Something has come of it, as a worker of the kernel tells."""
    args = (CWD, 0, 0, 0, 0, request)
    head = {"time_ns": 9_000, "tid": TID + 1, "comm": b"iou-wrk", **head}
    head["flags"] = head.get("flags", 0) | RING
    return Record(record(*items, kind=RecordKind.DONE, nr=nr, ret=ret, args=args, **head))


def settled(*records: Record) -> list[Record]:
    requests = Requests()
    return [found for each in records for found in requests.settle(each)]


def event_of(found: Record) -> LiveEvent:
    return seen(HEAD.pack(*found.head) + found.body)


def told(records: list[Record]) -> list[tuple[bytes | None, int]]:
    return [(each.text(1), each.ret) for each in records]


def test_both_become_one() -> None:
    [found] = settled(asked(), done(5, file(RETURNED, 5, "/real", ino=77)))
    assert (found.kind, found.ret, found.time_ns, found.tid, found.comm) == (1, 5, 9_000, TID, b"cat")
    assert (found.flags, found.text(1)) == (0, b"/link")
    event = event_of(found)
    assert [shown(event, name) for name in ("fd.name", "fd.num", "fd.nameraw", "fd.ino", "evt.failed")] == [
        "/real", "5", "/link", "77", "false"
    ]  # fmt: skip


def test_what_has_failed() -> None:
    [found] = settled(asked("/none"), done(-13))
    event = event_of(found)
    assert [shown(event, name) for name in ("evt.res", "evt.failed", "fs.path.name")] == [
        "EACCES", "true", "/none"
    ]  # fmt: skip


def test_a_file_that_has_no_descriptor_is_marked() -> None:
    [found] = settled(asked(), done(0, file(RETURNED, 0, "/real"), flags=DIRECT))
    assert found.flags == DIRECT


def test_a_socket_has_the_descriptor_that_was_asked_for() -> None:
    address = item(ItemKind.ADDRESS, user_address("1.2.3.4", 80), 1)
    args = (7, 0, 0, 0, 0, REQUEST)
    first = Record(record(socket(0, 7, state=7), address, nr=CONNECT, args=args, flags=RING))
    connected = socket(0, -1, local=end("10.0.0.2", 4000), remote=end("1.2.3.4", 80))
    [found] = settled(first, done(0, connected, nr=CONNECT))
    event = event_of(found)
    assert (shown(event, "fd.num"), shown(event, "fd.name")) == ("7", "10.0.0.2:4000->1.2.3.4:80")
    known = found.of_descriptor(7)
    assert known is not None
    assert known == found.socket(0)


@pytest.mark.parametrize(
    ("path", "items", "kernels", "expected"),
    [
        ("/real", (), "/real", [("/real", "/real")]),
        ("/a/../real", (), "/real", [("/a/../real", "/real")]),
        ("real", (directory(1, "/"),), "/real", [("real", "/real")]),
        ("x/real", (directory(1, "/opt"),), "/opt/x/real", [("x/real", "/opt/x/real")]),
        ("/link", (), "/real", [("/link", "/link"), ("/link", "/real")]),
    ],
)
def test_a_file_that_was_looked_at_late(
    path: str, items: tuple[bytes, ...], kernels: str, expected: list[tuple[str, str]]
) -> None:
    """It may be another one: what was asked for is told as well, unless both have the same path."""
    found = settled(asked(path, REQUEST, *items), done(5, file(RETURNED, 5, kernels), flags=LATE))
    events = [event_of(each) for each in found]
    assert [(shown(event, "fd.nameraw"), shown(event, "fd.name")) for event in events] == expected
    assert {(event.record.ret, event.record.flags) for event in events} == {(5, 0)}


def test_a_request_that_this_kernel_does_not_follow_is_not_held_up() -> None:
    assert told(settled(asked("/x", 0))) == [(b"/x", 0)]


def test_a_file_that_nobody_was_seen_to_ask_for_is_told() -> None:
    [found] = settled(done(5, file(RETURNED, 5, "/real"), flags=LATE | DIRECT))
    assert (found.kind, found.ret, found.flags, found.text(1)) == (RecordKind.CALL, 5, DIRECT, None)
    assert shown(event_of(found), "fd.name") == "/real"


def test_what_is_told_twice_is_taken_once() -> None:
    assert told(settled(asked(), done(5, file(RETURNED, 5, "/real")), done(5))) == [(b"/link", 5)]


def test_each_request_has_its_own_result() -> None:
    requests = range(1, 1001)
    found = settled(
        *(asked(f"/{each}", each * 64) for each in requests),
        *(done(each, request=each * 64) for each in reversed(requests)),
    )
    assert sorted(told(found), key=lambda pair: pair[1]) == [(f"/{each}".encode(), each) for each in requests]


def test_a_request_that_was_never_done_is_told_when_its_memory_is_used_again() -> None:
    assert told(settled(asked("/first"), asked("/second"), done(5))) == [(b"/first", 0), (b"/second", 5)]


def test_only_so_many_wait() -> None:
    found = settled(*(asked(f"/{each}", each + 1) for each in range(MOST_WAITING + 2)))
    assert told(found) == [(b"/0", 0), (b"/1", 0)]


def call(**head: Any) -> Record:
    return Record(record(nr=0, **head))


@pytest.mark.parametrize(
    ("later", "ends_waiting"),
    [
        (lambda: call(time_ns=5_000 + PATIENCE_NS - 1), False),
        (lambda: call(time_ns=5_000 + PATIENCE_NS), True),
        (lambda: done(1, request=9, time_ns=5_000 + PATIENCE_NS), True),
        (lambda: call(kind=RecordKind.EXEC), True),
        (lambda: call(kind=RecordKind.EXEC, tid=TID + 1), True),
        (lambda: call(kind=RecordKind.EXEC, tid=TID + 1, pid=TID + 1), False),
        (lambda: call(kind=RecordKind.EXIT), True),
        (lambda: call(kind=RecordKind.EXIT, tid=TID + 1), False),
        (lambda: call(kind=RecordKind.EXIT, tid=TID + 1, flags=DIED), True),
        (lambda: call(kind=RecordKind.EXIT, tid=TID + 1, pid=TID + 1, flags=DIED), False),
        (lambda: call(kind=RecordKind.FORK), False),
    ],
)
def test_what_ends_the_waiting(later: Callable[[], Record], ends_waiting: bool) -> None:
    """A time, or the end of who has asked: before that it is told."""
    requests = Requests()
    assert requests.settle(asked("/x")) == []
    record = later()
    found = requests.settle(record)
    if record.kind != RecordKind.DONE:
        assert found.pop() is record
    assert told(found) == ([(b"/x", 0)] if ends_waiting else [])
    assert told(list(requests.rest())) == ([] if ends_waiting else [(b"/x", 0)])
    assert list(requests.rest()) == []


@pytest.mark.parametrize(
    ("between", "result", "expected"),
    [
        ([], done(5, file(RETURNED, 5, "/real")), (b"/link", 5)),
        ([], done(5, file(RETURNED, 5, "/real"), flags=LATE), (b"/link", 5)),
        ([], done(5), (b"/link", 5)),
        ([], done(-13), None),
        ([], done(0, socket(0, -1), nr=CONNECT), None),
        ([call(kind=RecordKind.FORK)], done(5), (b"/link", 5)),
        ([call(kind=RecordKind.EXEC, tid=TID + 1, pid=TID + 1)], done(5), (b"/link", 5)),
        ([call(kind=RecordKind.EXEC)], done(5, file(RETURNED, 5, "/real")), (None, 5)),
        ([call(kind=RecordKind.EXIT)], done(5), None),
    ],
)
def test_an_open_that_works_late_is_told_once_more(
    between: list[Record], result: Record, expected: tuple[bytes | None, int] | None
) -> None:
    """By who has asked, while that is what it was."""
    requests = Requests()
    requests.settle(asked())
    assert told(list(requests.late(5_000 + PATIENCE_NS))) == [(b"/link", 0)]
    for each in between:
        requests.settle(each)
    assert told(requests.settle(result)) == ([] if expected is None else [expected])
    assert requests.settle(done(5)) == [], "it is told once"


def test_only_so_many_are_remembered_that_were_late() -> None:
    requests = Requests()
    for number in range(MOST_WAITING + 2):
        requests.settle(asked(f"/{number}", number + 1, time_ns=number * PATIENCE_NS))
    found = [requests.settle(done(5, request=number + 1, time_ns=0)) for number in range(4)]
    assert [told(each) for each in found] == [[], [(b"/1", 5)], [(b"/2", 5)], [(b"/3", 5)]]


def test_a_late_request_is_forgotten_when_its_memory_is_used_again() -> None:
    requests = Requests()
    requests.settle(asked("/first"))
    assert told(list(requests.late(5_000 + PATIENCE_NS))) == [(b"/first", 0)]
    assert requests.settle(asked("/second")) == []
    assert told(requests.settle(done(5))) == [(b"/second", 5)]
    assert requests.settle(done(5)) == []


def test_those_that_are_late_are_taken_out_in_their_order() -> None:
    requests = Requests()
    for number in (1, 2, 3):
        requests.settle(asked(f"/{number}", number, time_ns=number))
    assert told(list(requests.late(PATIENCE_NS + 2))) == [(b"/1", 0), (b"/2", 0)]
    assert [*requests.waiting] == [3]


def test_a_result_that_contradicts_itself_ends_no_waiting() -> None:
    requests = Requests()
    requests.settle(asked("/x"))
    with pytest.raises(RecordError):
        requests.settle(done(5, item(ItemKind.FILE, b"short", RETURNED)))
    assert told(list(requests.rest())) == [(b"/x", 0)]
