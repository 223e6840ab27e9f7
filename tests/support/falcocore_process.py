"""The `falcocore` command as a user starts it: a process of its own, real pipes, real signals."""

from __future__ import annotations

import http.client
import os
import queue
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from signal import SIGTERM, Signals
from urllib.parse import urlsplit

from tests.support.webhook_harness import SAFETY_S, Answer, answer_of, encode

COMMAND = (sys.executable, "-m", "falcocore")
WEBHOOK = "k8s_audit=http://127.0.0.1:0/k8s-audit"
"""A `--source` that listens on any free port."""


def _environment(changes: dict[str, str]) -> dict[str, str]:
    # An unclosed file or socket is shown on stderr as an ignored exception. The configuration of whoever
    # runs the tests is not read.
    fixed = {"TZ": "UTC", "PYTHONWARNINGS": "error", "XDG_CONFIG_HOME": "/nonexistent"}
    return {**os.environ, **fixed, **changes}


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err, self.err
        assert "Exception ignored" not in self.err, self.err

    @property
    def alerts(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()


def falcocore(*arguments: str, stdin: bytes = b"", **environment: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        env=_environment(environment),
        timeout=SAFETY_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


class Running:
    """A context manager around a command that runs until it is told to end."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(environment),
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self.stdin = self._process.stdin
        self.stdout = self._process.stdout
        self._stderr = self._process.stderr
        self._said: list[str] = []
        self._unseen: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="stderr", daemon=True)

    def __enter__(self) -> Running:
        self._listener.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self.stdin, self.stdout, self._stderr):
            if not stream.closed:
                stream.close()

    def _listen(self) -> None:
        for line in self._stderr:
            self._said.append(line.decode())
            self._unseen.put(line.decode())
        self._unseen.put(None)

    def said(self, text: str) -> str:
        """The next line of stderr with `text` in it; waits for it."""
        while (line := self._unseen.get(timeout=SAFETY_S)) is not None:
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said, but\n{''.join(self._said)}")

    def url(self) -> str:
        """Where it listens, once it says so."""
        found = re.search(r"listening on (\S+) with", self.said("listening on"))
        assert found is not None
        return found[1]

    def alert(self) -> str:
        """The next line of stdout; waits for it."""
        return self.stdout.readline().decode().removesuffix("\n")

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, number: Signals) -> None:
        self._process.send_signal(number)

    def end(self, number: Signals | None = SIGTERM) -> Ended:
        """Send a signal, unless it ends by itself, and wait; `out` is what was not read of stdout before."""
        if number is not None:
            self.send(number)
        out = b"" if self.stdout.closed else self.stdout.read()
        status = self._process.wait(SAFETY_S)
        self._listener.join(SAFETY_S)
        return Ended(status, out.decode(), "".join(self._said))


def post(url: str, document: object) -> Answer:
    """Post audit data on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SAFETY_S)
    try:
        connection.request("POST", parts.path, encode(document), {"Content-Type": "application/json"})
        return answer_of(connection.getresponse())
    finally:
        connection.close()
