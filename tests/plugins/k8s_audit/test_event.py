"""One event: its identity, its text, and the parts that are found in it."""

from __future__ import annotations

import hashlib

import pytest

from falcocore_k8s_audit.event import AuditEvent
from tests.support.audit_decoding import STAMP, TIME_NS, decode, decode_one, dumped, event_json, list_json

ANONYMOUS = b'{"kind":"Event","stageTimestamp":"' + STAMP.encode() + b'","stage":"Panic","verb":"get"}'


@pytest.mark.parametrize(
    ("event", "cluster", "key"),
    [
        (event_json("a-1", stage="ResponseComplete"), "", "/a-1/ResponseComplete"),
        (event_json("a-1", stage="Panic"), "prod", "prod/a-1/Panic"),
        (event_json("a-1"), "prod", "prod/a-1/"),
        (event_json("", stage="Panic"), "", "//Panic"),
        (ANONYMOUS, "", "/" + hashlib.sha256(ANONYMOUS).hexdigest()),
        (ANONYMOUS, "prod", "prod/" + hashlib.sha256(ANONYMOUS).hexdigest()),
    ],
)
def test_key_is_the_identity(event: bytes, cluster: str, key: str) -> None:
    assert decode_one(event, cluster).key == key


@pytest.mark.parametrize("event", [ANONYMOUS, event_json(stage="Panic")], ids=["without auditID", "with"])
def test_event_that_is_sent_again_has_its_key_again(event: bytes) -> None:
    other = dumped({"kind": "Event", "stageTimestamp": STAMP, "user": 5})
    bodies = [
        event,
        b" " + event.replace(b'":', b'" : ') + b"\r\n",
        list_json(event),
        list_json(other, event),
        b"[" + event + b"]",
        list_json(rb'{"stageTimestamp":"\ud800"}', event),
    ]
    assert {decode(body).events[-1].key for body in bodies} == {decode_one(event).key}


def test_events_that_differ_have_different_keys() -> None:
    changes = (b"get", b"list"), (b"28.4", b"28.5"), (b"}", b',"user":{}}'), (b"}", b',"verb":"get"}')
    events = [ANONYMOUS, *(ANONYMOUS.replace(old, new) for old, new in changes)]
    events += [event_json("a-1", stage="Panic"), event_json("a-2", stage="Panic"), event_json("a-1")]
    assert len({decode(event).events[0].key for event in events}) == len(events)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        (b'"verb":"get"', b'"verb":"get"'),
        (b' "verb" :\n\t"get it" ', b'"verb":"get it"'),
        (rb'"verb":"g\u0065t\/\n"', rb'"verb":"g\u0065t\/\n"'),
        (b'"z":1.50 , "a":1E3, "b":-0.0', b'"z":1.50,"a":1E3,"b":-0.0'),
        (b'"n":12345678901234567890123', b'"n":12345678901234567890123'),
        (b'"verb":"a", "verb":"b", "kind":7', b'"verb":"a","verb":"b","kind":7'),
        (b'"requestObject":{ "b":1, "a":[ {}, [ ] ], "b":2 }', b'"requestObject":{"b":1,"a":[{},[]],"b":2}'),
        (b'"user":null,"objectRef":""', b'"user":null,"objectRef":""'),
        ('"verb":"gét","x":"😀"'.encode(), '"verb":"gét","x":"😀"'.encode()),
    ],
)
def test_text_is_the_event_as_it_arrived_without_blanks(members: bytes, text: bytes) -> None:
    head = b'{"kind":"Event","auditID":"a-1","stageTimestamp":"' + STAMP.encode() + b'",'
    event, compact = head + members + b"}", head + text + b"}"
    assert decode_one(event).text == compact
    neighbour = event_json(verb=5)
    for body in (list_json(event_json("a-2"), event), list_json(neighbour, event), b"[[" + event + b"]]"):
        assert decode(body).events[-1].text == compact


def rich_event(audit_id: bytes = b'"auditID":"a-1",') -> AuditEvent:
    return decode_one(
        b'{"kind":"Event",' + audit_id + b'"stageTimestamp":"' + STAMP.encode() + b'","verb":"get",'
        b'"user":{"username":"alice","groups":["g1","g2"]},"sourceIPs":["10.0.0.1"],"userAgent":null,'
        b'"requestObject":{"spec":{"containers":[{"name":"c","name":"d"}]},"empty":""},"unknown":{"a":1}}'
    )


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("sourceIPs", b'["10.0.0.1"]'),
        ("sourceIPs 0", b'"10.0.0.1"'),
        ("sourceIPs 1", None),
        ("userAgent", b"null"),
        ("userAgent x", None),
        ("user groups 1", b'"g2"'),
        ("user username", b'"alice"'),
        ("user", b'{"username":"alice","groups":["g1","g2"]}'),
        ("verb", b'"get"'),
        ("verb x", None),
        ("requestObject spec containers 0 name", b'"c"'),
        ("requestObject empty", b'""'),
        ("requestObject nothing here", None),
        ("responseObject", None),
        ("responseObject metadata name", None),
        ("objectRef", None),
        ("objectRef name", None),
        ("unknown a", b"1"),
    ],
)
def test_find_gives_the_value_at_a_path(path: str, found: bytes | None) -> None:
    event = rich_event()
    for _ in range(2):
        raw = event.find(tuple(path.split()))
        assert (None if raw is None else bytes(raw)) == found


def test_open_gives_what_is_below_a_path() -> None:
    event = rich_event()
    containers = event.open(("requestObject", "spec", "containers"))
    assert isinstance(containers, list)
    assert [bytes(raw) for raw in containers] == [b'{"name":"c","name":"d"}']
    user = event.open(("user",))
    assert isinstance(user, dict)
    assert list(user) == ["username", "groups"]
    root = event.open(())
    assert isinstance(root, dict)
    assert list(root)[:2] == ["kind", "auditID"]
    assert event.open(("requestObject", "empty")) is None
    assert event.open(("responseObject",)) is None


def test_event_without_audit_id_shows_nothing_of_its_record() -> None:
    event = rich_event(audit_id=b"")
    for path in ("sourceIPs", "sourceIPs 0", "user groups", "requestObject", "requestObject spec"):
        assert event.find(tuple(path.split())) is None
    assert event.time_ns == TIME_NS
    assert event.request.verb is None
