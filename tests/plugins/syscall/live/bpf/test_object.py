"""Objects in the running kernel: loading, attaching, talking through maps, variables and the ring buffer."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import Btf, Kind
from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.maps import index
from falcocore_syscall.live.bpf.object import BpfObject
from falcocore_syscall.live.bpf.ring import RingReader
from tests.support.bpf_objects import compiled, needs_kernel

pytestmark = needs_kernel

SOURCE = """
enum pid_type { PIDTYPE_PID = 9, PIDTYPE_SID = 9 };
struct task_struct { int tgid; struct task_struct *real_parent; unsigned in_execve : 1; char comm[16]; } CORE;
struct task_struct___never { int no_such_member; } CORE;
extern void *bpf_rdonly_cast(void *, u32) WEAK_KSYM;
extern void *bpf_not_there(void *) WEAK_KSYM;
struct record { u64 result, parent, sum, direct, sid, answer, bits; };
struct { __uint(type, 27); __uint(max_entries, 1 << 12); } ring SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, 2);
         __type(key, u32); __type(value, u64[8]); } table SEC(".maps");
struct { __uint(type, 6); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } runs SEC(".maps");
struct { __uint(type, 9); __uint(max_entries, 64); __type(key, u64); __type(value, u32); } seen SEC(".maps");
struct prefix { u32 bits; u8 text[8]; };
struct { __uint(type, 11); __uint(map_flags, 1); __uint(max_entries, 8);
         __type(key, struct prefix); __type(value, u32); } prefixes SEC(".maps");
u32 own_tid; u64 reported = 3; const volatile u32 broken = 0; const volatile u32 discard = 0;

static NOINLINE u64 sum(u64 *values) {
    u64 total = 0;
    for (int i = 0; i < 8; i++) if (values[i] != 5) total += values[i];
    return total;
}
NOINLINE u64 answer(u64 number) { asm volatile("" : "+r"(number)); return number + 1; }

