"""A process of its own that does what a test tells it: what the test's own process does is not captured."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from falcocore_syscall.tables import NATIVE, SYSCALL_NAMES

PROGRAMS = Path(__file__).parent / "live_programs"
_PRELUDE = """
import ctypes, errno, fcntl, json, os, re, select, signal, socket, struct, subprocess, sys, threading, time
_libc = ctypes.CDLL(None, use_errno=True)
NR = {numbers!r}

def call(name, *args):
    # One system call as it is, without the library's wrapper; a negative number of an error where it fails.
    _libc.syscall.restype = ctypes.c_long
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    found = _libc.syscall(ctypes.c_long(NR[name]), *given)
    return -ctypes.get_errno() if found == -1 else found

def child(act):
    # Runs in a process of its own, and waits for its end.
    pid = os.fork()
    if not pid:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return pid

def touch(path):
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o644))

def must(result):
    if result: raise OSError(-result, os.strerror(-result))

def keep_to(directory):
    # From now on nothing can be written but below one directory, by this process and those that it makes:
    # what it does at random is not done to the machine, and reaches no other. An error where that can't be.
    def set_attributes(path, flags, added, removed):
        wanted = ctypes.create_string_buffer(struct.pack("<4Q", added, removed, 0, 0), 32)
        must(call("mount_setattr", -100, path.encode(), flags, wanted, 32))
    if os.geteuid() == 0:
        must(call("unshare", 0x40020000))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x49))
        must(call("mount", b"none", b"/", 0, 0x44000, 0))
        must(call("mount", directory.encode(), directory.encode(), 0, 0x1000, 0))
        if call("mount_setattr", -1, None, 0, None, 0) != -errno.ENOSYS:
            set_attributes("/", 0x8000, 1, 0)
            set_attributes(directory, 0, 0, 1)
        else:
            # Before Linux 5.12: one mount after the other.
            with open("/proc/self/mountinfo", "rb") as file: mounts = [line.split()[4] for line in file]
            for mounted in mounts:
                place = re.sub(rb"\\\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), mounted)
                must(call("mount", b"none", place, 0, 0x1021, 0))
            must(call("mount", b"none", directory.encode(), 0, 0x1020, 0))
    os.chdir(directory)
    for path in ("/etc/passwd", "/usr/bin/env", "/proc/self/comm", "/etc", "/dev", "/dev/shm", "/tmp", "/"):
        assert not os.access(path, os.W_OK), f"{path} could be written"
    touch(directory + "/kept")

names = dict(globals())
for line in sys.stdin:
    try:
        task = json.loads(line)
        names["result"] = None
        exec(task["code"], names)
        answer = {"result": names["result"]}
    except BaseException as error:
        answer = {"error": repr(error)}
    touch(task["sentinel"])
    print(json.dumps(answer), flush=True)
"""


def call_numbers() -> dict[str, int]:
    """The system calls of this machine by their names."""
    return {SYSCALL_NAMES[code]: number for number, code in NATIVE[platform.machine()].items()}


class Actor:
    """Runs pieces of Python one after the other in a process that lives as long as the test.

    They have `call(NAME, ARGUMENTS...)`, `child(FUNCTION)` and the usual modules, keep their variables, and
    may leave something in `result`. After each a file is opened that tells that it has ended.
    """

    def __init__(self, directory: Path, executable: str | Path = sys.executable, *before: str) -> None:
        self.directory = directory
        program = directory / "actor.py"
        program.write_text(_PRELUDE.replace("{numbers!r}", repr(call_numbers())))
        arguments = [*before, str(executable), "-S", str(program)]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=directory
        )
        self.pid = self._process.pid
        self._count = 0

    def begin(self, code: str) -> str:
        """Start on a piece of code; the path that is opened after it."""
        self._count += 1
        sentinel = str(self.directory / f"sentinel-{self.pid}-{self._count}")
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"code": code, "sentinel": sentinel}) + "\n")
        self._process.stdin.flush()
        return sentinel

    def answer(self) -> Any:
        """What the code has left in `result`."""
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def does(self, code: str) -> tuple[str, Any]:
        """Run a piece of code: (the path that was opened after it, its result)."""
        sentinel = self.begin(code)
        return sentinel, self.answer()

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._process.wait()


@cache
def built(source: str, directory: Path, *options: str) -> Path:
    """A program made of one of the files in C beside this; the test is skipped where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    made = directory / source.removesuffix(".c")
    command = [compiler, "-O1", "-o", str(made), *options, str(PROGRAMS / source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the C compiler can't make it: {done.stderr}")
    return made
