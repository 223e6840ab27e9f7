"""The record of an event: typed texts and raw values, whatever types the document has in their places."""

from __future__ import annotations

import msgspec
import pytest

from falcocore_k8s_audit.raw import children
from falcocore_k8s_audit.record import EMPTY, RAW_LEAVES, TEXT_LEAVES, Record, record_of
from falcocore_k8s_audit.scan import NotJsonError

USUAL = (
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a-1","stage":"Panic",'
    b'"requestURI":"/api","verb":"get","user":{"username":"alice","uid":"7","groups":["g"],"extra":{"k":[]}},'
    b'"impersonatedUser":{"username":"bob"},"sourceIPs":["10.0.0.1"],"userAgent":"curl","objectRef":'
    b'{"resource":"pods","namespace":"ns","name":"p","apiVersion":"v1","subresource":"exec"},'
    b'"responseStatus":{"code":200},"requestObject":[1],"responseObject":null,'
    b'"requestReceivedTimestamp":"t1","stageTimestamp":"t2","annotations":{}}'
)


def record(document: bytes) -> Record:
    members = children(document)
    assert isinstance(members, dict)
    return record_of(members)


def values(found: Record) -> dict[str, str]:
    """All that the record has, by path."""
    texts = {"/".join(path): read(found) for path, read in TEXT_LEAVES.items()}
    raws = {"/".join(path): bytes(read(found)).decode() for path, read in RAW_LEAVES.items() if read(found)}
    return {path: value for path, value in texts.items() if value is not None} | raws


def test_fast_and_slow_way_give_the_same_record() -> None:
    fast = msgspec.json.decode(USUAL, type=Record)
    assert values(fast) == values(record(USUAL))
    assert values(fast) == {
        "kind": "Event",
        "apiVersion": '"audit.k8s.io/v1"',
        "level": "Request",
        "auditID": "a-1",
        "stage": "Panic",
        "requestURI": '"/api"',
        "verb": "get",
        "user/username": "alice",
        "user/uid": '"7"',
        "user/groups": '["g"]',
        "user/extra": '{"k":[]}',
        "impersonatedUser/username": "bob",
        "sourceIPs": '["10.0.0.1"]',
        "userAgent": '"curl"',
        "objectRef/resource": "pods",
        "objectRef/namespace": "ns",
        "objectRef/name": "p",
        "objectRef/apiVersion": '"v1"',
        "objectRef/subresource": "exec",
        "responseStatus": '{"code":200}',
        "requestObject": "[1]",
        "responseObject": "null",
        "requestReceivedTimestamp": '"t1"',
        "stageTimestamp": "t2",
        "annotations": "{}",
    }


def test_record_that_is_written_again_is_as_long_as_its_text() -> None:
    assert msgspec.json.encode(msgspec.json.decode(USUAL, type=Record)) == USUAL


@pytest.mark.parametrize("document", [b"{}", b'{"unknown":1}', b'{"user":{},"objectRef":{}}'])
def test_record_of_what_is_not_there(document: bytes) -> None:
    assert values(record(document)) == values(EMPTY) == {}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (b'{"verb":5,"stage":null,"auditID":true}', {"verb": "5", "stage": "null", "auditID": "true"}),
        (b'{"verb":1.50,"stage":"","auditID":1E3}', {"verb": "1.50", "stage": "", "auditID": "1E3"}),
        (b'{"verb":{ "a" : [ 1 ] },"stage":[ ]}', {"verb": '{"a":[1]}', "stage": "[]"}),
        (rb'{"verb":"g\u0065t\u0000!","stage":"\ud800"}', {"verb": "get", "stage": "\ufffd"}),
        (b'{"verb":"a","verb":"b","stage":null,"stage":"c"}', {"verb": "a", "stage": "null"}),
        (b'{"user":"alice","objectRef":[1],"impersonatedUser":null}', {}),
        (b'{"user":{"username":null},"user":{"username":"a"}}', {"user/username": "null"}),
        (
            b'{"user":{"username":7,"username":8,"groups":null,"groups":[]}}',
            {"user/username": "7", "user/groups": "null"},
        ),
        (
            b'{"objectRef":{"name":[],"name":"a","resource":"pods","more":1}}',
            {"objectRef/name": "[]", "objectRef/resource": "pods"},
        ),
        (b'{"annotations":null,"requestObject":"text"}', {"annotations": "null", "requestObject": '"text"'}),
    ],
)
def test_any_kind_of_value_becomes_a_text(document: bytes, found: dict[str, str]) -> None:
    assert values(record(document)) == found


def test_broken_part_is_refused() -> None:
    with pytest.raises(NotJsonError, match="unexpected"):
        record_of({"user": msgspec.Raw(b'{"username":tru}')})
