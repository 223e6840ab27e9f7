"""What happens while a command runs, recorded, and the fields by which a replay is compared with it."""

from __future__ import annotations

import io
import os
import select
import subprocess
from collections.abc import Sequence
from typing import Any

from falcocore_syscall.live.recording import Recording
from falcocore_syscall.scap.writer import Writer
from tests.support import runtime_daemons as daemons
from tests.support.syscall_events import value_of

BUFFER_BYTES = 1 << 25
FIELDS = (
    *("evt.type", "evt.rawres", "evt.failed", "evt.is_open_read", "evt.is_open_write", "evt.is_open_exec"),
    *("proc.name", "proc.exe", "proc.exepath", "proc.args", "proc.cmdline", "proc.pid", "proc.ppid"),
    *("proc.cwd", "proc.pname", "proc.pcmdline", "proc.aname[2]", "proc.aname[3]", "proc.apid[2]"),
    *("proc.vpid", "proc.pvpid", "proc.sid", "proc.sname", "proc.tty", "proc.vpgid", "proc.exeline"),
    *("proc.is_exe_writable", "proc.exe_ino", "proc.is_exe_from_memfd", "proc.env[MARK]", "proc.pexepath"),
    *("thread.tid", "thread.ismain", "thread.vtid", "thread.cap_permitted", "thread.cap_effective"),
    *("fd.num", "fd.type", "fd.typechar", "fd.name", "fd.directory", "fd.filename", "fd.ino"),
    *("fd.cip", "fd.sip", "fd.cport", "fd.sport", "fd.lip", "fd.rip", "fd.lport", "fd.rport"),
    *("fd.l4proto", "fd.is_server", "fs.path.name", "fs.path.nameraw", "fs.path.source", "fs.path.target"),
    *("user.uid", "user.name", "user.loginuid", "group.gid", "group.name", "container.id"),
)

KNOWN_LATER = {"close", "newfstatat"}
"""Calls of which the kernel does not tell the descriptor; the tables of a replay know it."""

Row = dict[str, Any]


def row_of(event: Any) -> Row:
    return {field: value_of(event, field) for field in FIELDS}


def expected_of(row: Row) -> Row:
    """What a replay shows where a live event has these fields."""
    expected = dict(row)
    kind = row["evt.type"]
    if kind in KNOWN_LATER:
        expected = {
            field: value for field, value in row.items() if not field.startswith("fd.") or field == "fd.num"
        }
    if row["fd.type"] != "file":
        expected.pop("fd.ino", None)
    if row["fd.type"] in ("memfd", "pipe"):  # Which have names only in /proc.
        expected = {field: value for field, value in expected.items() if not field.startswith("fd.")}
    if kind == "recvfrom" and row["fd.type"] == "unix":  # The ends change places with the direction.
        del expected["fd.name"]
    if kind == "getsockname":  # An event without parameters.
        del expected["evt.rawres"], expected["evt.failed"]
    if kind == "openat" and row["fd.name"] and row["fs.path.name"] != row["fd.name"]:
        expected["fs.path.name"] = expected["fs.path.nameraw"] = row["fd.name"]  # The way there is not told.
    if kind == "chdir":
        del expected["proc.cwd"]
    return expected


def recorded(
    matches: Any, command: Sequence[str], sockets: Sequence[str] = (), *, for_older: bool = False
) -> bytes:
    """The capture of a command that runs in a session of its own, which `matches.sid` is told of."""
    stream = io.BytesIO()
    environment = {**daemons.environment(), "MARK": "blue"}
    with Writer(stream, for_older=for_older) as writer:
        recording = Recording(writer, BUFFER_BYTES, sockets, matches)
        recording.start()
        try:
            with subprocess.Popen(command, start_new_session=True, env=environment) as process:
                matches.sid = process.pid
                handle = os.pidfd_open(process.pid)
                poller = select.poll()
                poller.register(handle, select.POLLIN)
                poller.register(recording.fileno(), select.POLLIN)
                while process.poll() is None:
                    poller.poll()
                    recording.write()
                os.close(handle)
                assert process.returncode == 0
            recording.finish()
            assert recording.lost == 0
        finally:
            recording.close()
    return stream.getvalue()
