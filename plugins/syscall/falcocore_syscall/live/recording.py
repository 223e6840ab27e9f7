"""What this machine does, written into a capture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.observation import Observation
from falcocore_syscall.live.record import RecordKind
from falcocore_syscall.live.runtimes.lookup import Runtimes
from falcocore_syscall.live.tables import Tables
from falcocore_syscall.live.threads import LiveThread
from falcocore_syscall.live.written import (
    WITH_OTHERS,
    Written,
    account_told,
    after,
    before,
    container_told,
    is_needed,
    params_of,
    reaper_told,
)
from falcocore_syscall.scap.writer import Writer
from falcocore_syscall.state.accounts import HOST
from falcocore_syscall.state.names import HostNames

_SHOWN = frozenset({RecordKind.CALL, RecordKind.EXEC, RecordKind.EXIT})
_NOBODY = -1
_MOST_TRIES = 32
"""So many processes of a container are tried to find its accounts by: it may have none."""

Matches = Callable[[LiveEvent], bool]


class Recording:
    """Writes the machine as it is at the start, and then events, of which `matches` chooses those to show.

    The others are written where a replay's state depends on them, and hidden.
    """

    def __init__(
        self, writer: Writer, buffer_bytes: int, sockets: Collection[str], matches: Matches | None = None
    ) -> None:
        self._writer = writer
        self._matches = matches
        self._capture = Capture(buffer_bytes)
        self._sockets = sockets
        self._observation: Observation | None = None
        self._told = {HOST}
        self._tried: dict[str, set[int]] = {}
        self._waiting: list[Written] = []
        self.written = 0
        """Events that a replay shows."""

    def start(self) -> None:
        """Write what is there, and keep what happens from now on.

        Raises:
            SourceError: this machine can't be watched.
            OSError: the capture can't be written.
        """
        runtimes, names = Runtimes(tuple(self._sockets)), HostNames()
        self._observation = Observation.start(
            self._capture, Tables.everything(), runtimes, names, self._writer.write_list
        )
        for thread in self._observation.machine.threads.values():
            if isinstance(thread, LiveThread):
                self._look_for_accounts(self._observation, thread)

    def fileno(self) -> int:
        """Readable while there is something to write."""
        return self._capture.fileno()

    def write(self) -> int:
        """Write what has happened up to now; how many events there were, written or not.

        Raises:
            OSError: the capture can't be written.
        """
        observation = self._observation
        if observation is None:
            return 0
        self._waiting += map(container_told, observation.catch_up())
        begun = observation.num
        self._write_all(observation, observation.events(_SHOWN))
        return observation.num - begun

    def _write_all(self, observation: Observation, events: Iterable[LiveEvent]) -> None:
        for event in events:
            if isinstance(event.thread, LiveThread):
                self._look_for_accounts(observation, event.thread)
            while observation.machine.reapers:
                self._hide(event, observation.machine.reapers.popleft(), [reaper_told()])
            if self._waiting:
                self._hide(event, _NOBODY, self._waiting)
                self._waiting.clear()
            self._write(event)

    def _write(self, event: LiveEvent) -> None:
        is_shown = self._matches is None or self._matches(event)
        if not is_shown and not is_needed(event):
            return
        has_others = event.type in WITH_OTHERS
        if has_others:
            self._hide(event, event.tid, before(event))
        self._writer.write_event(
            event.time_ns, event.tid, event.cpu, event.type, params_of(event), is_hidden=not is_shown
        )
        if has_others:
            self._hide(event, event.tid, after(event))
        self.written += is_shown

    def _hide(self, event: LiveEvent, tid: int, told: Iterable[Written]) -> None:
        for kind, params in told:
            self._writer.write_event(event.time_ns, tid, event.cpu, kind, params, is_hidden=True)

    def _look_for_accounts(self, observation: Observation, thread: LiveThread) -> None:
        """Users and groups of a container; others of its processes are tried where one has gone."""
        container = thread.container_id
        if container in self._told:
            return
        tried = self._tried.setdefault(container, set())
        if thread.pid not in tried:
            tried.add(thread.pid)
            found = observation.accounts_of(thread)
            self._waiting += [account_told(record, container) for record in found]
            if found or len(tried) >= _MOST_TRIES:
                self._told.add(container)
                del self._tried[container]

    @property
    def lost(self) -> int:
        """Records for which the buffer had no room."""
        return self._capture.dropped()

    def finish(self) -> None:
        """Have nothing more recorded, and write what is left.

        Raises:
            OSError: the capture can't be written.
        """
        self._capture.detach()
        while self._capture.pending_bytes:
            self.write()
        if self._observation is not None:
            self._write_all(self._observation, self._observation.rest(_SHOWN))

    def close(self) -> None:
        """Take everything out of the kernel; the writer is left open."""
        if self._observation is not None:
            self._observation.close()
