"""What the webhook answers, over real connections, and what has become of the alerts by then."""

from __future__ import annotations

import gc
import json
import queue
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from falcocore_k8s_audit import posts, short_lists
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent
from falcocore_outputs.file import FileOutput
from tests.support.webhook_harness import (
    CHUNKED,
    HEAD,
    SAFETY_S,
    Blocked,
    RunningWebhook,
    audit_event,
    chunked,
    declared,
    encode,
    event_list,
    is_closed,
    padded,
    response_on,
)

LIMIT = 1000
UNTIMED = {"kind": "Event", "auditID": "u"}
ADDRESS = "request from 127.0.0.1"
LONG = 1000


def long_list() -> bytes:
    """So many events that they are read in parts."""
    item = {
        "stage": "ResponseComplete",
        "stageTimestamp": "2018-10-20T00:18:28.428398Z",
        "userAgent": "x" * 200,
    }
    items = [{"level": "Metadata", "auditID": str(n), "verb": "create", **item} for n in range(LONG)]
    body = json.dumps(event_list(*items), separators=(",", ":")).encode()
    assert len(body) > 3 * short_lists.PART_BYTES
    return body


# --- what a body holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "alerts", "rejected"),
    [
        (audit_event("a"), ["a"], 0),
        (audit_event("a", verb="get"), [], 0),
        (event_list(audit_event("a"), audit_event("b", verb="get"), audit_event("c")), ["a", "c"], 0),
        ([audit_event("a"), event_list(audit_event("b")), [audit_event("c")]], ["a", "b", "c"], 0),
        (b"\r\n " + encode(audit_event("a")) + b"\n", ["a"], 0),
        (event_list(), [], 0),
        ([], [], 0),
        (event_list(UNTIMED, audit_event("a"), 5, audit_event("b", stageTimestamp="x")), ["a"], 3),
        (event_list(UNTIMED), [], 1),
        ([audit_event("a"), {"kind": "Pod"}], ["a"], 1),
        (padded("large", posts.DECODED_HERE_BYTES + 1), ["large"], 0),
    ],
)
def test_body_with_audit_data_is_taken(document: object, alerts: list[str], rejected: int) -> None:
    with RunningWebhook() as running:
        answer = running.request(document)
        assert (answer.status, answer.text) == (200, "")
        assert running.lines == [f"created {audit_id}" for audit_id in alerts]
    assert running.source.rejected == rejected


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not JSON: there is no document"),
        (b"nonsense", "not JSON: "),
        (encode(audit_event())[:-1], "not JSON: "),
        (encode(audit_event()) + b"{}", "not JSON: "),
        (5, "an audit event is a JSON object, this is another value"),
        ({"kind": "Pod"}, "not an audit event: kind is "),
        ({}, "not an audit event: kind is missing"),
        ({"kind": "EventList"}, "the EventList has no array `items`"),
        (UNTIMED, "stageTimestamp is missing"),
        (audit_event(stageTimestamp="today"), "stageTimestamp 'today' is not a time"),
        ([{"kind": "Pod"}, 5], "[0]: not an audit event: kind is "),
    ],
)
def test_body_without_audit_data_is_refused_with_the_reason(document: object, reason: str) -> None:
    with RunningWebhook() as running:
        answer = running.request(document)
        assert answer.status == 400
        assert answer.text.startswith(ADDRESS)
        assert reason in answer.text
        assert running.lines == []
    assert running.source.rejected > 0


def test_unusable_items_are_reported_with_sender_and_position_once(caplog: pytest.LogCaptureFixture) -> None:
    with RunningWebhook() as running:
        running.request(event_list(UNTIMED, audit_event("a"), 5))
        running.request(event_list(*[UNTIMED] * 25))
    assert running.counters.rejected["k8s_audit"] == 27
    assert running.counters.events["k8s_audit"] == 1
    places = [record.getMessage().partition(": ")[0] for record in caplog.records]
    assert places == [
        f"{ADDRESS} items[0]",
        f"{ADDRESS} items[2]",
        *[f"{ADDRESS} items[{index}]" for index in range(20)],
        "... and 5 more items of the same batch could not be read",
    ]


def test_long_list_is_taken_whole() -> None:
    with RunningWebhook() as running:
        answer = running.request(long_list())
        assert (answer.status, answer.text) == (200, "")
        assert running.lines == [f"created {number}" for number in range(LONG)]
    assert running.counters.events["k8s_audit"] == LONG


