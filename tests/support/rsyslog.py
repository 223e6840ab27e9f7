"""Debian's rsyslog as a receiver: a process of its own, with a configuration in a folder of the test."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SAFETY_S = 10.0

needs_rsyslog = pytest.mark.skipif(
    COMMAND is None, reason="rsyslog is not installed (apt-get install rsyslog)"
)
needs_rsyslog_tls = pytest.mark.skipif(
    not glob.glob("/usr/lib/*/rsyslog/lmnsd_gtls.so"),
    reason="rsyslog's TLS is not installed (apt-get install rsyslog-gnutls)",
)

_PROPERTIES = {
    "facility": "syslogfacility-text",
    "severity": "syslogseverity-text",
    "said_time": "timereported",
    "host": "hostname",
    "program": "programname",
    "pid": "procid",
    "data": "structured-data",
    "text": "msg",
}
_TEMPLATE = "\n".join(
    f'  property(outname="{name}" name="{what}" format="jsonf"'
    + (' dateFormat="rfc3339")' if "time" in name else ")")
    for name, what in _PROPERTIES.items()
)
_CONFIGURATION = """
global(workDirectory="{folder}" processInternalMessages="on" maxMessageSize="256k")
{inputs}
template(name="json" type="list" option.jsonf="on") {{
{template}
}}
action(type="ompipe" pipe="{pipe}" template="json")
"""


@dataclass
class Rsyslog:
    """A running rsyslogd. What it takes comes out of a pipe, as one JSON object a line."""

    process: subprocess.Popen[bytes]
    _pipe: int
    _rest: bytes = b""

    def message(self) -> dict[str, str]:
        """The next message that did not come from rsyslog itself."""
        while (found := self._line())["program"].startswith("rsyslogd"):
            pass
        return found

    def _line(self) -> dict[str, str]:
        end = time.monotonic() + SAFETY_S
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self._pipe], [], [], max(0.0, end - time.monotonic()))
            assert readable, f"rsyslog wrote no whole line, but {self._rest[:1000]!r}"
            self._rest += os.read(self._pipe, 1 << 16)
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, str] = json.loads(line)
        return found

    def wait_for_start(self) -> None:
        """Return when it says that it has started: it listens by then."""
        while "start" not in self._line()["text"]:
            pass

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(SAFETY_S)


@contextmanager
def rsyslog(folder: Path, inputs: str) -> Iterator[Rsyslog]:
    """Run rsyslogd with these inputs, until the block ends."""
    assert COMMAND is not None
    folder.mkdir(exist_ok=True)
    pipe, configuration = folder / "out", folder / "rsyslog.conf"
    if not pipe.exists():
        os.mkfifo(pipe)
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, inputs=inputs, template=_TEMPLATE, pipe=pipe), "utf-8"
    )
    reader = os.open(pipe, os.O_RDWR)  # so that it never ends
    # rsyslog drops the rest of a line that a pipe has no room for.
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1 << 20)
    command = [COMMAND, "-n", "-C", "-f", str(configuration), "-i", str(folder / "pid")]
    process = subprocess.Popen(command)
    running = Rsyslog(process, reader)
    try:
        running.wait_for_start()
        yield running
    finally:
        running.stop()
        os.close(reader)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
