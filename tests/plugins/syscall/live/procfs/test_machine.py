"""The machine, its addresses and its accounts, held against other ways of asking."""

from __future__ import annotations

import grp
import os
import pwd
import re
import socket
from pathlib import Path

import pytest

from falcocore_syscall.live.procfs.accounts import read_accounts
from falcocore_syscall.live.procfs.files import host_root, proc_root
from falcocore_syscall.live.procfs.interfaces import read_interfaces
from falcocore_syscall.live.procfs.machine import read_machine
from falcocore_syscall.scap.records import GroupRecord, InterfaceRecord, UserRecord


def test_this_machine() -> None:
    record = read_machine()
    assert record.cpus == os.sysconf("SC_NPROCESSORS_ONLN")
    assert record.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert record.hostname == socket.gethostname()
    assert record.max_pid >= os.getpid()
    booted = re.search(r"^btime (\d+)", Path("/proc/stat").read_text(), re.MULTILINE)
    assert booted is not None
    assert record.boot_time_ns == pytest.approx(int(booted[1]) * 10**9, abs=2 * 10**9)


def test_another_tree(tmp_path: Path) -> None:
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "stat").write_text("cpu  1 2 3\ncpu0 1 2\ncpu11 1 2\nintr 5\n")
    (tmp_path / "meminfo").write_text("MemFree:  1 kB\nMemTotal:      2048 kB\n")
    (tmp_path / "sys" / "kernel" / "pid_max").write_text("4194304\n")
    (tmp_path / "sys" / "kernel" / "hostname").write_text("there\n")
    record = read_machine(str(tmp_path))
    assert (record.cpus, record.memory_bytes, record.max_pid, record.hostname) == (
        2,
        2 << 20,
        1 << 22,
        "there",
    )


def test_addresses_of_this_machine() -> None:
    records = read_interfaces()
    assert InterfaceRecord("lo", b"\x7f\0\0\1", b"\xff\0\0\0") in records
    v6 = {
        (fields[5], bytes.fromhex(fields[0]), int(fields[2], 16))
        for fields in map(str.split, Path("/proc/net/if_inet6").read_text().splitlines())
    }
    found = {
        (it.name, it.address, int.from_bytes(it.netmask, "big").bit_count())
        for it in records
        if len(it.address) == 16
    }
    assert found == v6
    sizes = [len(it.address) for it in records]
    assert sizes == sorted(sizes)


def test_accounts_of_this_machine() -> None:
    records = read_accounts()
    root = next(it for it in records if isinstance(it, UserRecord) and it.uid == 0)
    known = pwd.getpwuid(0)
    assert (root.name, root.gid, root.home, root.shell) == (
        known.pw_name,
        known.pw_gid,
        known.pw_dir,
        known.pw_shell,
    )
    groups = {(it.gid, it.name) for it in records if isinstance(it, GroupRecord)}
    assert groups == {(it.gr_gid, it.gr_name) for it in grp.getgrall()}


def test_accounts_of_another_tree(tmp_path: Path) -> None:
    assert read_accounts(str(tmp_path)) == []
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_bytes(
        b"# a comment\nann:x:1000:100:Ann:/home/ann:/bin/zsh\n+::::::\n"
        b"short:x:1\nb\xff:x:7:8:::\nbad:x:y:1:::\n"
    )
    (tmp_path / "etc" / "group").write_text("users:x:100:ann,bob\n+:::\nno:x:z:\n")
    assert read_accounts(f"{tmp_path}/") == [
        UserRecord(1000, 100, "ann", "/home/ann", "/bin/zsh"),
        UserRecord(7, 8, "b\udcff", "", ""),
        GroupRecord(100, "users"),
    ]


@pytest.mark.parametrize(
    ("environ", "root", "proc"),
    [({}, "", "/proc"), ({"HOST_ROOT": "/host"}, "/host", "/host/proc"), ({"HOST_ROOT": "/"}, "", "/proc")],
)
def test_where_the_host_is(environ: dict[str, str], root: str, proc: str) -> None:
    assert (host_root(environ), proc_root(environ)) == (root, proc)