def test_unusable_item_of_a_long_list_costs_no_other_one(caplog: pytest.LogCaptureFixture) -> None:
    body = long_list().replace(b'"auditID":"700",', b'"auditID":"700","stageTimestamp":"then",')
    with RunningWebhook() as running:
        assert running.request(body).status == 200
        assert running.lines == [f"created {number}" for number in range(LONG) if number != 700]
    assert running.source.rejected == 1
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [f"{ADDRESS} items[700]"]


def test_long_list_without_its_end_is_refused_and_its_events_count() -> None:
    with RunningWebhook() as running:
        answer = running.request(long_list()[:-300])
        assert (answer.status, answer.text.partition("not JSON: ")[0]) == (400, f"{ADDRESS}: ")
        assert len(running.lines) > LONG // 2
        assert running.lines == [f"created {number}" for number in range(len(running.lines))]
    assert running.source.rejected == 1


# --- which requests are taken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_is", "status", "said"),
    [
        ({"content_type": "application/json; charset=utf-8"}, 200, ""),
        ({"content_type": "Application/JSON"}, 200, ""),
        ({"path": "/k8s-audit?timeout=30s"}, 200, ""),
        ({"path": "/"}, 404, "audit events go to /k8s-audit\n"),
        ({"path": "/k8s-audit/"}, 404, "audit events go to /k8s-audit\n"),
        ({"path": "/k8s-audit/x"}, 404, "audit events go to /k8s-audit\n"),
        ({"path": "/K8S-AUDIT"}, 404, "audit events go to /k8s-audit\n"),
        ({"method": "GET"}, 405, "GET is not allowed, POST is\n"),
        ({"method": "PUT"}, 405, "PUT is not allowed, POST is\n"),
        ({"method": "HEAD"}, 405, ""),
        ({"content_type": "text/plain"}, 415, "Content-Type has to be application/json, not text/plain\n"),
        ({"content_type": None}, 415, "Content-Type has to be application/json, not missing\n"),
    ],
)
def test_request_is_answered_by_path_method_and_type(
    request_is: dict[str, Any], status: int, said: str
) -> None:
    with RunningWebhook() as running, running.client() as client:
        answer = running.request(audit_event("a"), client=client, **request_is)
        assert (answer.status, answer.text) == (status, said)
        assert answer.headers.get("allow") == ("POST" if status == 405 else None)
        assert running.lines == (["created a"] if status == 200 else [])
        # The body of a refused request does not stand in the way of the next one.
        if status != 200:
            kept = client.sock
            assert running.request(audit_event("b"), client=client).status == 200
            assert client.sock is kept


@pytest.mark.parametrize(
    ("target", "path", "status"),
    [
        ("/audit/", "/audit/", 200),
        ("/audit/", "/audit/cluster/1", 200),
        ("/audit/", "/audit", 404),
        ("/audit/", "/other/", 404),
        ("/", "/", 200),
        ("/", "/anything", 200),
        ("/a%20b", "/a%20b", 200),
    ],
)
def test_target_that_ends_in_a_slash_takes_what_is_below_it(target: str, path: str, status: int) -> None:
    with RunningWebhook(target=f"http://127.0.0.1:0{target}") as running:
        assert running.request(audit_event(), path=path).status == status


# --- size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (declared(padded("a", LIMIT)), 200),
        (declared(padded("a", LIMIT + 1)), 413),
        (CHUNKED + chunked(padded("a", LIMIT), b""), 200),
        (CHUNKED + chunked(padded("a", LIMIT + 1), b""), 413),
        (CHUNKED + chunked(b" " * LIMIT, padded("a", LIMIT), b""), 413),
        (declared(b"x" * 3 * LIMIT), 413),
        # More than is read and dropped: the answer comes before the end of the body.
        (declared(b"", 100 * LIMIT) + b"x" * (posts.DRAINED_BODIES * LIMIT + 1), 413),
        (CHUNKED + chunked(*[b"x" * 380] * 100), 413),
        (CHUNKED.replace(b"application/json", b"text/plain") + chunked(*[b"x" * 380] * 100), 415),
    ],
)
def test_body_over_the_limit_is_refused(request_bytes: bytes, status: int) -> None:
    with RunningWebhook(max_body_bytes=LIMIT) as running, running.connect() as connection:
        connection.sendall(request_bytes)
        answer = response_on(connection)
    assert answer.status == status
    assert answer.text == (f"a body may have {LIMIT} bytes\n" if status == 413 else answer.text)
    assert running.lines == (["created a"] if status == 200 else [])


