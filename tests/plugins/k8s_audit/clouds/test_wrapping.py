"""Wrapped audit events: from files, from the webhook, and what is said of those that can't be used."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from falcocore_k8s_audit.clouds.parts import UNPACKED_BYTES
from tests.support.audit_decoding import TIME_NS, decode, dumped, event_json, list_json
from tests.support.audit_reading import Reading
from tests.support.cloud_wrappings import (
    cloudwatch,
    event_hub,
    event_hub_record,
    firehose,
    log_entry,
    packed,
    pub_sub,
)

A, B = event_json("a", verb="create"), event_json("b", requestObject={"text": '"\\\n\u00e9'})
WRAPPED = [
    pytest.param(cloudwatch(A, B), ["a", "b"], id="CloudWatch"),
    pytest.param(cloudwatch(json.dumps(json.loads(A), indent=2), B), ["a", "b"], id="pretty-printed message"),
    pytest.param(cloudwatch(list_json(A, B)), ["a", "b"], id="list in a message"),
    pytest.param(cloudwatch(A, logStream=None), ["a"], id="no log stream"),
    pytest.param({"awslogs": {"data": packed(cloudwatch(A, B))}}, ["a", "b"], id="Lambda"),
    pytest.param(firehose(cloudwatch(A), cloudwatch(B)), ["a", "b"], id="Firehose"),
    pytest.param(
        {"records": [{"data": base64.b64encode(A + b"\n" + B).decode()}]},
        ["a", "b"],
        id="Firehose, unpacked by it",
    ),
    pytest.param(event_hub(A, B), ["a", "b"], id="Event Hub"),
    pytest.param(event_hub(A, category="kube-audit-admin"), ["a"], id="Event Hub, writes only"),
    pytest.param(event_hub_record(A), ["a"], id="storage account"),
    pytest.param(log_entry(), ["a-1"], id="Cloud Logging"),
    pytest.param(pub_sub(log_entry()), ["a-1"], id="Pub/Sub"),
    pytest.param([cloudwatch(A), json.loads(B), event_hub(A)], ["a", "b", "a"], id="array of several"),
]


@pytest.mark.parametrize(("document", "ids"), WRAPPED)
@pytest.mark.parametrize("indent", [None, 2])
def test_events_are_taken_out(document: Any, ids: list[str], indent: int | None) -> None:
    decoded = decode(json.dumps(document, indent=indent).encode())
    assert [event.record.auditID for event in decoded.events] == ids
    assert (decoded.complaints, decoded.rejected) == ([], 0)


@pytest.mark.parametrize(("document", "ids"), WRAPPED)
def test_wrappings_are_lines_of_files_beside_events(tmp_path: Path, document: Any, ids: list[str]) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"\n".join([A, dumped(document), dumped(document), B]))
    reading = Reading(path)
    assert reading.ids() == ["a", *ids, *ids, "b"]
    assert reading.complaints == []


def test_unpacked_event_is_the_one_that_was_wrapped() -> None:
    for document in (cloudwatch(A, B), firehose(cloudwatch(A, B)), event_hub(A, B)):
        first, second = decode(dumped(document), "here").events
        assert (first.text, second.text) == (A, B)
        assert (first.key, first.time_ns) == ("here/a/", TIME_NS)


def test_files_of_firehose_have_records_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "audit.gz"
    tricky = event_json("c", requestURI='}{"messageType":"')
    records = [cloudwatch(A), cloudwatch(B, tricky), cloudwatch(A)]
    path.write_bytes(b"".join(gzip.compress(dumped(record)) for record in records))
    reading = Reading(path)
    assert reading.ids() == ["a", "b", "c", "a"]
    assert reading.complaints == []


@pytest.mark.parametrize(
    "document",
    [
        cloudwatch("CWL CONTROL MESSAGE: Checking health of destination", messageType="CONTROL_MESSAGE"),
        cloudwatch("I0701 some log line", logStream="kube-apiserver-7ba7f0"),
        cloudwatch(),
        event_hub("I0701 some log line", "", category="kube-scheduler"),
        {"records": [{"category": "kube-audit", "properties": {}}]},
        log_entry() | {"logName": "projects/acme/logs/events"},
        log_entry() | {"resource": {"type": "gke_cluster"}},
        log_entry(serviceName="container.googleapis.com"),
        {"insertId": "1", "logName": "projects/acme/logs/stdout", "textPayload": "hello"},
    ],
)
def test_what_is_none_of_ours_is_passed_over(document: Any) -> None:
    decoded = decode(dumped(document))
    assert (decoded.events, decoded.complaints, decoded.recognised) == ([], [], True)


BOMB = base64.b64encode(gzip.compress(bytes(UNPACKED_BYTES + 1))).decode()


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (
            cloudwatch(A[:-9] + b"[Truncated...]", B),
            "logEvents[0].message: the event was too long for CloudWatch",
        ),
        (cloudwatch("hello", B), "logEvents[0].message: not JSON: unexpected 'hello' at byte 0"),
        (cloudwatch(b"{}", B), "logEvents[0].message: not an audit event: kind is missing"),
        (
            cloudwatch(event_json("c", stageTimestamp="no"), B),
            "logEvents[0].message: stageTimestamp 'no' is not",
        ),
        (
            cloudwatch(B) | {"logEvents": [{}, {"message": B.decode()}]},
            "logEvents[0].message: it is missing, or no text",
        ),
        (
            {"records": [{"data": "?"}, {"data": base64.b64encode(B).decode()}]},
            "records[0].data: not base64: ",
        ),
        (
            {"records": [{"data": BOMB}, {"data": base64.b64encode(B).decode()}]},
            "records[0].data: more than 64 MiB when it is unpacked",
        ),
        (
            firehose(cloudwatch("hello", B)),
            "records[0].data logEvents[0].message: not JSON: unexpected 'hello'",
        ),
        (event_hub(b"{", B), "records[0].properties.log: not JSON: the document ends too early"),
        ([pub_sub([]) | {"message": {"data": "%"}}, json.loads(B)], "message.data: not base64: "),
    ],
)
def test_bad_item_is_reported_with_its_position_and_costs_only_itself(document: Any, complaint: str) -> None:
    decoded = decode(dumped(document))
    assert [event.record.auditID for event in decoded.events] == ["b"]
    assert decoded.rejected == 1
    assert complaint in decoded.complaints[0]
    assert decoded.complaints[0].startswith("body")


@pytest.mark.parametrize("cut", [9, -9])
def test_broken_gzip_in_a_wrapping_is_reported(cut: int) -> None:
    data = gzip.compress(A)
    broken = data[:cut] if cut < 0 else data[:cut] + b"????" + data[cut:]
    decoded = decode(dumped({"awslogs": {"data": base64.b64encode(broken).decode()}}))
    assert decoded.rejected == 1
    assert decoded.complaints[0].startswith("body awslogs.data: ")
    assert "gzip" in decoded.complaints[0]


def test_wrappings_in_each_other_have_an_end() -> None:
    document: Any = json.loads(A)
    for _ in range(3):
        document = pub_sub(document)
    assert len(decode(dumped(document)).events) == 1
    decoded = decode(dumped(pub_sub(document)))
    assert (len(decoded.events), decoded.rejected) == (0, 1)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Other", "messageType": "DATA_MESSAGE", "logEvents": []},
        {"records": []},
        {"records": [{"data": "YQ=="}, {"properties": {}}]},
        {"records": [1]},
        {"records": "text"},
        {"awslogs": []},
        {"message": "text"},
        {"message": {"data": 1}},
        {"logEvents": []},
        {"properties": {"log": "{}"}},
    ],
)
def test_other_objects_are_refused_as_before(document: Any) -> None:
    decoded = decode(dumped(document))
    assert (len(decoded.events), decoded.rejected, decoded.recognised) == (0, 1, False)
    assert decoded.complaints[0].startswith("body: not an audit event: kind is ")
