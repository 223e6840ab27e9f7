"""`falcocore status` and `falcocore outbox` of real processes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from falcocore.control.client import ask
from falcocore.state import StateDirectory
from tests.support.falcocore_process import WEBHOOK, Ended, Running, falcocore, post
from tests.support.http_receiver import Response, read_request, receiving, talking
from tests.support.webhook_harness import RULES, SAFETY_S, audit_event

NEVER = {"Retry-After": "3000"}
"""Asks for a pause that no test waits for."""


class Place:
    """A state directory and the arguments that lead to it."""

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.folder = folder
        self.state = StateDirectory(state or folder / "state")
        self.rules = folder / "rules.yaml"
        self.rules.write_text(RULES)
        self.option = ("-o", f"outbox.path={self.state.path}")

    def run(self, *options: str, source: str = WEBHOOK, **environment: str) -> Running:
        return Running(
            "run", "--source", source, "-r", str(self.rules), *self.option, *options, **environment
        )

    def to(self, url: str, **options: Any) -> Running:
        """A run with one output, `web`."""
        web = {"type": "http", "options": {"url": url, **options}}
        return self.run("-c", self.write("f.yaml", json.dumps({"outputs": {"web": web}})))

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def ask(self, *command: str) -> Ended:
        return falcocore(*command, *self.option)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(ask(self.state, "status"))
        return found

    def wait_for(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The status as soon as it is so."""
        end = time.monotonic() + SAFETY_S
        while not condition(status := self.status()):
            assert time.monotonic() < end, status
        return status

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.state.path.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_status_of_a_run_with_an_outbox(place: Place) -> None:
    with receiving(Response(), Response(503, headers=NEVER)) as receiver, place.to(receiver.url) as running:
        url = running.url()
        for audit_id in ("a", "a", "b"):
            assert post(url, audit_event(audit_id)).status == 200
        assert post(url, {"kind": "EventList", "items": [audit_event("c"), 7]}).status == 200
        running.said("it is tried again")
        place.wait_for(lambda status: bool(status["outputs"][0]["delivered"]))
        ended = place.ask("status", "--format", "json")
        text = place.ask("status")
        running.end()
    status = json.loads(ended.out)
    (source,), (output,) = status["sources"], status["outputs"]
    assert source == {
        "instance": "k8s_audit",
        "source": "k8s_audit",
        "doing": f"listening on {url}",
        "events": 4,
        "rejected": 1,
        "rules": 1,
        "figures": {},
    }
    assert status["rules"] == {"count": 1, "generation": 0}
    assert status["alerts"] == {
        "total": 3,
        "by_priority": {"Notice": 3},
        "by_rule": {"Created": 3},
        "second_copies": 1,
    }
    assert (output["name"], output["backlog"], output["delivered"], output["failures"]) == ("web", 2, 1, 1)
    assert output["last_error"] == f"{receiver.url} answered 503"
    assert output["oldest_s"] <= output["failing_since_s"] < output["next_try_s"]
    assert 0 < status["outbox"]["size_bytes"] < status["outbox"]["limit_bytes"] == 1 << 30
    assert status["directory"] == str(place.state.path)
    assert (ended.status, text.status, text.err) == (0, 0, "")
    assert "4 events, 3 alerts, 1 second copy left out, 1 rule (generation 0)" in text.out
    assert "failing for" in text.out


def test_poisonous_alert_is_purged_and_those_behind_it_are_delivered(place: Place) -> None:
    with receiving(Response(503, headers=NEVER)) as receiver, place.to(receiver.url) as running:
        url = running.url()
        assert post(url, audit_event("poison")).status == 200
        running.said("it is tried again")
        assert post(url, audit_event("good")).status == 200
        purged = place.ask("outbox", "purge", "1", "--yes")
        running.said("output web takes alerts again")
        running.end()
    assert (purged.status, purged.out) == (0, "1 waiting alert and 0 dead letters removed\n")
    assert [body.split()[-1] for body in receiver.bodies] == [b"poison", b"good"]


def test_alerts_that_were_claimed_together_are_not_sent_after_they_were_purged(place: Place) -> None:
    """The second is in the worker's hand already while the first fails."""
    events = "".join(f"{json.dumps(audit_event(name))}\n" for name in ("a", "b", "c"))
    log = place.write("audit.log", events)
    with receiving(Response(503)) as receiver:
        config = place.write("f.yaml", f"http_output: {{enabled: true, url: '{receiver.url}'}}")
        first = falcocore(
            "run", "--source", f"k8s_audit={log}", "-r", str(place.rules), "-c", config, *place.option
        )
    assert "3 alerts" in first.err
    with receiving(Response(503, headers=NEVER)) as receiver:
        options = ("-c", place.write("f.yaml", f"http_output: {{enabled: true, url: '{receiver.url}'}}"))
        with place.run(*options) as running:
            running.said("it is tried again")
            assert place.ask("outbox", "purge", "2", "3", "--yes").status == 0
            running.said("takes alerts again")
            running.end()
    assert [body.split()[-1] for body in receiver.bodies] == [b"a", b"a"]


