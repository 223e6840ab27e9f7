"""A capture is replayed while audit events arrive: each rule set sees its own stream."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.falcocore_process import WEBHOOK, Running, post
from tests.support.scap_writer import ScapWriter
from tests.support.syscall_events import one_rule
from tests.support.webhook_harness import RULES, audit_event

CLOSE = 5


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A command that reads a capture from a pipe and listens for audit events."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "audit.yaml").write_text(RULES)
    (tmp_path / "calls.yaml").write_text(one_rule("evt.type = close", "%evt.source closed %fd.num"))
    rules = ["-r", str(tmp_path / "audit.yaml"), "-r", str(tmp_path / "calls.yaml")]
    return ["run", "--source", WEBHOOK, "--source", f"syscall={tmp_path / 'pipe'}", *rules]


def test_both_run_and_the_end_of_one_leaves_the_other(arguments: list[str], tmp_path: Path) -> None:
    with Running(*arguments) as running:
        with open(tmp_path / "pipe", "wb", buffering=0) as pipe:
            pipe.write(ScapWriter().event(CLOSE, 1, 0, 3).data)
            url = running.url()
            assert running.alert().endswith("Informational syscall closed 3")
            assert post(url, audit_event("a")).status == 200
            assert running.alert().endswith("created a")
            pipe.write(ScapWriter().event(CLOSE, 1, 0, 4).data[28:])
            assert running.alert().endswith("Informational syscall closed 4")
        assert post(url, audit_event("b")).status == 200
        assert running.alert().endswith("created b")
        ended = running.end()
    assert ended.status == 0
    assert "4 events, 4 alerts" in ended.err


def test_an_error_of_one_ends_both_after_what_was_accepted(arguments: list[str], tmp_path: Path) -> None:
    with Running(*arguments) as running:
        with open(tmp_path / "pipe", "wb", buffering=0) as pipe:
            url = running.url()
            assert post(url, audit_event("a")).status == 200
            pipe.write(ScapWriter().event(CLOSE, 1, 0, 3).data + b"\x16\2\0\0\1\0\0\0" + bytes(20))
        ended = running.end(None)
    assert ended.status == 1
    assert sorted(alert.rpartition(": ")[2] for alert in ended.alerts) == [
        "Informational syscall closed 3",
        "Notice created a",
    ]
    assert "the capture is not readable from byte" in ended.err
