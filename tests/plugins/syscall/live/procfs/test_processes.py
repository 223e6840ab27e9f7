"""Processes read from /proc: real children of this test, and a tree that was made up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from falcocore_syscall.live.procfs.machine import boot_time_ns
from falcocore_syscall.live.procfs.processes import FoundThread, Processes
from falcocore_syscall.scap.records import NO_ID
from falcocore_syscall.state.threads import CLONE_FILES, CLONE_THREAD
from tests.support.made_proc import MadeProc

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="it takes root")
TIOCGPTN = 0x80045430
"""The ioctl that asks for the number of a terminal."""
CAT = shutil.which("cat") or "/bin/cat"
TRUE = shutil.which("true") or "/bin/true"


@contextlib.contextmanager
def process(arguments: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until the end of the block; its exec may not have ended yet."""
    made = subprocess.Popen(arguments, stdout=subprocess.PIPE, **options)
    try:
        yield made
    finally:
        made.kill()
        made.wait()
        for stream in (made.stdin, made.stdout):
            if stream is not None:
                stream.close()


def says(made: subprocess.Popen[bytes], word: bytes) -> bool:
    """Wait for what a process writes first; True where it is this."""
    assert made.stdout is not None
    return made.stdout.read(len(word)) == word


@contextlib.contextmanager
def child(arguments: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A `cat`, which runs when it has answered: where `Popen` returns, the kernel is still in its exec."""
    with process(arguments, stdin=subprocess.PIPE, bufsize=0, **options) as made:
        assert made.stdin is not None
        made.stdin.write(b"r")
        assert says(made, b"r")
        yield made


@contextlib.contextmanager
def ready_child(code: str, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that has run some code, and now waits."""
    program = f"import sys, time\n{code}\nsys.stdout.write('r')\nsys.stdout.flush()\ntime.sleep(60)"
    with process([sys.executable, "-c", program, *arguments], **options) as made:
        assert says(made, b"r")
        yield made


def found(pid: int, tid: int | None = None) -> FoundThread:
    it = Processes().thread(pid, pid if tid is None else tid)
    assert it is not None
    return it


def test_what_was_given_to_a_program(tmp_path: Path) -> None:
    environment = {"ONE": "1", "TWO": "zwei \udcff"}
    with child(["named", "-"], executable=CAT, cwd=tmp_path, env=environment) as it:
        record = found(it.pid).record
    assert (record.tid, record.pid, record.ptid) == (it.pid, it.pid, os.getpid())
    assert (record.exe, record.args) == (b"named", b"-\0")
    assert record.comm == os.path.basename(CAT).encode()
    assert record.exepath == os.path.realpath(CAT).encode()
    assert record.cwd == os.fsencode(tmp_path.resolve())
    assert record.root == b"/"
    assert record.env == b"ONE=1\0TWO=zwei \xff\0"
    assert record.flags == 0


def test_numbers_of_a_process() -> None:
    with child([CAT, "-"]) as it:
        record = found(it.pid).record
        status = os.stat(CAT)
    assert (record.vtid, record.vpid) == (it.pid, it.pid)
    assert (record.sid, record.pgid, record.vpgid) == (os.getsid(0), os.getpgrp(), os.getpgrp())
    assert (record.uid, record.gid) == (os.geteuid(), os.getegid())
    assert (record.exe_ino, record.exe_ino_mtime_ns) == (status.st_ino, status.st_mtime_ns)
    assert record.exe_ino_ctime_ns == status.st_ctime_ns
    assert 0 < record.vmrss_kb < record.vmsize_kb
    assert record.pfminor > 0
    assert record.loginuid == int(Path("/proc/self/loginuid").read_text() or NO_ID)
    assert record.pidns_init_start_ns == pytest.approx(boot_time_ns(), abs=10**9)


def test_a_process_group_and_session_of_its_own() -> None:
    with child([CAT, "-"], start_new_session=True) as it:
        record = found(it.pid).record
    assert (record.sid, record.pgid, record.vpgid, record.tty) == (it.pid,) * 3 + (0,)


def test_the_limit_of_descriptors() -> None:
    with ready_child("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (77, 99))") as it:
        assert found(it.pid).record.fdlimit == 77


def test_the_terminal_of_a_session() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", "echo r; exec sleep 60"])
    try:
        assert os.read(terminal, 1) == b"r"
        (number,) = struct.unpack("I", fcntl.ioctl(terminal, TIOCGPTN, bytes(4)))
        assert found(pid).record.tty == os.stat(f"/dev/pts/{number}").st_rdev
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


@needs_root
def test_effective_ids_and_capabilities() -> None:
    with ready_child(
        "import os; os.setgroups([]); os.setresgid(1, 54321, 2); os.setresuid(1, 12345, 2)"
    ) as it:
        record = found(it.pid).record
    assert (record.uid, record.gid) == (12345, 54321)
    assert (record.cap_effective, record.exe_writable) == (0, 0)
    with child([CAT, "-"]) as it:
        record = found(it.pid).record
    own = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert record.cap_effective == int(own["CapEff"], 16) != 0
    assert record.cap_permitted == int(own["CapPrm"], 16)
    assert record.exe_writable == 1


@needs_root
@pytest.mark.parametrize(("mode", "owner", "expected"), [(0o755, 0, 0), (0o757, 0, 1), (0o555, 12345, 1)])
def test_a_program_that_its_process_can_write(tmp_path: Path, mode: int, owner: int, expected: int) -> None:
    for directory in (tmp_path, *tmp_path.parents[:2]):
        directory.chmod(0o755)
    program = tmp_path / "own-sleep"
    shutil.copy(CAT, program)
    os.chown(program, owner, 0)
    program.chmod(mode)
    with child([str(program), "-"], user=12345, group=54321, extra_groups=[]) as it:
        assert found(it.pid).record.exe_writable == expected


def test_a_program_that_was_deleted(tmp_path: Path) -> None:
    program = tmp_path / "gone"
    shutil.copy(CAT, program)
    with child([str(program), "-"]) as it:
        program.unlink()
        record = found(it.pid).record
    assert record.exepath == os.fsencode(program.resolve())
    assert record.exe_ino


def test_a_program_in_memory() -> None:
    memory = os.memfd_create("hidden", 0)
    os.write(memory, Path(CAT).read_bytes())
    with child(["innocent", "-"], executable=f"/proc/self/fd/{memory}", pass_fds=[memory]) as it:
        record = found(it.pid).record
    os.close(memory)
    assert record.exepath == b"/memfd:hidden"
    assert (record.exe, record.exe_from_memfd, record.exe_upper_layer) == (b"innocent", 1, 0)


def test_a_name_with_brackets_and_blanks() -> None:
    with ready_child("open('/proc/self/comm', 'w').write('a) S 1 (b')") as it:
        assert found(it.pid).record.comm == b"a) S 1 (b"


def test_threads_of_a_process() -> None:
    code = (
        "import threading\n"
        "def work():\n"
        "    open('/proc/thread-self/comm', 'w').write('worker'); ready.set(); time.sleep(60)\n"
        "for _ in range(2):\n"
        "    ready = threading.Event(); threading.Thread(target=work, daemon=True).start(); ready.wait()\n"
    )
    with ready_child(code) as it:
        main, *others = Processes().process(it.pid)
        tids = {int(name) for name in os.listdir(f"/proc/{it.pid}/task")}
        one = found(it.pid, others[0].record.tid)
    assert {main.record.tid, *(other.record.tid for other in others)} == tids
    assert (main.record.tid, main.record.flags) == (it.pid, 0)
    for other in others:
        record = other.record
        assert (record.pid, record.ptid, record.comm) == (it.pid, os.getpid(), main.record.comm)
        assert (record.flags, record.vtid, record.vpid) == (CLONE_THREAD | CLONE_FILES, record.tid, it.pid)
        assert (record.exe, record.args, record.cwd) == (main.record.exe, main.record.args, main.record.cwd)
        assert other.start_ns >= main.start_ns
    assert one.record.tid == others[0].record.tid


def test_a_main_thread_that_ended_before_the_others() -> None:
    code = (
        "import ctypes, os, threading, signal\n"
        "def work():\n"
        "    import time\n"
        "    main = threading.main_thread().native_id\n"
        "    while open(f'/proc/self/task/{main}/stat').read().rsplit(')', 1)[1].split()[0] != 'Z':\n"
        "        time.sleep(0.001)\n"
        "    os.write(1, b'r'); time.sleep(60)\n"
        "threading.Thread(target=work).start()\n"
        "ctypes.CDLL(None).syscall({exit}, 0)\n"
    ).replace("{exit}", "93" if os.uname().machine == "aarch64" else "60")
    with process([sys.executable, "-c", code]) as it:
        assert says(it, b"r")
        main, other = Processes().process(it.pid)
    assert (main.record.tid, other.record.pid) == (it.pid, it.pid)
    assert main.record.exepath == os.path.realpath(sys.executable).encode()
    assert main.record.args.startswith(b"-c\0")


def test_when_a_process_was_made() -> None:
    before = time.time_ns()
    with child([CAT, "-"]) as it:
        after, thread = time.time_ns(), found(it.pid)
    tick_ns = 10**10 // os.sysconf("SC_CLK_TCK") // 10
    assert before - 2 * tick_ns <= thread.clone_time_ns <= after
    assert thread.start_ns % tick_ns == 0
    assert thread.clone_time_ns - thread.start_ns == pytest.approx(boot_time_ns(), abs=10**9)


def test_the_parent_of_a_process() -> None:
    with child([CAT, "-"]) as it:
        assert Processes().parent(it.pid) == os.getpid()
    assert Processes().parent(it.pid) == 0


@needs_root
def test_a_pid_namespace_of_its_own() -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare")
    with process(
        [unshare, "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", "sleep 60 & echo r; wait"]
    ) as it:
        if not says(it, b"r\n"):
            pytest.skip("this kernel doesn't allow a pid namespace")
        processes = {thread.record.ptid: thread for thread in Processes().threads()}
        first = processes[it.pid]
        second = processes[first.record.tid]
        os.kill(first.record.pid, signal.SIGKILL)
    assert (first.record.vpid, second.record.vpid) == (1, 2)
    assert second.record.vpid != second.record.pid
    assert first.record.pidns_init_start_ns == second.record.pidns_init_start_ns == first.clone_time_ns


def test_a_zombie_is_left_out() -> None:
    made = subprocess.Popen([TRUE])
    os.waitid(os.P_PID, made.pid, os.WEXITED | os.WNOWAIT)
    assert Processes().thread(made.pid, made.pid) is None
    made.wait()
    assert Processes().thread(made.pid, made.pid) is None


def test_a_thread_that_is_not_the_process_s() -> None:
    assert Processes().thread(os.getpid(), os.getppid()) is None


def test_all_threads_while_processes_come_and_go() -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            subprocess.run([TRUE], check=True)

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        for _ in range(20):
            threads = list(Processes().threads())
            tids = [thread.record.tid for thread in threads]
            assert len(set(tids)) == len(tids)
            assert os.getpid() in tids
            kernel = [thread for thread in threads if thread.record.ptid == 2 and not thread.record.exepath]
            assert kernel == []
    finally:
        stop.set()
        worker.join()


# --- made-up trees ----------------------------------------------------------------------------------------


def test_a_tree_that_was_made_up(tmp_path: Path) -> None:
    made = MadeProc(tmp_path)
    made.process(40, ppid=1, comm="bash", command=b"bash\0-l\0", cgroup="0::/system.slice/x.service\n")
    made.process(2, ppid=0, comm="kthreadd", flags=0x208040)
    made.process(41, ppid=40, comm="done", state="Z")
    made.process(50, ppid=40, comm="java", command=b"java\0", threads={51: "GC", 52: "C2"})
    (tmp_path / "60").mkdir()
    found = {it.record.tid: it for it in Processes(str(tmp_path), boot_ns=1000).threads()}
    assert list(found) == [40, 50, 51, 52]
    bash = found[40].record
    assert (bash.ptid, bash.comm, bash.exe, bash.args) == (1, b"bash", b"bash", b"-l\0")
    assert (bash.cwd, bash.exepath) == (b"/srv/bash", b"/bin/bash")
    assert (bash.uid, bash.gid, bash.loginuid, bash.fdlimit) == (1001, 2001, 1500, 1024)
    assert (bash.cap_inheritable, bash.cap_permitted, bash.cap_effective) == (1, 2, 4)
    assert (found[40].start_ns, found[40].clone_time_ns) == (400 * 10**7, 400 * 10**7 + 1000)
    assert [found[tid].record.comm for tid in (50, 51, 52)] == [b"java"] * 3


@pytest.mark.parametrize("missing", ["status", "stat"])
def test_a_process_that_ends_while_it_is_read(tmp_path: Path, missing: str) -> None:
    made = MadeProc(tmp_path)
    made.process(40, ppid=1, comm="bash", command=b"bash\0")
    (tmp_path / "40" / missing).unlink()
    assert list(Processes(str(tmp_path)).threads()) == []


@pytest.mark.parametrize("content", [b"", b"40 (bash) S", b"40 bash S 1 1 1"])
def test_a_file_that_is_not_what_it_should_be(tmp_path: Path, content: bytes) -> None:
    made = MadeProc(tmp_path)
    made.process(40, ppid=1, comm="bash", command=b"bash\0")
    (tmp_path / "40" / "stat").write_bytes(content)
    assert list(Processes(str(tmp_path)).threads()) == []


def test_long_arguments_and_environment_are_cut(tmp_path: Path) -> None:
    made = MadeProc(tmp_path)
    made.process(40, ppid=1, comm="bash", command=b"bash\0" + b"x" * 9000)
    (tmp_path / "40" / "environ").write_bytes(b"A=" + b"y" * 9000)
    (found,) = Processes(str(tmp_path)).threads()
    assert (len(found.record.args), len(found.record.env)) == (4096 - 5, 4096)


def test_what_is_not_ours_to_read(tmp_path: Path) -> None:
    """A process of somebody else has links that can't be read; it is listed with what can."""
    made = MadeProc(tmp_path)
    made.process(40, ppid=1, comm="sshd", command=b"sshd\0-D\0")
    for name in ("exe", "cwd", "root", "environ"):
        (tmp_path / "40" / name).unlink()
    (found,) = Processes(str(tmp_path)).threads()
    assert (found.record.exe, found.record.exepath, found.record.env) == (b"sshd", b"", b"")
