"""Log lines: where they go, what they begin with, and which are left out."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from falcocore.cli import logs
from tests.support.time_zone import KOLKATA, time_zone

Capture = pytest.CaptureFixture[str]

LOCAL = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2} \d{4}: "
ISO = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+0000: "


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Puts logging back; pytest has handlers of its own there."""
    loggers = [logging.getLogger(), logging.getLogger("falcocore")]
    before = [(one, one.handlers[:], one.level) for one in loggers]
    yield
    for one, handlers, level in before:
        one.handlers[:] = handlers
        one.setLevel(level)


def record(level: int = logging.INFO, text: str = "text", created: float = 1_700_000_000.0) -> None:
    """A record of that time goes the way of every other."""
    log = logging.getLogger("falcocore.somewhere")
    made = log.makeRecord(log.name, level, "f.py", 1, text, (), None)
    made.created = created
    log.handle(made)


@pytest.mark.parametrize(("iso8601", "prefix"), [(False, LOCAL), (True, ISO)])
def test_a_line_begins_with_the_time(iso8601: bool, prefix: str, capsys: Capture) -> None:
    logs.set_up(level=logging.INFO, iso8601=iso8601, stderr=True)
    logging.getLogger("falcocore.somewhere").info("100%% of %s", "it")
    logging.getLogger("falcocore").info("100% as it is")
    output = capsys.readouterr()
    assert output.out == ""
    first, second = output.err.splitlines()
    assert re.fullmatch(prefix + "100% of it", first)
    assert re.fullmatch(prefix + "100% as it is", second)


def test_the_time_is_the_records_own_in_the_local_zone_or_utc(capsys: Capture) -> None:
    with time_zone(KOLKATA):
        for iso8601 in (False, True):
            logs.set_up(level=logging.INFO, iso8601=iso8601, stderr=True)
            record()
    assert capsys.readouterr().err.splitlines() == [
        "Wed Nov 15 03:43:20 2023: text",
        "2023-11-14T22:13:20+0000: text",
    ]


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (logging.DEBUG, ""),
        (logging.INFO, ""),
        (logging.WARNING, "Warning: "),
        (logging.ERROR, "Error: "),
        (logging.CRITICAL, "Critical: "),
    ],
)
def test_what_is_worse_than_information_says_so(level: int, word: str, capsys: Capture) -> None:
    logs.set_up(level=logging.DEBUG, iso8601=True, stderr=True)
    record(level)
    assert re.fullmatch(ISO + word + "text\n", capsys.readouterr().err)


@pytest.mark.parametrize("least", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_less_than_the_level_is_left_out(least: int, capsys: Capture) -> None:
    logs.set_up(level=least, iso8601=True, stderr=True)
    levels = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
    for level in levels:
        logging.getLogger("falcocore.somewhere").log(level, "%d", level)
    shown = [int(line.rpartition(" ")[2]) for line in capsys.readouterr().err.splitlines()]
    assert shown == [level for level in levels if level >= least]


def test_other_libraries_are_heard_from_warnings_on(capsys: Capture) -> None:
    logs.set_up(level=logging.DEBUG, iso8601=True, stderr=True)
    other = logging.getLogger("somebody.else")
    other.info("chatter")
    other.warning("trouble")
    assert re.fullmatch(ISO + "Warning: trouble\n", capsys.readouterr().err)


def test_an_exception_follows_its_line(capsys: Capture) -> None:
    logs.set_up(level=logging.INFO, iso8601=False, stderr=True)
    try:
        raise ValueError("surprise")
    except ValueError:
        logging.getLogger("falcocore").exception("it failed")
    first, second, *_, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(LOCAL + "Error: it failed", first)
    assert second == "Traceback (most recent call last):"
    assert last == "ValueError: surprise"


def test_stderr_may_be_switched_off(capsys: Capture) -> None:
    logs.set_up(level=logging.DEBUG, iso8601=False, stderr=False)
    logging.getLogger("falcocore").error("unheard")
    assert capsys.readouterr() == ("", "")


def test_setting_up_again_takes_the_place_of_the_first(capsys: Capture) -> None:
    logs.set_up(level=logging.DEBUG, iso8601=False, stderr=True)
    logs.set_up(level=logging.INFO, iso8601=True, stderr=True)
    logging.getLogger("falcocore").info("once")
    logging.getLogger("falcocore").debug("not at all")
    assert re.fullmatch(ISO + "once\n", capsys.readouterr().err)
