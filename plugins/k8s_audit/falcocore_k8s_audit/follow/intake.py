"""The intake that follows a log, and remembers how far the alerts of its events are safe."""

from __future__ import annotations

import errno
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from falcocore.api import Batch, Progress, SourceError
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.follow.log import Lines, RotatedLog
from falcocore_k8s_audit.follow.memory import DamagedError, Memory
from falcocore_k8s_audit.follow.names import PACKED
from falcocore_k8s_audit.follow.opened import open_at, open_at_end
from falcocore_k8s_audit.follow.position import Position

log = logging.getLogger("falcocore.k8s_audit")

POLL_S = 0.25
"""Seconds between two looks at files that have nothing new. Looking works on every file system, also where
the kernel can't tell of changes."""
RETRY_S = (1.0, 60.0)
"""Seconds before lines are read again whose alerts could not be kept: the first time, and at the most."""


class _Lines(Batch):
    """The events of some lines; what became of them is told to `settle`."""

    __slots__ = ("_end", "_settle")

    acknowledged: ClassVar[bool] = True

    def __init__(
        self, decoded: Decoded, end: Position, settle: Callable[[Position, str | None], None]
    ) -> None:
        # An iterator lets go of the events once they are drawn: many batches may wait to be acknowledged.
        super().__init__(iter(decoded.events), decoded.labels)
        self._end = end
        self._settle = settle

    def ack(self) -> None:
        """The alerts are safe."""
        self._settle(self._end, None)

    def nack(self, reason: str) -> None:
        """They are not."""
        self._settle(self._end, reason)


class _Nothing(Batch):
    """No events: gives the core the time to acknowledge batches."""

    __slots__ = ()

    def nack(self, reason: str) -> None:
        """Nothing is lost."""


class Follow:
    """Follows the file that a kube-apiserver writes, beyond its rotations and the end of this process.

    `state` gives the directory in which the offset is kept; None for none, where each start is a first one.
    """

    def __init__(
        self,
        path: str,
        cluster: str,
        note: Callable[[Decoded], None],
        *,
        from_end: bool,
        state: Callable[[], Path | None],
    ) -> None:
        self._path = Path(path)
        self._cluster = cluster
        self._note = note
        self._from_end = from_end
        self._state = state
        self._stopped = threading.Event()
        self._banner = ""

    def open(self) -> None:
        """Find the place to begin at.

        Raises:
            SourceError: the file can't be followed, or its offset can't be kept.
        """
        state = self._state()
        self._memory = None if state is None else Memory(state, self._path)
        self._refusal: str | None = None
        self._unsettled = 0
        self._ended = False
        self._pause_s = RETRY_S[0]
        self._refused_s = -math.inf
        self._safe = self._start()
        self._log = RotatedLog(self._path, self._safe)
        if self._memory is not None:
            self._memory.note(self._safe)

    def _start(self) -> Position:
        """Where to begin; also decides what the banner says."""
        remembered, from_end = self._remembered()
        try:
            exists = self._path.exists()
            if self._path.suffix in PACKED or (exists and not self._path.is_file()):
                raise OSError(errno.EINVAL, "only a plain file grows", str(self._path))
            if exists:
                file = open_at_end(self._path) if from_end else open_at(self._path, 0)
                found = file.position()
                file.close()
            else:
                found = Position(0, 0, 0, "", 0, time.time_ns())
        except OSError as error:
            raise self._unreadable(error) from None
        if remembered is not None:
            self._banner = f"following {self._path} from where it was left"
        elif exists:
            self._banner = f"following {self._path} from its {'end' if from_end else 'beginning'}"
        else:
            self._banner = f"following {self._path} as soon as it exists"
        return remembered or found

    def _remembered(self) -> tuple[Position | None, bool]:
        """(the position that was kept, whether to begin at the end where there is none)."""
        if self._memory is None:
            return None, self._from_end
        try:
            return self._memory.load(), self._from_end
        except DamagedError as error:
            log.warning(
                "source k8s_audit: %s is damaged (%s): %s is read from its beginning, and alerts of older "
                "events may come twice",
                self._memory.path,
                error,
                self._path,
            )
            return None, False
        except OSError as error:
            raise SourceError(
                f"source k8s_audit: {self._memory.path} can't be read: {error.strerror or error}"
            ) from None

    def banner(self) -> str:
        """What is followed, and from where on."""
        return self._banner

    def next_step(self) -> str | None:
        """Nothing: alerts come by themselves."""
        return None

    def progress(self) -> Progress | None:
        """A log that grows has no end."""
        return None

    def stop(self) -> None:
        """End after the block that is being worked on."""
        self._stopped.set()

    def batches(self) -> Iterator[Batch]:
        """Yield a batch for each block of lines, as they are written."""
        try:
            while not self._stopped.is_set():
                if self._refusal is not None:
                    yield from self._begin_again(self._refusal)
                elif lines := self._log.read():
                    yield self._batch(lines)
                else:
                    yield from self._wait(POLL_S)
        except OSError as error:
            raise self._unreadable(error) from None
        finally:
            self._log.close()
            self._ended = True
            if not self._unsettled:
                self._flush()

    def _batch(self, lines: Lines) -> Batch:
        decoded = Decoded(self._cluster)
        decoded.read_lines(lines.text, lambda _, before: f"{lines.path}, byte {lines.offset + before}")
        self._note(decoded)
        self._unsettled += 1
        return _Lines(decoded, lines.end, self._settle)

    def _wait(self, wait_s: float) -> Iterator[Batch]:
        """Let some time pass, and have batches acknowledged."""
        if self._unsettled:
            yield _Nothing([])
        self._flush()
        self._stopped.wait(wait_s)

    def _begin_again(self, reason: str) -> Iterator[Batch]:
        """Read once more what was not safe, after a pause that grows while that happens again and again."""
        now_s = time.monotonic()
        is_again = now_s < self._refused_s + 2 * RETRY_S[1]
        self._pause_s = min(self._pause_s * 2, RETRY_S[1]) if is_again else RETRY_S[0]
        self._refused_s = now_s
        log.error(
            "source k8s_audit: alerts could not be kept: %s. %s is read again from where they were safe, in "
            "%.0f s",
            reason,
            self._path,
            self._pause_s,
        )
        self._stopped.wait(self._pause_s)
        while self._unsettled and not self._stopped.is_set():
            yield from self._wait(POLL_S)
        self._log.close()
        self._log = RotatedLog(self._path, self._safe)
        if not self._stopped.is_set():
            self._refusal = None

    def _settle(self, end: Position, reason: str | None) -> None:
        self._unsettled -= 1
        if reason is not None:
            self._refusal = self._refusal or reason
        elif self._refusal is None:
            self._safe = end
            if self._memory is not None:
                self._memory.note(end)
        if self._ended and not self._unsettled:
            self._flush()

    def _flush(self) -> None:
        if self._memory is not None:
            self._memory.flush()

    def _unreadable(self, error: OSError) -> SourceError:
        return SourceError(
            f"source k8s_audit: {error.filename or self._path} can't be followed: {error.strerror}",
            hint="file:// takes the path of the log that the kube-apiserver writes, readable for this user",
        )
