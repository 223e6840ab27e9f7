"""What is done about records that were lost."""

from __future__ import annotations

import logging
import time
from functools import partial

import pytest

from falcocore.api import ConfigError, Priority, SourceError
from falcocore_syscall.live.drops import DropAction, DropPolicy, DropWatch

LOG, ALERT, EXIT, IGNORE = DropAction.LOG, DropAction.ALERT, DropAction.EXIT, DropAction.IGNORE


def watch(*actions: DropAction, threshold: float = 0.1, rate: float = 1.0, burst: float = 1.0) -> DropWatch:
    return DropWatch(DropPolicy(actions, threshold, rate, burst))


@pytest.mark.parametrize(
    ("dropped", "received", "acts"),
    [(0, 100, False), (10, 90, False), (11, 89, True), (1, 0, True), (5, 1000, False)],
)
def test_the_share_from_which_on_it_acts(dropped: int, received: int, acts: bool) -> None:
    notices = watch(ALERT).look(lambda: dropped, received, time.monotonic() + 2)
    assert len(notices) == acts


def test_a_notice_tells_the_numbers() -> None:
    (notice,) = watch(ALERT).look(lambda: 50, 50, time.monotonic() + 2)
    assert notice.name == "Falco internal: syscall event drop"
    assert notice.priority is Priority.DEBUG
    assert "50 of 100 system calls were lost" in notice.message
    assert notice.fields == {"n_drops": 50, "n_evts": 100, "n_drops_total": 50}


def test_only_what_is_new_counts() -> None:
    now = time.monotonic()
    drops = watch(ALERT, rate=100, burst=100)
    assert drops.look(lambda: 50, 50, now + 2)
    assert not drops.look(lambda: 50, 900, now + 4)
    assert drops.look(lambda: 150, 950, now + 6)[0].fields["n_drops_total"] == 150


def test_it_acts_as_often_as_the_rate_allows() -> None:
    now = time.monotonic()
    drops = watch(ALERT, rate=0.1, burst=2)
    said = [len(drops.look(partial(int, 10 * number), 0, now + 2 * number)) for number in range(1, 12)]
    assert said == [1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_it_looks_once_a_second() -> None:
    now = time.monotonic()
    drops = watch(ALERT)
    assert not drops.look(lambda: 10, 0, now + 0.1)
    assert drops.look(lambda: 10, 0, now + 1.2)


def test_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "falcocore.syscall"):
        assert not watch(LOG).look(lambda: 3, 0, time.monotonic() + 2)
    assert "3 of 3 system calls were lost: the buffer was full" in caplog.text


def test_nothing_is_said_where_it_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    assert not watch(IGNORE).look(lambda: 3, 0, time.monotonic() + 2)
    assert not caplog.text


def test_the_end_of_the_source() -> None:
    with pytest.raises(SourceError, match="3 of 4 system calls were lost") as caught:
        watch(LOG, EXIT).look(lambda: 3, 1, time.monotonic() + 2)
    assert "buffer_mb" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("actions", "threshold", "message"),
    [
        ((IGNORE, LOG), 0.1, "`ignore` can't stand beside log"),
        ((IGNORE, ALERT, LOG), 0.1, "`ignore` can't stand beside alert and log"),
        ((LOG,), 1.5, "a share from 0 to 1"),
    ],
)
def test_policies_that_contradict_themselves(
    actions: tuple[DropAction, ...], threshold: float, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        DropPolicy(actions, threshold)
