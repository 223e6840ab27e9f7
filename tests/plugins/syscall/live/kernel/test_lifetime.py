"""Rules are replaced without a gap, and nothing stays in the kernel."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from falcocore.ruleset import RuleSet
from falcocore_syscall.live.bpf.calls import CALL_NUMBERS
from falcocore_syscall.live.tables import Tables
from tests.support.bpf_objects import needs_kernel
from tests.support.falcocore_process import Running
from tests.support.live_actor import Actor
from tests.support.live_watch import SAFETY_S, Watch, rule_set
from tests.support.syscall_events import one_rule, shown

pytestmark = needs_kernel

_NEXT_PROGRAM, _NEXT_MAP = 11, 12
OPENED = one_rule("evt.type in (open, openat) and fd.name contains /numbered-", "%fd.name")
OTHERS = [
    one_rule("evt.type in (open, openat) and fd.filename startswith numbered-", "%fd.name"),
    one_rule("evt.type in (open, openat, execve) and proc.name exists", "%fd.name %proc.cwd"),
    one_rule("evt.type in (open, openat) and fd.name glob */numbered-*", "%fd.name %proc.env"),
]


def _ids(command: int) -> Iterator[int]:
    """Numbers of what is in the kernel, by bpf(2) itself."""
    libc = ctypes.CDLL(None, use_errno=True)
    last = 0
    while True:
        attributes = ctypes.create_string_buffer(struct.pack("<III", last, 0, 0).ljust(64, b"\0"))
        if libc.syscall(CALL_NUMBERS[platform.machine()], command, attributes, 64):
            return
        last = struct.unpack_from("<I", attributes, 4)[0]
        yield last


def in_kernel() -> set[tuple[int, int]]:
    return {(command, each) for command in (_NEXT_PROGRAM, _NEXT_MAP) for each in _ids(command)}


def awaited(condition: Callable[[], bool]) -> bool:
    """True as soon as it holds: the kernel takes things away a moment after they are let go."""
    end = time.monotonic() + SAFETY_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_no_event_is_lost_while_rules_are_replaced(tmp_path: Path) -> None:
    watch, actor = Watch(rule_set(OPENED)), Actor(tmp_path)
    try:
        actor.does(f"stop = {str(tmp_path / 'stop')!r}")
        sentinel = actor.begin(
            f"""
at = 0
while not os.path.exists(stop) and at < 2_000_000:
    os.close(os.open(f"{tmp_path}/numbered-{{at}}", os.O_RDONLY | os.O_CREAT))
    os.unlink(f"{tmp_path}/numbered-{{at}}")
    at += 1
result = at
"""
        )
        seen: list[int] = []
        replaced_at: list[int] = []

        def replace() -> None:
            if len(seen) < (replaced_at[-1] if replaced_at else 0) + 500:
                return
            if len(replaced_at) < 6:
                watch.replace(rule_set(OTHERS[len(replaced_at) % len(OTHERS)]))
                replaced_at.append(len(seen))
            else:
                (tmp_path / "stop").touch()

        for event in watch.until(sentinel, replace):
            if event.thread is not None and event.thread.pid == actor.pid:
                number = shown(event, "fd.name").rpartition("numbered-")[2]
                if number.isdecimal():
                    seen.append(int(number))
        count = actor.answer()
    finally:
        actor.close()
        watch.close()
    assert len(replaced_at) == 6
    # An event in the moment of the change may be told twice.
    assert sorted(set(seen)) == list(range(count))
    assert len(seen) <= count + 6 * (os.cpu_count() or 1)


def test_more_than_the_buffer_holds_may_happen_while_rules_are_replaced(tmp_path: Path) -> None:
    actor, count, later = Actor(tmp_path), 10_000, rule_set(OPENED)
    sentinels: list[str] = []

    def tables(rules: RuleSet) -> Tables:
        if rules is later:
            path = f"{tmp_path}/numbered-{{at}}"
            opens = f'for at in range({count}):\n    os.close(os.open(f"{path}", os.O_RDONLY | os.O_CREAT))'
            sentinels.append(actor.does(opens)[0])
        return Tables.of(rules)

    watch = Watch(rule_set(OPENED), tables, buffer_bytes=1 << 20)
    watch.replace(later)
    paths = [shown(event, "fd.name") for event in watch.until(sentinels[0])]
    actor.close()
    watch.close()
    assert sum(path.startswith(f"{tmp_path}/numbered-") for path in paths) == count


def test_nothing_stays_in_the_kernel_after_the_end() -> None:
    before = in_kernel()
    watch = Watch(rule_set(OPENED))
    during = in_kernel() - before
    assert {command for command, _ in during} == {_NEXT_PROGRAM, _NEXT_MAP}
    watch.replace(rule_set(OTHERS[0]))
    during |= in_kernel() - before
    watch.close()
    assert awaited(lambda: not during & in_kernel())


def test_nothing_stays_in_the_kernel_after_a_sudden_death(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(OPENED)
    before = in_kernel()
    with Running("run", "--source", "syscall", "-r", str(rules)) as running:
        running.said("watching")
        during = in_kernel() - before
        assert {command for command, _ in during} == {_NEXT_PROGRAM, _NEXT_MAP}
        assert running.end(SIGKILL).status == -SIGKILL
        assert awaited(lambda: not during & in_kernel())


@pytest.mark.parametrize("size", [1, 3])
def test_many_watch_at_once(tmp_path: Path, size: int) -> None:
    watches = [Watch(rule_set(OPENED)) for _ in range(size)]
    actor = Actor(tmp_path)
    sentinel, _ = actor.does(f'touch("{tmp_path}/numbered-1")')
    for watch in watches:
        names = [shown(event, "fd.name") for event in watch.until(sentinel)]
        assert f"{tmp_path}/numbered-1" in names
        watch.close()
    actor.close()
