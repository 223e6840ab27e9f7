"""Wrapped audit events over HTTP: the senders are those of the clouds, and each wants its own answer."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.support.cloud_wrappings import cloudwatch, event_hub, firehose, log_entry, pub_sub
from tests.support.webhook_harness import RunningWebhook, answer_of, audit_event, encode

A, B = encode(audit_event("a")), encode(audit_event("b"))


@pytest.mark.parametrize(
    ("document", "alerts"),
    [
        (cloudwatch(A, B), ["a", "b"]),
        (firehose(cloudwatch(A), cloudwatch(B)), ["a", "b"]),
        (event_hub(A, "no JSON"), ["a"]),
        (log_entry(), ["a-1"]),
        (pub_sub(log_entry()), ["a-1"]),
        # Nothing in it is for us, and sending it again would not help.
        (cloudwatch("I0701 log line", logStream="authenticator-1"), []),
        (cloudwatch("broken"), []),
        (pub_sub(log_entry(serviceName="other")), []),
    ],
)
def test_body_in_a_wrapping_is_taken(document: Any, alerts: list[str]) -> None:
    with RunningWebhook() as running:
        answer = running.request(document)
        assert (answer.status, answer.text) == (200, "")
        assert running.lines == [f"created {audit_id}" for audit_id in alerts]


@pytest.mark.parametrize("messages", [(A,), ()], ids=["events", "none"])
def test_firehose_is_answered_with_the_id_of_its_request(messages: tuple[bytes, ...]) -> None:
    document = firehose(cloudwatch(*messages))
    headers = {"Content-Type": "application/json", "X-Amz-Firehose-Request-Id": document["requestId"]}
    with RunningWebhook() as running, running.client() as client:
        client.request("POST", "/k8s-audit", encode(document), headers)
        answer = answer_of(client.getresponse())
    body = json.loads(answer.text)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert body["requestId"] == document["requestId"]
    assert 0 <= time.time() * 1000 - body["timestamp"] < 60_000
