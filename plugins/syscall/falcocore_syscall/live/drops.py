"""What is done about records that the kernel had no room for: Falco's `syscall_event_drops`."""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from falcocore.api import ConfigError, Notice, Priority, SourceError

log = logging.getLogger("falcocore.syscall")

_RULE = "Falco internal: syscall event drop"
_INTERVAL_S = 1.0
"""Over which the share of what was dropped is looked at."""


class DropAction(enum.Enum):
    """What is done when records were lost."""

    IGNORE = "ignore"
    LOG = "log"
    ALERT = "alert"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class DropPolicy:
    """Falco's keys: from which share of records on it acts, and how often: `rate` times a second, `max_burst`
    times without a pause.

    Raises:
        ConfigError: they contradict each other.
    """

    actions: tuple[DropAction, ...] = (DropAction.LOG, DropAction.ALERT)
    threshold: float = 0.1
    rate: float = 0.03333
    max_burst: float = 1.0

    def __post_init__(self) -> None:
        where = "source syscall: syscall_event_drops"
        others = {DropAction.LOG, DropAction.ALERT} & set(self.actions)
        if DropAction.IGNORE in self.actions and others:
            names = " and ".join(sorted(action.value for action in others))
            raise ConfigError(f"{where}: `ignore` can't stand beside {names}", hint="leave out one of them")
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"{where}: the threshold is a share from 0 to 1, not {self.threshold}")


class DropWatch:
    """Looks at the numbers of records and of those that were lost, and acts by the policy."""

    def __init__(self, policy: DropPolicy) -> None:
        self._policy = policy
        self._tokens = policy.max_burst
        self._then_s = time.monotonic()
        self._before = (0, 0)

    def look(self, count: Callable[[], int], received: int, now_s: float) -> Sequence[Notice]:
        """What there is to be said. `count` tells how many were lost; both numbers are from the start.

        Raises:
            SourceError: records were lost, and the policy ends the source then.
        """
        passed_s = now_s - self._then_s
        if passed_s < _INTERVAL_S:
            return ()
        self._then_s, dropped = now_s, count()
        self._tokens = min(self._policy.max_burst, self._tokens + passed_s * self._policy.rate)
        lost, got = dropped - self._before[0], received - self._before[1]
        self._before = (dropped, received)
        if lost <= 0 or lost / (lost + got) <= self._policy.threshold:
            return ()
        return tuple(self._act(lost, got, dropped))

    def _act(self, lost: int, got: int, dropped: int) -> Iterator[Notice]:
        actions = self._policy.actions
        text = (
            f"{lost} of {lost + got} system calls were lost: the buffer was full ({dropped} since the start)"
        )
        if DropAction.EXIT in actions:
            raise SourceError(
                f"source syscall: {text}",
                hint="give it a larger buffer (option buffer_mb), or rules that need fewer calls "
                "(falcocore describe --push-down)",
            )
        if self._tokens < 1:
            return
        if DropAction.LOG in actions or DropAction.ALERT in actions:
            self._tokens -= 1
        if DropAction.LOG in actions:
            log.warning("source syscall: %s", text)
        if DropAction.ALERT in actions:
            now_ns = time.time_ns()
            fields = {"n_drops": lost, "n_evts": lost + got, "n_drops_total": dropped}
            yield Notice(_RULE, Priority.DEBUG, f"{_RULE}. {text}.", now_ns, f"drops {now_ns}", fields)
