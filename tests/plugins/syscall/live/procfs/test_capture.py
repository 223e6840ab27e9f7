"""This machine, written at the start of a capture: replay and sysdig know its processes and descriptors."""

from __future__ import annotations

import io
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore_syscall.live.procfs.accounts import read_accounts
from falcocore_syscall.live.procfs.descriptors import read_fds
from falcocore_syscall.live.procfs.interfaces import read_interfaces
from falcocore_syscall.live.procfs.machine import read_machine
from falcocore_syscall.live.procfs.processes import Processes
from falcocore_syscall.live.procfs.sockets import SocketTables
from falcocore_syscall.scap.records import FdListRecord
from falcocore_syscall.scap.writer import Writer
from falcocore_syscall.state.machine import Machine
from tests.support.rewritten import replayed
from tests.support.syscall_events import value_of

READ = 7


def captured(fd: int, *, for_older: bool = False) -> bytes:
    """A capture of this machine in which this process reads from a descriptor."""
    stream, sockets = io.BytesIO(), SocketTables()
    with Writer(stream, for_older=for_older) as writer:
        writer.write_machine(read_machine())
        writer.write_interfaces(read_interfaces())
        writer.write_accounts(read_accounts())
        threads = [thread.record for thread in Processes().threads()]
        writer.write_threads(threads)
        for record in threads:
            if record.tid == record.pid:
                writer.write_fds(FdListRecord(record.tid, read_fds(record.pid, sockets=sockets)))
        params = [struct.pack("<q", 5), b"hello", struct.pack("<q", fd), struct.pack("<I", 5)]
        writer.write_event(10**18, os.getpid(), 1, READ, params)
    return stream.getvalue()


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, str]]:
    """A connection of this process to itself, and its name."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            own, other = client.getsockname(), client.getpeername()
            yield client, f"{own[0]}:{own[1]}->{other[0]}:{other[1]}"


def test_replay_knows_this_process(connection: tuple[socket.socket, str]) -> None:
    client, name = connection
    (event,) = replayed(captured(client.fileno()), Machine())
    parent = Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    expected = {
        "proc.name": Path("/proc/self/comm").read_text().strip(),
        "proc.exepath": os.path.realpath(sys.executable),
        "proc.cwd": f"{os.getcwd()}/",
        "proc.pid": os.getpid(),
        "proc.ppid": os.getppid(),
        "proc.pname": parent,
        "proc.vpid": os.getpid(),
        "proc.sid": os.getsid(0),
        "proc.vpgid": os.getpgrp(),
        "user.uid": os.geteuid(),
        "fd.name": name,
        "fd.type": "ipv4",
        "fd.l4proto": "tcp",
    }
    assert {field: value_of(event, field) for field in expected} == expected


@pytest.mark.skipif(shutil.which("sysdig") is None, reason="sysdig is not installed")
def test_sysdig_knows_this_process(tmp_path: Path) -> None:
    """Not the descriptor of the event: sysdig 0.29.3 looks for it in an enter event, which is not written."""
    capture = tmp_path / "x.scap"
    memory = os.memfd_create("one that it doesn't know")
    capture.write_bytes(captured(0, for_older=True))
    os.close(memory)
    form = "%proc.name %proc.pid %proc.ppid %proc.cwd %evt.arg.data"
    command = ["sysdig", "-r", str(capture), "-p", form]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    comm = Path("/proc/self/comm").read_text().strip()
    assert shown.stdout.splitlines() == [f"{comm} {os.getpid()} {os.getppid()} {os.getcwd()}/ hello"]
