"""A shell command that is fed lines: its start, its end, and what it says on stderr."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from asyncio.subprocess import Process
from collections.abc import Callable

from falcocore.api import OutputError

KILL_S = 1.0
"""Seconds between SIGTERM and SIGKILL."""
_TAIL_BYTES = 2000
_PIPE_BYTES = 64 * 1024
"""What a pipe holds, so that one read takes everything."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.02


class Command:
    """A running command, the leader of a process group of its own. Its standard output is falcocore's."""

    def __init__(self, process: Process, stdin: int, said: Said) -> None:
        self._process = process
        self._stdin: int | None = stdin
        self._said = said

    @classmethod
    async def start(cls, program: str, note: Callable[[str], None]) -> Command:
        """Start a command with the shell; `note` gets each line that it writes on stderr.

        Raises:
            OutputError: there is no shell, or no room for another process.
        """
        its_stdin, stdin = os.pipe()
        stderr, its_stderr = os.pipe()
        try:
            # In a session of its own, the Ctrl-C that ends falcocore leaves it the time to finish.
            process = await asyncio.create_subprocess_shell(
                program, stdin=its_stdin, stderr=its_stderr, start_new_session=True
            )
        except BaseException as error:
            os.close(stdin)
            os.close(stderr)
            if isinstance(error, OSError):
                raise OutputError(f"the program can't be started: {error.strerror or error}") from None
            raise
        finally:
            os.close(its_stdin)
            os.close(its_stderr)
        os.set_blocking(stdin, False)
        return cls(process, stdin, Said(stderr, note))

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.returncode

    def ending(self) -> str:
        """How it ended, and the last that it said."""
        status = self.status or 0
        how = f"exited with status {status}" if status >= 0 else f"was ended by {_signal_name(-status)}"
        last = self._said.last()
        return f"{how}: {last}" if last else how

    async def write(self, data: bytes) -> bool:
        """Write to its stdin; False where it has closed that, or ended, before it was written."""
        rest = memoryview(data)
        pause_s = _FIRST_PAUSE_S
        while rest and self._stdin is not None:
            try:
                rest = rest[os.write(self._stdin, rest) :]
                pause_s = _FIRST_PAUSE_S
            except BlockingIOError:
                if self.status is not None:
                    return False
                pause_s = await _pause(pause_s)
            except BrokenPipeError:
                return False
        return not rest

    async def feed(self, data: bytes) -> bool:
        """Write to its stdin and wait until it has read that; False where it closed it, or ended, before.

        Otherwise what waits in the pipe of a program that ends would be lost without notice.
        """
        if not await self.write(data):
            return False
        pause_s = _FIRST_PAUSE_S
        while self._unread_bytes():
            if self.status is not None:
                return False
            pause_s = await _pause(pause_s)
        return True

    def _unread_bytes(self) -> int:
        if self._stdin is None:
            return 0
        found = fcntl.ioctl(self._stdin, termios.FIONREAD, struct.pack("i", 0))
        size_bytes: int = struct.unpack("i", found)[0]
        return size_bytes

    async def finish(self) -> None:
        """Close its stdin and wait for its end."""
        self._close_stdin()
        await self._process.wait()
        self._said.close()

    async def end(self, grace_s: float) -> None:
        """Close its stdin, give it so many seconds to finish, and then end its process group."""
        self._close_stdin()
        try:
            if not await self._ends_within(grace_s):
                self._signal(signal.SIGTERM)
                await self._ends_within(KILL_S)
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End its process group at once, with what it has left running."""
        self._signal(signal.SIGKILL)
        await self.finish()

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        # A group that is empty is gone; one of another user, after a setuid program, is not ours to end.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _close_stdin(self) -> None:
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None


async def _pause(seconds: float) -> float:
    """Wait, and return how long the next time. A pipe does not tell its writer that it was read."""
    await asyncio.sleep(seconds)
    return min(seconds * 2, _LONGEST_PAUSE_S)


class Said:
    """What a command says on stderr: read as it comes, and the end of it kept.

    It is no pipe of the process for asyncio: a grandchild may hold it open long after the command has ended.
    """

    def __init__(self, descriptor: int, note: Callable[[str], None]) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor: int | None = descriptor
        self._note = note
        self._tail = b""
        self._line = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def _read(self) -> None:
        """Take what is there."""
        if self._descriptor is None:
            return
        try:
            data = os.read(self._descriptor, _PIPE_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._stop()
        self._tail = (self._tail + data)[-_TAIL_BYTES:]
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-_TAIL_BYTES:]
        for line in lines:
            self._note(_text(line))

    def last(self) -> str:
        """The last that was said, on one line."""
        return _text(self._tail)

    def close(self) -> None:
        """Take what is there, and read no more."""
        self._read()
        if self._line:
            self._note(_text(self._line))
        self._stop()

    def _stop(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


def _text(data: bytes) -> str:
    flat = " ".join(data.decode("utf-8", "replace").split())
    return "".join(character if character.isprintable() else "\ufffd" for character in flat)


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
