"""System calls from a capture: its pieces are read and become batches."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from falcocore.api import Batch, Circumstances, Finding, Progress, SourceError
from falcocore_syscall.host_names import WAIT_S, watch_names
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.input import STANDARD_INPUT, Input
from falcocore_syscall.state.names import HostNames

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet
    from falcocore_syscall.event import Event
    from falcocore_syscall.replay import Replay
    from falcocore_syscall.scap.columns import Columns

log = logging.getLogger("falcocore.syscall")

_PACKAGES = ("numpy", "isal")


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
        self.unseen = self._replay.num - before - given


class Reading:
    """One capture that is replayed: a file, plain or gzip, or standard input."""

    rejected = 0

    def __init__(self, target: str, *, resolves_names: bool) -> None:
        self._input = Input(target)
        self._resolves_names = resolves_names
        self._names = HostNames()
        self._rules: RuleSet | None = None
        self._replay: Replay | None = None
        self._pieces: Generator[bytes, None, None] | None = None

    def prepare(self, rules: RuleSet) -> None:
        """Find out which events and host names the rules need."""
        self._rules = rules
        if self._replay is not None:
            self._tell_needs(self._replay, rules)

    def _tell_needs(self, replay: Replay, rules: RuleSet) -> None:
        from falcocore_syscall.needs import Needs

        replay.needs = Needs.of(rules)
        if self._resolves_names:
            watch_names(self._names, rules)

    def open(self) -> None:
        """Find the capture.

        Raises:
            SourceError: it can't be read, or what reading it needs is not installed.
        """
        _check_packages()
        from falcocore_syscall.replay import Replay
        from falcocore_syscall.scap.ahead import ahead
        from falcocore_syscall.scap.compression import unpacked
        from falcocore_syscall.scap.reader import Reader
        from falcocore_syscall.state.machine import Machine

        self._input.open()
        self._names = HostNames()
        self._pieces = ahead(unpacked(self._input.read))
        self._replay = Replay(Reader(self._pieces), Machine(names=self._names))
        if self._rules is not None:
            self._tell_needs(self._replay, self._rules)

    def batches(self) -> Iterator[Batch]:
        """Yield a batch for each piece of the capture.

        Raises:
            SourceError: the capture is damaged; what stands before the damage was yielded.
        """
        replay, pieces = self._replay, self._pieces
        if replay is None or pieces is None:
            return
        if not self._names.wait(WAIT_S):
            log.warning("source syscall: not all host names were found yet; fields fd.*.name lack some")
        try:
            for columns in replay.pieces():
                yield Piece(replay, columns)
                if self._input.is_stopped:
                    return
        except CaptureError as error:
            if not self._input.is_stopped:
                raise SourceError(f"source syscall: {self._input.target}: {error.message}") from None
        finally:
            self._names.stop()
            pieces.close()
            self._input.close()

    def stop(self) -> None:
        """End after the piece that is being worked on, also where a pipe gives nothing."""
        self._input.stop()

    def banner(self) -> str:
        """What is read."""
        target = self._input.target
        return f"reading {'standard input' if target == STANDARD_INPUT else target}"

    def diagnose(self, _circumstances: Circumstances) -> Iterable[Finding]:
        """Whether the capture is there, and what reading it needs."""
        try:
            _check_packages()
            self._input.open()
        except SourceError as error:
            return [Finding("capture", ok=False, detail=error.message, remedy=error.hint or "")]
        self._input.close()
        return [Finding("capture", ok=True, detail=f"{self._input.target} can be read")]

    def next_step(self) -> str | None:
        """Nothing: what will be found is in the capture already."""
        return None

    def figures(self) -> Mapping[str, int | str]:
        """Nothing: how far it has come is told by `progress`."""
        return {}

    def progress(self) -> Progress | None:
        """How much of the file was read, compressed as it is."""
        return Progress(self._input.done_bytes, self._input.total_bytes)


def _check_packages() -> None:
    for package in _PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError:
            raise SourceError(
                f"source syscall: captures can't be read without the package {package}",
                hint="pip install 'falcocore[syscall]'",
            ) from None
