"""The event source `syscall`: captures are replayed."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, ClassVar

from falcocore.api import Batch, Progress, RuleSet, Source, SourceError
from falcocore_syscall.state.names import HostNames

if TYPE_CHECKING:
    from falcocore_syscall.event import Event
    from falcocore_syscall.replay import Replay
    from falcocore_syscall.scap.columns import Columns

log = logging.getLogger("falcocore.syscall")

READ_BYTES = 1 << 18
NAMES_S = 5.0
"""How long the first event waits for the host names that rules compare with."""
_REPLAY_NEEDS = ("numpy", "isal")
_NAME_FIELDS = ("fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name")


class Piece(Batch):
    """The events of one piece of a capture; those that no rule can match are left out and counted."""

    __slots__ = ("_columns", "_replay")

    def __init__(self, replay: Replay, columns: Columns) -> None:
        super().__init__(())
        self._replay = replay
        self._columns = columns
        self.events = self._draw()

    def _draw(self) -> Iterator[Event]:
        before, given = self._replay.num, 0
        for event in self._replay.events(self._columns):
            given += 1
            yield event
        self.unseen = max(0, self._replay.num - before - given)


class SyscallSource(Source):
    """System calls of a Linux machine, replayed from a .scap capture of Falco or sysdig.

    The target is a file, plain or gzip, or `-` for standard input.
    """

    name: ClassVar[str] = "syscall"

    def __init__(
        self,
        target: str | None = None,
        *,
        resolve_names: Annotated[bool, "look up the host names that rules compare fd.*.name with"] = True,
    ) -> None:
        if not target:
            hint = "name a capture: --source syscall=FILE"
            raise SourceError("source syscall: live capture is not there yet", hint=hint)
        self._target = target
        self._resolves_names = resolve_names
        self._names = HostNames()
        self._rules: RuleSet | None = None
        self._replay: Replay | None = None
        self._file: BinaryIO | None = None
        self._done_bytes = 0
        self._total_bytes: int | None = None
        self._stopped = False

    def prepare(self, rules: RuleSet) -> None:
        """Find out which events and host names the rules need."""
        self._rules = rules
        if self._replay is not None:
            self._tell_needs(self._replay, rules)

    def _tell_needs(self, replay: Replay, rules: RuleSet) -> None:
        from falcocore_syscall.screening import Needs

        replay.needs = Needs.of(rules)
        if self._resolves_names:
            self._names.watch(str(name) for field in _NAME_FIELDS for name in rules.constants(field) if name)

    def open(self) -> None:
        """Find the capture.

        Raises:
            SourceError: it can't be read, or what reading it needs is not installed.
        """
        for package in _REPLAY_NEEDS:
            try:
                importlib.import_module(package)
            except ImportError:
                raise SourceError(
                    f"source syscall: captures can't be read without the package {package}",
                    hint="pip install 'falcocore[syscall]'",
                ) from None
        from falcocore_syscall.replay import Replay
        from falcocore_syscall.scap.compression import unpacked
        from falcocore_syscall.scap.reader import Reader
        from falcocore_syscall.state.machine import Machine

        self._done_bytes = 0
        self._file = self._open_file()
        reader = Reader(unpacked(self._read))
        self._replay = Replay(reader, Machine(names=self._names))
        if self._rules is not None:
            self._tell_needs(self._replay, self._rules)

    def _open_file(self) -> BinaryIO:
        try:
            if self._target == "-":
                return open(0, "rb", buffering=0, closefd=False)
            path = Path(self._target)
            if path.is_file():
                self._total_bytes = path.stat().st_size
            return open(path, "rb", buffering=0)
        except OSError as error:
            raise SourceError(
                f"source syscall: {self._target} can't be read: {error.strerror}",
                hint="give a .scap capture, or - for standard input",
            ) from None

    def _read(self) -> bytes:
        if self._stopped or self._file is None:
            return b""
        try:
            piece = os.read(self._file.fileno(), READ_BYTES)
        except OSError as error:
            raise SourceError(f"source syscall: {self._target} can't be read: {error.strerror}") from None
        self._done_bytes += len(piece)
        return piece

    def batches(self) -> Iterator[Batch]:
        """Yield a batch for each piece of the capture.

        Raises:
            SourceError: the capture is damaged; what stands before the damage was yielded.
        """
        replay = self._replay
        if replay is None or self._file is None:
            return
        if not self._names.wait(NAMES_S):
            log.warning("source syscall: not all host names were found yet; fields fd.*.name lack some")
        try:
            for columns in replay.pieces():
                yield Piece(replay, columns)
                if self._stopped:
                    return
        except SourceError as error:
            if not self._stopped:
                raise SourceError(f"source syscall: {self._target}: {error.message}") from None
        finally:
            self._names.stop()
            self._file.close()

    def stop(self) -> None:
        """End after the piece that is being worked on."""
        self._stopped = True

    def banner(self) -> str:
        """What is read."""
        return f"reading {'standard input' if self._target == '-' else self._target}"

    def progress(self) -> Progress | None:
        """How far the file was read."""
        return Progress(self._done_bytes, self._total_bytes)
