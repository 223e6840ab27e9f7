"""Each output by way of the outbox: what it can't deliver now is kept, and delivered in the end."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.falcocore_process import Running
from tests.support.flaky_receiver import FlakyReceiver
from tests.support.http_receiver import Response, receiving
from tests.support.rsyslog import free_port, needs_rsyslog, rsyslog
from tests.support.webhook_run import OutboxRun, WebhookRun, healthy_receiver, post_numbers

NUMBERS = list(range(1, 11))
ALERTS = [f"created {number}" for number in NUMBERS]
TRIED_AGAIN = "it is tried again until it takes its alerts"


def post_all(running: Running) -> str:
    """Post an event of each number; where to post more."""
    url = running.url()
    for number in NUMBERS:
        assert post_numbers(url, number).status == 200
    return url


def messages(lines: str) -> list[str]:
    """What the rule says, without time and priority."""
    return [line.partition("Notice ")[2] for line in lines.splitlines()]


def wait_for_lines(file: Path, running: Running, count: int) -> list[str]:
    """The alerts in a file, once there are so many and the process has ended."""
    running.said("takes alerts again")
    running.end()
    found = messages(file.read_text())
    assert len(found) >= count
    return found


def test_stdout_that_nobody_reads_holds_no_source_up(tmp_path: Path) -> None:
    with OutboxRun(tmp_path, {"type": "stdout"}).start() as running:
        url = running.url()
        # Far more than a pipe takes.
        for number in NUMBERS:
            assert post_numbers(url, number, size_bytes=100_000).status == 200
        found = [running.alert() for _ in NUMBERS]
        assert running.end().status == 0
    assert [line.partition("created ")[2].partition(":")[0] for line in found] == [str(n) for n in NUMBERS]


def test_file_whose_folder_is_gone_for_a_while(tmp_path: Path) -> None:
    folder, gone = tmp_path / "log", tmp_path / "gone"
    folder.mkdir()
    output = {"type": "file", "options": {"filename": f"{folder}/alerts", "keep_alive": False}}
    with OutboxRun(tmp_path, output).start() as running:
        url = running.url()
        folder.rename(gone)
        for number in NUMBERS:
            assert post_numbers(url, number).status == 200
        running.said(TRIED_AGAIN)
        gone.rename(folder)
        found = wait_for_lines(folder / "alerts", running, len(ALERTS))
    assert found == ALERTS


@pytest.mark.parametrize("keep_alive", [True, False])
def test_program_that_fails_for_a_while(keep_alive: bool, tmp_path: Path) -> None:
    broken, out = tmp_path / "broken", tmp_path / "out"
    broken.touch()
    program = f"test ! -e {shlex.quote(str(broken))} && cat >> {shlex.quote(str(out))}"
    output = {"type": "program", "options": {"program": program, "keep_alive": keep_alive}}
    with OutboxRun(tmp_path, output).start() as running:
        post_all(running)
        running.said(TRIED_AGAIN)
        broken.unlink()
        found = wait_for_lines(out, running, len(ALERTS))
    assert list(dict.fromkeys(found)) == ALERTS


def test_http_receiver_that_is_not_there_and_then_is_busy(tmp_path: Path) -> None:
    port = free_port()
    output = {"type": "http", "options": {"url": f"http://127.0.0.1:{port}/in"}}
    with OutboxRun(tmp_path, output).start() as running:
        post_all(running)
        running.said(TRIED_AGAIN)
        busy = Response(503, headers={"Retry-After": "1"})
        with receiving(busy, Response(500), port=port) as receiver:
            running.said("takes alerts again")
            running.end()
    found = messages(b"\n".join(receiver.bodies).decode())
    assert found[:3] == [ALERTS[0]] * 3
    assert found[2:] == ALERTS


def test_http_receiver_that_refuses_one_alert_gets_the_others(tmp_path: Path) -> None:
    with receiving(Response(200), Response(422, b"not this one")) as receiver:
        output = {"type": "http", "options": {"url": receiver.url}}
        with OutboxRun(tmp_path, output).start() as running:
            post_all(running)
            said = running.said("refuses an alert of rule Created")
            running.end()
    assert "422" in said
    assert "not this one" in said
    assert messages(b"\n".join(receiver.bodies).decode()) == ALERTS


@needs_rsyslog
def test_syslog_receiver_that_comes_later_and_restarts(tmp_path: Path) -> None:
    port = free_port()
    inputs = f'module(load="imtcp")\ninput(type="imtcp" port="{port}" address="127.0.0.1")'
    output = {"type": "syslog", "options": {"address": f"tcp://127.0.0.1:{port}", "settle_s": 0.1}}
    with OutboxRun(tmp_path, output).start() as running:
        url = post_all(running)
        running.said(TRIED_AGAIN)
        with rsyslog(tmp_path / "rsyslog", inputs) as receiver:
            found = [receiver.message()["text"] for _ in NUMBERS]
            running.said("takes alerts again")
        with rsyslog(tmp_path / "rsyslog", inputs) as receiver:
            assert post_numbers(url, 11).status == 200
            found.append(receiver.message()["text"])
        running.end()
    assert [text.strip().partition("Notice ")[2] for text in found] == [*ALERTS, "created 11"]


class TestEnd:
    """The process is told to end while alerts wait."""

    @pytest.fixture
    def receiver(self) -> Iterator[FlakyReceiver]:
        with healthy_receiver() as receiver:
            yield receiver

    def test_what_waits_is_delivered_before_it_ends(self, receiver: FlakyReceiver, tmp_path: Path) -> None:
        receiver.trouble = 1.0
        run = WebhookRun(tmp_path, receiver)
        with run.start() as running:
            post_all(running)
            running.said(TRIED_AGAIN)
            receiver.trouble = 0.0
            ended = running.end()
        assert ended.status == 0
        assert run.arrived() == NUMBERS
        assert "wait in the outbox" not in ended.err

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_what_can_not_be_delivered_arrives_after_the_next_start(
        self, number: signal.Signals, receiver: FlakyReceiver, tmp_path: Path
    ) -> None:
        receiver.trouble = 1.0
        run = WebhookRun(tmp_path, receiver)
        with run.start() as running:
            post_all(running)
            running.said(TRIED_AGAIN)
            ended = running.end(number)
        assert ended.status == 0
        assert "output out: 10 alerts wait in the outbox for the next start" in ended.err
        receiver.trouble = 0.0
        with run.start() as running:
            run.wait_for(NUMBERS[-1])
            running.end()
        assert run.arrived() == NUMBERS