SEC("tp_btf/sys_exit") int on_exit(u64 *context) {
    struct task_struct *task = (void *)current_task();
    struct task_struct *parent = 0;
    int tgid = 0;
    u32 zero = 0;
    if ((u32)pid_tgid() != own_tid) return 0;
    u64 *count = map_lookup(&runs, &zero);
    if (count) *count += 1;
    if (broken) return *(int *)task;
    struct record *record = ring_reserve(&ring, sizeof *record, 0);
    if (!record) return 0;
    if (discard) { ring_discard(record, 0); return 0; }
    if (bpf_not_there) bpf_not_there(record);
    if (__builtin_preserve_field_info(((struct task_struct___never *)0)->no_such_member, 2))
        record->parent = ((struct task_struct___never *)task)->no_such_member;
    u64 *values = map_lookup(&table, &zero);
    record->result = context[1];
    record->sum = values ? sum(values) : 0;
    record->direct = 0;
    if (bpf_rdonly_cast) {
        struct task_struct *typed = bpf_rdonly_cast(task, __builtin_btf_type_id(*(struct task_struct *)0, 1));
        record->direct = typed->real_parent->tgid;
    }
    read_kernel(&parent, sizeof parent, &task->real_parent);
    read_kernel(&tgid, sizeof tgid, &parent->tgid);
    record->parent = tgid;
    record->sid = __builtin_preserve_enum_value(*(typeof(enum pid_type) *)PIDTYPE_SID, 1);
    record->answer = answer(reported);
    u64 bits = 0;
    read_kernel(&bits, __builtin_preserve_field_info(task->in_execve, 1),
                (char *)task + __builtin_preserve_field_info(task->in_execve, 0));
    bits <<= __builtin_preserve_field_info(task->in_execve, 4);
    record->bits = bits >> __builtin_preserve_field_info(task->in_execve, 5);
    reported++;
    ring_submit(record, 0);
    return 0;
}
SEC("tp_btf/sys_exit") int beside(u64 *context) { return 0; }
SEC("tp_btf/no_such_tracepoint") int homeless(u64 *context) { return answer(1); }
"""
RECORD = struct.Struct("<7Q")
SEVEN = bytes.fromhex("b7000000070000009500000000000000")
DEADLINE_S = 20
PROGRAM_BY_ID = 13


@pytest.fixture(scope="module")
def kernel() -> Btf:
    return Btf.of_kernel()


@pytest.fixture
def opened(kernel: Btf) -> Iterator[BpfObject]:
    with BpfObject.open(compiled(SOURCE), kernel) as made:
        made.variables["own_tid"].write(struct.pack("<I", threading.get_native_id()))
        yield made


def sentinel() -> int:
    """Make a system call whose result nothing else has: the session of this very process."""
    return os.getsid(0)


def wait_for(reader: RingReader, result: int) -> tuple[int, ...]:
    """The first record with a result, by epoll."""
    end = time.monotonic() + DEADLINE_S
    with select.epoll() as epoll:
        epoll.register(reader.fileno(), select.EPOLLIN)
        while epoll.poll(end - time.monotonic()):
            for data, offset, length in reader.drain():
                assert length == RECORD.size
                record = RECORD.unpack_from(data, offset)
                if record[0] == result:
                    return record
    pytest.fail("the record did not come")


def test_a_call_of_this_thread_is_reported(opened: BpfObject) -> None:
    opened.load()
    opened.maps["table"].update(index(0), struct.pack("<8Q", *range(8)))
    assert opened.attach() == ("homeless",)
    with RingReader(opened.maps["ring"]) as reader:
        _, parent, total, direct, sid, answer, bits = wait_for(reader, sentinel())
    assert parent == os.getppid()
    assert direct in (0, parent)  # 0 before Linux 6.2.
    assert total == sum(range(8)) - 5
    assert sid == 3
    assert answer >= 4
    assert bits == 0


def test_every_call_of_many_is_reported(opened: BpfObject) -> None:
    """The ring is smaller than what comes, so that it goes round; nothing is lost while it is read."""
    opened.load()
    opened.attach()
    with RingReader(opened.maps["ring"]) as reader:
        for _ in range(300):
            wait_for(reader, sentinel())
    assert opened.maps["runs"].sum(index(0)) >= 300


def test_what_is_discarded_does_not_come(opened: BpfObject) -> None:
    opened.variables["discard"].write(struct.pack("<I", 1))
    opened.load()
    opened.attach()
    with RingReader(opened.maps["ring"]) as reader:
        sentinel()
        opened.detach()
        assert opened.maps["runs"].sum(index(0)) > 0
        assert list(reader.drain()) == []
        assert reader.pending_bytes == 0


def test_variables_after_loading(opened: BpfObject) -> None:
    opened.load()
    reported, constant = opened.variables["reported"], opened.variables["broken"]
    assert reported.read() == struct.pack("<Q", 3)
    reported.write(struct.pack("<Q", 1 << 40))
    with pytest.raises(BpfError, match="can't be changed after loading"):
        constant.write(struct.pack("<I", 1))
    opened.attach()
    with RingReader(opened.maps["ring"]) as reader:
        wait_for(reader, sentinel())
    opened.close()
    assert struct.unpack("<Q", reported.read())[0] > 1 << 40


def test_a_replaced_function_is_called(opened: BpfObject) -> None:
    opened.replace("answer", SEVEN)
    opened.load()
    opened.attach()
    with RingReader(opened.maps["ring"]) as reader:
        assert wait_for(reader, sentinel())[5] == 7


def test_a_refused_program(opened: BpfObject) -> None:
    """What a constant made unreachable was accepted above; now it is reached."""
    opened.variables["broken"].write(struct.pack("<I", 1))
    with pytest.raises(BpfError, match="loading program on_exit") as raised:
        opened.load()
    assert raised.value.errno in (13, 22)
    assert "invalid mem access" in raised.value.log
    assert len(raised.value.log.splitlines()) <= 40
    with pytest.raises(BpfError, match="not open"):
        _ = opened.maps["ring"].fd


def test_reaching_what_this_kernel_does_not_have(kernel: Btf) -> None:
    source = """
    struct task_struct { int no_such_member; } CORE;
    SEC("tp_btf/sys_exit") int bad(u64 *context) {
        int value = 0;
        read_kernel(&value, 4, &((struct task_struct *)current_task())->no_such_member);
        return value;
    }"""
    with BpfObject.open(compiled(source), kernel) as made, pytest.raises(BpfError) as raised:
        made.load()
    assert "195896080" in raised.value.log


def test_maps(opened: BpfObject) -> None:
    opened.maps["seen"].max_entries = 32
    opened.load()
    seen, prefixes, runs = (opened.maps[name] for name in ("seen", "prefixes", "runs"))
    with pytest.raises(BpfError, match="already created"):
        seen.max_entries = 64
    wanted = {struct.pack("<Q", number): struct.pack("<I", number * 2) for number in range(10)}
    for key, value in wanted.items():
        seen.update(key, value)
    assert dict(seen.items()) == wanted
    assert seen.delete(struct.pack("<Q", 4))
    assert not seen.delete(struct.pack("<Q", 4))
    assert seen.lookup(struct.pack("<Q", 4)) is None
    assert seen.lookup_each(struct.pack("<Q", 3)) == [struct.pack("<I", 6)]
    prefixes.update(struct.pack("<I8s", 16, b"/e"), struct.pack("<I", 1))
    assert prefixes.lookup(struct.pack("<I8s", 64, b"/etc/pas")) == struct.pack("<I", 1)
    assert prefixes.lookup(struct.pack("<I8s", 64, b"/usr/bin")) is None
    each = [struct.pack("<Q", number + 1) for number in range(calls.possible_cpus())]
    runs.update(index(0), b"".join(each))
    assert runs.lookup_each(index(0)) == each
    assert runs.sum(index(0)) == sum(range(len(each) + 1))
    assert runs.lookup_each(index(1)) == []
    with pytest.raises(BpfError, match="has 8 bytes, not 2"):
        seen.update(b"ab", bytes(4))
    with pytest.raises(BpfError, match="has 4 bytes, not 1"):
        seen.update(bytes(8), b"x")


def test_one_object_takes_over_from_another(opened: BpfObject, kernel: Btf) -> None:
    """The maps stay, and what is in them: nothing is lost in between."""
    opened.maps["ring"].max_entries = 1 << 14
    opened.load()
    opened.attach()
    with BpfObject.open(compiled(SOURCE), kernel) as newer, RingReader(opened.maps["ring"]) as reader:
        newer.replace("answer", SEVEN)
        newer.variables["own_tid"].write(struct.pack("<I", threading.get_native_id()))
        newer.load({name: opened.maps[name] for name in ("ring", "seen")})
        assert newer.maps["ring"].max_entries == 1 << 14
        newer.attach()
        opened.close()
        assert wait_for(reader, sentinel())[5] == 7


def test_an_object_is_loaded_once(opened: BpfObject) -> None:
    opened.load()
    with pytest.raises(BpfError, match="already loaded"):
        opened.load()
    opened.attach()
    with pytest.raises(BpfError, match="already attached"):
        opened.attach()


def test_descriptors_are_closed(kernel: Btf) -> None:
    before = os.listdir("/proc/self/fd")
    with BpfObject.open(compiled(SOURCE), kernel) as made:
        made.load()
        made.attach()
        with RingReader(made.maps["ring"]):
            assert len(os.listdir("/proc/self/fd")) > len(before) + 5
    assert os.listdir("/proc/self/fd") == before


def test_what_the_kernel_says_of_a_program(opened: BpfObject) -> None:
    opened.load()
    statistics = calls.enable_statistics()
    opened.attach()
    with RingReader(opened.maps["ring"]) as reader:
        wait_for(reader, sentinel())
    os.close(statistics)
    info = opened.info("on_exit")
    assert info.runs > 0
    assert info.run_time_ns > 0
    assert info.instructions_bytes % 8 == 0
    with pytest.raises(BpfError, match="homeless is not loaded"):
        opened.info("homeless")


CHILD = """
import sys
from falcocore_syscall.live.bpf.object import BpfObject
made = BpfObject.open(sys.stdin.buffer.read())
made.load()
made.attach()
print(made.info("on_exit").id, flush=True)
import signal
signal.pause()
"""


def is_loaded(program: int) -> bool:
    """Whether the kernel still has a program of a number."""
    by_number: Any = PROGRAM_BY_ID
    try:
        os.close(calls.bpf(by_number, struct.pack("<III", program, 0, 0), "finding a program"))
    except BpfError:
        return False
    return True


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_after_death(death: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=-1, stdout=-1) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(compiled(SOURCE))
        child.stdin.close()
        program = int(child.stdout.readline())
        assert is_loaded(program)
        child.send_signal(death)
        assert child.wait(DEADLINE_S) == -death
    end = time.monotonic() + DEADLINE_S
    while is_loaded(program):  # The kernel frees links by a worker of its own, a moment later.
        assert time.monotonic() < end
        os.sched_yield()


ENDINGS = """
u32 own_tid; u64 ended;
SEC("fexit/vfs_unlink") int on_ended(u64 *context) { if ((u32)pid_tgid() == own_tid) ended++; return 0; }
SEC("fexit/no_such_function") int homeless(u64 *context) { return 0; }
SEC("tp_btf/sys_exit") int beside(u64 *context) { return 0; }
"""


def test_the_end_of_a_function_is_followed_where_the_kernel_allows_it(kernel: Btf, tmp_path: Path) -> None:
    with BpfObject.open(compiled(ENDINGS), kernel) as made:
        made.variables["own_tid"].write(struct.pack("<I", threading.get_native_id()))
        made.load()
        left_out = made.attach()
        assert "homeless" in left_out
        assert "beside" not in left_out
        if "on_ended" in left_out:
            pytest.skip("this kernel does not let the ends of functions be followed")
        (tmp_path / "x").touch()
        (tmp_path / "x").unlink()
        assert made.variables["ended"].read() == struct.pack("<Q", 1)


@pytest.mark.parametrize(("refused", "left_out"), [("on_ended", ("homeless", "on_ended")), ("beside", None)])
def test_only_the_end_of_a_function_may_be_refused(
    kernel: Btf, monkeypatch: pytest.MonkeyPatch, refused: str, left_out: tuple[str, ...] | None
) -> None:
    """Whether this kernel would allow it: it takes a tracepoint for the function."""
    (tracepoint,) = kernel.find("btf_trace_sys_exit", Kind.TYPEDEF)
    load, attach = calls.load_program, calls.open_raw_tracepoint

    def load_any(code: bytes, name: str, license_: str, _started_by: int, *given: Any) -> int:
        types, functions, _ = given
        return load(code, name, license_, tracepoint, types, functions)

    def attach_others(program: int, name: str) -> int:
        if name == refused:
            raise BpfError("attaching", errno=524)
        return attach(program, name)

    monkeypatch.setattr(calls, "load_program", load_any)
    monkeypatch.setattr(calls, "open_raw_tracepoint", attach_others)
    with BpfObject.open(compiled(ENDINGS), kernel) as made:
        made.load()
        if left_out is not None:
            assert made.attach() == left_out
            return
        with pytest.raises(BpfError):
            made.attach()
