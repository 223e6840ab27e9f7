"""`falcocore run --workers`: several processes on one port, one writer."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.falcocore_process import WEBHOOK, Running, falcocore, post
from tests.support.webhook_harness import RULES, SAFETY_S, audit_event, event_list


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return str(path)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def created(lines: list[str]) -> set[str]:
    return {line.partition("created ")[2] for line in lines}


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_share_the_work_and_one_writes(workers: int, rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules, "--workers", str(workers)) as running:
        line = running.said("listening on")
        assert f"in {workers} processes" in line
        url = line.partition("listening on ")[2].split()[0]
        assert len(children(running.pid)) == workers
        ids = [str(number) for number in range(60)]
        with ThreadPoolExecutor(10) as pool:
            statuses = pool.map(
                lambda i: post(url, event_list(audit_event(i), audit_event("no", "get"))), ids
            )
            assert {answer.status for answer in statuses} == {200}
        ended = running.end()
    assert ended.status == 0
    assert created(ended.alerts) == set(ids)
    assert "120 events, 60 alerts" in ended.err.splitlines()[-1]


def posting(url: str) -> Iterator[str]:
    """Ids of events that were answered 200, until the webhook refuses one or is gone."""
    for number in range(10_000):
        try:
            answer = post(url, audit_event(str(number)))
        except OSError:
            return
        if answer.status != 200:
            return
        yield str(number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_answered_is_written_when_a_signal_comes(number: signal.Signals, rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules, "--workers", "2") as running:
        url = running.said("listening on").partition("listening on ")[2].split()[0]
        taken: list[str] = []
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(lambda: taken.extend(posting(url)))
            first = running.alert()
            running.send(number)
            ended = running.end(None)
            sending.result(SAFETY_S)
    assert ended.status == 0
    assert set(taken) <= created([first, *ended.alerts])


def test_processes_end_with_the_first_one(rules: str, tmp_path: Path) -> None:
    file = tmp_path / "alerts"
    output = f"file_output={{enabled: true, filename: {file}}}"
    with Running("run", "--source", WEBHOOK, "-r", rules, "--workers", "2", "-o", output) as running:
        url = running.said("listening on").partition("listening on ")[2].split()[0]
        with ExitStack() as opened, ThreadPoolExecutor(1) as pool:
            handles = []
            for pid in children(running.pid):
                handles.append(os.pidfd_open(pid))
                opened.callback(os.close, handles[-1])
            taken: list[str] = []
            sending = pool.submit(lambda: taken.extend(posting(url)))
            assert post(url, audit_event("first")).status == 200
            running.send(signal.SIGKILL)
            sending.result(SAFETY_S)
            for handle in handles:
                assert select.select([handle], [], [], SAFETY_S)[0]
    assert {*taken, "first"} <= created(file.read_text("utf-8").splitlines())


def test_run_ends_when_one_process_does(rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules, "--workers", "2") as running:
        url = running.said("listening on").partition("listening on ")[2].split()[0]
        assert post(url, audit_event("a")).status == 200
        os.kill(children(running.pid)[0], signal.SIGKILL)
        running.said("ended, status 9")
        ended = running.end(None)
    assert ended.status == 1
    assert created(ended.alerts) == {"a"}


def test_port_of_others_is_not_shared(rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules, "--workers", "2") as running:
        url = running.said("listening on").partition("listening on ")[2].split()[0]
        for workers in ("1", "2"):
            ended = falcocore("run", "--source", f"k8s_audit={url}", "-r", rules, "--workers", workers)
            assert ended.status == 1
            assert "Address already in use" in ended.err
        assert running.end().status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--source", "k8s_audit=/dev/null", "--workers", "2"], 1, "source k8s_audit can't run in several"),
        (["--source", WEBHOOK, "--workers", "0"], 2, "--workers: 0 is no number from 1 on"),
        (["--source", WEBHOOK, "--workers", "x"], 2, "--workers: x is no number from 1 on"),
        (["--source", "k8s_audit=https://127.0.0.1:0/", "--workers", "2"], 1, "https needs a certificate"),
        (
            ["-o", "sources[].name=k8s_audit", "-o", "sources[0].target=a", "-o", "sources[0].workers=2"],
            1,
            "can't run in several",
        ),
        (
            ["-o", "sources[].name=k8s_audit", "-o", "sources[0].workers=0"],
            1,
            "workers is 0, it has to be 1 or more",
        ),
    ],
)
def test_what_can_not_be_shared_is_told(arguments: list[str], status: int, said: str, rules: str) -> None:
    ended = falcocore("run", *arguments, "-r", rules)
    assert ended.status == status
    assert said in ended.err