def test_dead_letter_is_shown_and_delivered_once_it_is_put_back(place: Place) -> None:
    with receiving(Response(400, b"I don't like it")) as receiver, place.to(receiver.url) as running:
        assert post(running.url(), audit_event("a")).status == 200
        running.said("refuses an alert")
        place.wait_for(lambda status: status["outputs"][0]["dead_letters"] == 1)
        listed = place.ask("outbox", "list", "--dead")
        shown = json.loads(place.ask("outbox", "show", "d1").out)
        retried = place.ask("outbox", "retry", "d1")
        place.wait_for(lambda status: status["outputs"][0]["delivered"] == 1)
        running.end()
    assert listed.out.split("\t")[:3] == ["d1", "web", "dead"]
    assert shown["reason"] == f"{receiver.url} answered 400: I don't like it"
    assert shown["alert"]["rule"] == "Created"
    assert (retried.status, retried.out) == (0, "output web: 1 dead letter put back into the queue\n")
    ids = [request.headers["falcocore-alert-ids"] for request in receiver.requests]
    assert ids == [shown["alert_id"]] * 2


def test_failing_output_is_tried_at_once(place: Place) -> None:
    with receiving(Response(503, headers=NEVER)) as receiver, place.to(receiver.url) as running:
        assert post(running.url(), audit_event("a")).status == 200
        running.said("it is tried again")
        assert place.ask("outbox", "retry", "--output", "web").status == 0
        running.said("output web takes alerts again")
        running.end()


def test_run_that_has_no_sources_any_more_is_asked_while_it_delivers(place: Place) -> None:
    log = place.write("audit.log", f"{json.dumps(audit_event('a'))}\n")

    async def hang(reader: Any, _writer: Any) -> None:
        await read_request(reader)
        await reader.read()

    with talking(hang) as port:
        config = place.write("f.yaml", f"http_output: {{enabled: true, url: 'http://127.0.0.1:{port}/'}}")
        with place.run("-c", config, source=f"k8s_audit={log}") as running:
            running.said("reading")
            place.wait_for(lambda status: status["alerts"]["total"] == 1)
            assert place.status()["outputs"][0]["backlog"] == 1
            running.send(SIGKILL)


@pytest.mark.parametrize(
    "options", [(), ("-o", "file_output.enabled=true", "-o", "file_output.filename=/dev/null")]
)
def test_status_of_a_run_without_an_outbox(place: Place, options: tuple[str, ...]) -> None:
    with place.run(*options) as running:
        assert post(running.url(), audit_event("a")).status == 200
        status = place.status()
        text = place.ask("status")
        outbox = place.ask("outbox", "list")
        running.end()
    assert status["outbox"] is None
    assert status["alerts"]["total"] == 1
    name = "file_output" if options else "stdout_output"
    assert [(one["name"], one["delivered"], one["backlog"]) for one in status["outputs"]] == [(name, 1, None)]
    assert "no outbox: alerts go straight to the outputs" in text.out
    assert (outbox.status, outbox.err.splitlines()[0]) == (
        1,
        f"Error: there is no outbox in {place.state.path}",
    )
    assert place.left == []


def test_deep_state_directory_has_a_socket_too(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "/".join(["deep" * 20] * 3))
    with place.run() as running:
        running.url()
        assert place.ask("status").status == 0
        running.end()
    assert place.left == []


def test_socket_of_a_killed_process_is_replaced(place: Place) -> None:
    with place.run() as running:
        running.url()
        running.end(SIGKILL)
    assert place.left == ["control.sock", "lock"]
    nobody = place.ask("status")
    with place.run() as running:
        running.url()
        assert place.ask("status").status == 0
        running.end()
    assert (nobody.status, nobody.err.splitlines()[0]) == (
        1,
        f"Error: no falcocore is running with the state directory {place.state.path}",
    )


def test_second_run_without_an_outbox_goes_on_without_a_socket(place: Place) -> None:
    with place.run() as first:
        first.url()
        with place.run("-o", "log_level=debug") as second:
            said = second.said("there is no control socket")
            assert post(second.url(), audit_event("a")).status == 200
            assert second.alert().endswith("created a")
            assert second.end().status == 0
        assert place.status()["alerts"]["total"] == 0
        first.end()
    assert f"the state directory {place.state.path} is used by another process, " in said


def test_second_run_with_an_outbox_does_not_start(place: Place) -> None:
    with place.run() as first:
        first.url()
        second = falcocore(
            "run", "--source", WEBHOOK, "-r", str(place.rules), *place.option, "-o", "outbox.enabled=true"
        )
        assert place.ask("status").status == 0
        first.end()
    assert (second.status, second.err.splitlines()[-1]) == (
        1,
        "  stop that one, or give this one a directory of its own with outbox.path",
    )


@pytest.mark.parametrize("directory", [None, "/dev/null/state"])
def test_replay_needs_no_state_and_leaves_none(
    place: Place, state_directory: Path, directory: str | None
) -> None:
    log = place.write("audit.log", f"{json.dumps(audit_event('a'))}\n")
    arguments = ("run", "--source", f"k8s_audit={log}", "-r", str(place.rules))
    ended = falcocore(*arguments, STATE_DIRECTORY=directory or str(state_directory))
    assert (ended.status, len(ended.alerts), len(ended.err.splitlines())) == (0, 1, 2)
    assert not state_directory.exists()