def test_nothing_is_left_of_a_refused_endless_body(caplog: pytest.LogCaptureFixture) -> None:
    """What is left behind would be broken off at the end, which is logged."""
    with RunningWebhook(max_body_bytes=LIMIT) as running:
        for size in range(360, 400):
            with running.connect() as connection:
                connection.sendall(CHUNKED.replace(b"json", b"xml") + chunked(*[b"x" * size] * 100))
                assert response_on(connection).status == 415
                assert is_closed(connection)
    assert caplog.records == []


# --- full -------------------------------------------------------------------------------------------------


def test_full_webhook_asks_to_come_back_later() -> None:
    output = Blocked()
    with ThreadPoolExecutor() as pool, RunningWebhook(output, max_in_flight=1) as running:
        first = pool.submit(running.request, audit_event("a"))
        assert output.entered.wait(SAFETY_S)
        answer = running.request(audit_event("b"))
        assert (answer.status, answer.text) == (429, "too many requests are being worked on\n")
        assert int(answer.headers["retry-after"]) > 0
        output.release.set()
        assert first.result().status == 200
        assert running.request(audit_event("b")).status == 200
    assert running.lines == ["created a", "created b"]


def test_body_that_was_begun_before_the_webhook_was_full_is_refused_at_its_end() -> None:
    output, body = Blocked(), encode(audit_event("late"))
    with ThreadPoolExecutor() as pool, RunningWebhook(output, max_in_flight=1) as running:
        with running.connect() as connection:
            connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
            assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
            first = pool.submit(running.request, audit_event("a"))
            assert output.entered.wait(SAFETY_S)
            connection.sendall(body)
            assert response_on(connection).status == 429
        output.release.set()
        assert first.result().status == 200
    assert running.lines == ["created a"]


def test_bodies_that_arrive_have_a_bound_together() -> None:
    piece = b" " * (LIMIT - 100)
    with RunningWebhook(max_body_bytes=LIMIT) as running, ExitStack() as stack:
        begun = [stack.enter_context(running.connect()) for _ in range(posts.ARRIVING_BODIES)]
        for connection in begun:
            connection.sendall(CHUNKED + chunked(piece))
        assert running.request(audit_event("small")).status == 200
        answer = running.request(piece + b" ")
        assert (answer.status, answer.text) == (429, "too many bodies are arriving\n")
        assert int(answer.headers["retry-after"]) > 0
        begun[0].sendall(chunked(b""))
        assert response_on(begun[0]).status == 400
        assert running.request(padded("a", len(piece))).status == 200


# --- the alerts are safe, or they are not -------------------------------------------------------------------


def test_alerts_are_in_the_file_when_the_answer_comes(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    with RunningWebhook(FileOutput(filename=str(path))) as running, running.client() as client:
        for number in range(1, 31):
            document = event_list(*[audit_event(f"{number}-{item}") for item in range(3)])
            assert running.request(document, client=client).status == 200
            lines = path.read_text().splitlines()
            assert [line.rpartition(" ")[2] for line in lines[-3:]] == [f"{number}-{i}" for i in range(3)]
            assert len(lines) == number * 3


def test_alerts_that_can_not_be_written_are_asked_for_again() -> None:
    with RunningWebhook(FileOutput(filename="/dev/full")) as running:
        answer = running.request(audit_event("a"))
        assert answer.status == 503
        assert "alerts could not be kept: " in answer.text
        assert "No space left on device" in answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert running.request(audit_event("b", verb="get")).status == 200
    assert running.counters.alerts.total() == 0


def test_events_are_freed_when_they_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Events(list[AuditEvent]):
        """A list that can be watched."""

    class Watched(Decoded):
        def __init__(self, cluster: str = "") -> None:
            super().__init__(cluster)
            self.events = Events()
            watched.append(weakref.ref(self.events, freed.put))

    freed: queue.SimpleQueue[weakref.ref[Events]] = queue.SimpleQueue()
    watched: list[weakref.ref[Events]] = []
    monkeypatch.setattr(short_lists, "Decoded", Watched)
    gc.disable()  # It would free them too, but later.
    try:
        with RunningWebhook() as running:
            for document in (audit_event(), long_list()):
                assert running.request(document).status == 200
            assert {id(freed.get(timeout=SAFETY_S)) for _ in watched} == set(map(id, watched))
    finally:
        gc.enable()
    assert len(watched) > 2
