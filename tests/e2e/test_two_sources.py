"""A capture is replayed while audit events are posted: each rule set sees its own stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.falcocore_process import WEBHOOK, Running, post
from tests.support.scap_writer import ScapWriter
from tests.support.webhook_harness import RULES, audit_event

CLOSE = 5
CLOSES = 20_000
RULE_OF_CALLS = """
- rule: Closed
  desc: The last of many was closed.
  condition: evt.type = close and fd.num = {last}
  output: closed %evt.num
  priority: NOTICE
  source: syscall
"""


def capture(count: int = CLOSES) -> bytes:
    writer = ScapWriter().machine("box")
    for number in range(count):
        writer.event(CLOSE, 1, 0, number, time_ns=number + 1)
    return writer.data


class Place:
    """Rules for both sources, and a capture."""

    def __init__(self, folder: Path) -> None:
        self.capture = folder / "x.scap"
        rules = folder / "rules.yaml"
        rules.write_text(RULES + RULE_OF_CALLS.format(last=CLOSES - 1), "utf-8")
        self.arguments = (
            *("run", "--source", WEBHOOK, "--source", f"syscall={self.capture}", "-r", str(rules)),
            *("-o", "rule_matching=all"),
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def messages(lines: list[str]) -> list[str]:
    return sorted(line.partition("Notice ")[2] for line in lines)


def test_each_rule_set_sees_its_own_stream_and_the_end_of_one_leaves_the_other(place: Place) -> None:
    place.capture.write_bytes(capture())
    with Running(*place.arguments) as running:
        url = running.url()
        first = running.alert()
        assert first.endswith(f"Notice closed {CLOSES}")
        for number in range(5):  # The capture is at its end.
            assert post(url, audit_event(str(number))).status == 200
        ended = running.end()
    assert ended.status == 0
    assert messages(ended.alerts) == [f"created {number}" for number in range(5)]
    assert f"{CLOSES + 5} events, 6 alerts" in ended.err.splitlines()[-1]


def test_events_are_posted_while_a_capture_is_read(place: Place) -> None:
    place.capture.write_bytes(capture())
    with Running(*place.arguments) as running:
        url = running.url()
        for number in range(20):
            assert post(url, audit_event(str(number))).status == 200
        ended = running.end()
    found = messages(ended.alerts)
    assert [text for text in found if text.startswith("created")] == sorted(f"created {n}" for n in range(20))
    assert [text for text in found if text.startswith("closed")] in ([], [f"closed {CLOSES}"])
    assert ended.status == 0


def test_error_of_one_ends_the_run_when_the_other_has_finished(place: Place) -> None:
    place.capture.write_bytes(capture()[:-7])
    with Running(*place.arguments) as running:
        running.url()
        running.said("source syscall failed")
        ended = running.end(None)
    assert ended.status == 1
    assert str(place.capture) in ended.err
