"""From bodies to events: what is one, what is refused and where, and that bad items cost only themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_k8s_audit.decode import ARRAYS_DEEP, COMPLAINTS, NO_ITEMS, NO_OBJECT, Decoded
from falcocore_k8s_audit.scan import LEVELS_DEEP
from tests.support.audit_decoding import (
    STAMP,
    TIME_NS,
    audit_ids,
    decode,
    decode_one,
    dumped,
    event_json,
    field_of,
    list_json,
    value_at,
)

A, B, C = event_json("a"), event_json("b"), event_json("c")
DOCS_EVENT = Path(__file__).parents[2] / "data" / "k8s_audit" / "falco_docs_event.json"
SCALARS = [b"null", b"true", b"0", b"-1.5", b'""', b'"Event"']


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (A, ["a"]),
        (b" \r\n\t" + A + b"\n", ["a"]),
        (list_json(A, B), ["a", "b"]),
        (list_json(), []),
        (b'{"items":[' + A + b'],"kind":"EventList"}', ["a"]),
        (b"[]", []),
        (b"[[],[[]]]", []),
        (b"[" + A + b" , " + list_json(B) + b"]", ["a", "b"]),
        (b"[[" + A + b",[[" + list_json(B) + b"]]]," + C + b"]", ["a", "b", "c"]),
        (b"[" * ARRAYS_DEEP + A + b"]" * ARRAYS_DEEP, ["a"]),
        # The kind of an item is not looked at.
        (list_json(A.replace(b'"kind":"Event",', b"")), ["a"]),
        (list_json(A.replace(b'"Event"', b'"Pod"'), B.replace(b'"Event"', b"7"), C), ["a", "b", "c"]),
        (list_json(A.replace(b'"Event"', b'"EventList"')), ["a"]),
        # Neither are versions, levels, stages and keys that nobody knows.
        (event_json("a", apiVersion="audit.k8s.io/v9", level="None", stage="Later", new={"x": 1}), ["a"]),
        (event_json("a", apiVersion=None, level=0, stage=[]), ["a"]),
        (event_json("a", items=[1]), ["a"]),
        (event_json("a", items="x"), ["a"]),
        # Escapes are another spelling of the same text.
        (A.replace(b'"kind":"Event"', rb'"\u006bind":"\u0045vent"'), ["a"]),
        (list_json(A).replace(b'"EventList"', rb'"Event\u004cist"'), ["a"]),
        (list_json(A).replace(b'"items"', rb'"\u0069tems"'), ["a"]),
    ],
)
def test_events_of_a_body(body: bytes, ids: list[str]) -> None:
    decoded = decode(body)
    assert audit_ids(decoded) == ids
    assert (decoded.rejected, decoded.complaints) == (0, [])


def no_event(kind: str) -> str:
    return f"body: not an audit event: kind is {kind}, not Event or EventList"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "body: not JSON: there is no document"),
        (b" \n", "body: not JSON: there is no document"),
        (b"{", "body: not JSON: the document ends too early"),
        (A + B, 'body: not JSON: unexpected \'{"kind":"Eve\' at byte 77'),
        (A + b"]", "body: not JSON: unexpected ']' at byte 77"),
        (A[:-1], "body: not JSON: the document ends too early"),
        (list_json(A, b'{"a":01}'), "body: not JSON: unexpected '1}' at byte 144"),
        (b"[" + A + b"," + B, "body: not JSON: the document ends too early"),
        (b"[" + A + b",]", "body: not JSON: unexpected ']' at byte 79"),
        (b"\xef\xbb\xbf" + A, 'body: not JSON: unexpected \'\\ufeff{"kind":"\' at byte 0'),
        *((scalar, f"body: {NO_OBJECT}") for scalar in SCALARS),
        (b'{"kind":"EventList"}', f"body: {NO_ITEMS}"),
        *((b'{"kind":"EventList","items":%s}' % scalar, f"body: {NO_ITEMS}") for scalar in SCALARS),
        (b'{"kind":"EventList","items":{"0":' + A + b"}}", f"body: {NO_ITEMS}"),
        (b"{}", no_event("missing")),
        (b'{"kind":"Pod"}', no_event("Pod")),
        (A.replace(b'"Event"', b'"event"'), no_event("event")),
        (A.replace(b'"Event"', b"null"), no_event("null")),
        (A.replace(b'"Event"', b'["Event"]'), no_event('["Event"]')),
        (A.replace(b'"Event"', b'"' + b"x" * 99 + b'"'), no_event("x" * 60)),
        (b"[" + b"[" * ARRAYS_DEEP + A + b"]" * ARRAYS_DEEP + b"]", None),
    ],
)
def test_body_that_holds_no_event_is_refused_once(body: bytes, complaint: str | None) -> None:
    decoded = decode(body)
    assert decoded.events == []
    assert decoded.rejected == 1
    nested = f"body{'[0]' * ARRAYS_DEEP}: arrays are nested more than {ARRAYS_DEEP} deep"
    assert decoded.complaints == [complaint or nested]


NO_TIME = "stageTimestamp {!r} is not a time of RFC 3339 from 1970 on"
MISSING = "stageTimestamp is missing or empty"


@pytest.mark.parametrize(
    ("stamp", "complaint"),
    [
        (b"", MISSING),
        (b'"stageTimestamp":"",', MISSING),
        (b'"stageTimestamp":null,', NO_TIME.format("null")),
        (b'"stageTimestamp":1539994708,', NO_TIME.format("1539994708")),
        (b'"stageTimestamp":["2018-10-20T00:18:28Z"],', NO_TIME.format('["2018-10-20T00:18:28Z"]')),
        (b'"stageTimestamp":{},', NO_TIME.format("{}")),
        (b'"stageTimestamp":"yesterday",', NO_TIME.format("yesterday")),
        (b'"stageTimestamp":"1969-12-31T23:59:59Z",', NO_TIME.format("1969-12-31T23:59:59Z")),
        (b'"stageTimestamp":"2018-10-20t00:18:28Z",', NO_TIME.format("2018-10-20t00:18:28Z")),
        (b'"stageTimestamp":"%s",' % (b"9" * 99), NO_TIME.format("9" * 60)),
        # The first of two counts, even where only the second is a time.
        (b'"stageTimestamp":"x","stageTimestamp":"%s",' % STAMP.encode(), NO_TIME.format("x")),
        # Other times of an event are no substitute.
        (b'"timestamp":"%s","requestReceivedTimestamp":"2018-10-20T00:18:28Z",' % STAMP.encode(), MISSING),
    ],
)
def test_event_without_a_time_costs_only_itself(stamp: bytes, complaint: str) -> None:
    bad = b'{"kind":"Event",' + stamp + b'"auditID":"bad","verb":"get"}'
    for body, position, ids in (
        (bad, "body", []),
        (list_json(A, bad, B), "body items[1]", ["a", "b"]),
        (b"[" + A + b"," + bad + b"," + B + b"]", "body[1]", ["a", "b"]),
        (b"[[" + list_json(A, bad) + b"]," + B + b"]", "body[0][0] items[1]", ["a", "b"]),
    ):
        decoded = decode(body)
        assert audit_ids(decoded) == ids
        assert (decoded.rejected, decoded.complaints) == (1, [f"{position}: {complaint}"])


@pytest.mark.parametrize("strange", [*SCALARS, b"[]", b"[[" + C + b"]]"])
def test_item_that_is_no_object_costs_only_itself(strange: bytes) -> None:
    decoded = decode(list_json(A, strange, B))
    assert audit_ids(decoded) == ["a", "b"]
    assert decoded.complaints == [f"body items[1]: {NO_OBJECT}"]


@pytest.mark.parametrize("strange", [*SCALARS, b"{}", b'{"kind":"Pod"}', b'{"kind":"EventList","items":0}'])
def test_member_of_an_array_that_is_no_event_costs_only_itself(strange: bytes) -> None:
    decoded = decode(b"[" + A + b",[" + strange + b"]," + B + b"]")
    assert audit_ids(decoded) == ["a", "b"]
    assert decoded.rejected == 1
    assert [complaint.partition(":")[0] for complaint in decoded.complaints] == ["body[1][0]"]


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param({"verb": 5, "user": "alice", "objectRef": []}, id="types"),
        pytest.param({"user": None, "objectRef": None, "stage": None}, id="null"),
        pytest.param({"user": {"username": {"a": 1}}}, id="object for a text"),
    ],
)
def test_event_of_strange_types_is_one_as_are_its_neighbours(strange: dict[str, object]) -> None:
    decoded = decode(list_json(A, event_json("strange", **strange), B))
    assert audit_ids(decoded) == ["a", "strange", "b"]
    assert decoded.rejected == 0


def test_complaints_have_a_cap_and_the_others_are_counted() -> None:
    decoded = decode(list_json(*[b"0"] * (COMPLAINTS + 5), A))
    decoded.read(b"{", "other")
    assert audit_ids(decoded) == ["a"]
    assert decoded.rejected == COMPLAINTS + 6
    assert decoded.complaints == [f"body items[{index}]: {NO_OBJECT}" for index in range(COMPLAINTS)]


@pytest.mark.parametrize(
    ("body", "recognised"),
    [
        (list_json(), True),
        (list_json(b"0"), True),
        (b"[0," + list_json() + b"]", True),
        (b"[]", False),
        (b"0", False),
        (b'{"kind":"EventList"}', False),
    ],
)
def test_list_of_events_is_recognised_whatever_its_items(body: bytes, recognised: bool) -> None:
    assert decode(body).recognised is recognised


def test_event_without_audit_id_is_visible_to_jevt_only() -> None:
    named = event_json("a", verb="get", user={"username": "alice"}, sourceIPs=["10.0.0.1"])
    nameless = named.replace(b'"auditID":"a",', b"")
    for body in (nameless, list_json(A, nameless)):
        event = decode(body).events[-1]
        for field in ("ka.auditid", "ka.verb", "ka.user.name"):
            assert field_of(event, field) is None
        assert value_at(event, "/verb") == "get"
        assert value_at(event, "/user/username") == "alice"
        assert value_at(event, "/sourceIPs/0") == "10.0.0.1"
        assert field_of(event, "jevt.rawtime") == str(TIME_NS)
    assert field_of(decode_one(named), "ka.verb") == "get"


@pytest.mark.parametrize(("audit_id", "shown"), [(b"null", "null"), (b'""', ""), (b"5", "5"), (b"[]", "[]")])
def test_audit_id_of_any_kind_is_one(audit_id: bytes, shown: str) -> None:
    event = decode_one(event_json(verb="get").replace(b'"a-1"', audit_id))
    assert (field_of(event, "ka.auditid"), field_of(event, "ka.verb")) == (shown, "get")


@pytest.mark.parametrize(
    ("members", "pointer", "field", "value"),
    [
        (b'"verb":"a","verb":"b"', "/verb", "ka.verb", "a"),
        (rb'"v\u0065rb":"a","verb":"b"', "/verb", "ka.verb", "a"),
        (b'"verb":null,"verb":"b"', "/verb", "ka.verb", "null"),
        (b'"verb":"","verb":"b"', "/verb", "ka.verb", ""),
        (b'"user":{"username":"a"},"user":{"username":"b"}', "/user/username", "ka.user.name", "a"),
        (b'"user":{"username":"a","username":"b"}', "/user/username", "ka.user.name", "a"),
        (b'"user":5,"user":{"username":"b"}', "/user/username", "ka.user.name", None),
        (b'"objectRef":{"name":"a","x":1,"name":"b"}', "/objectRef/name", "ka.target.name", "a"),
        (b'"responseStatus":{"code":1,"code":2}', "/responseStatus/code", "ka.response.code", "1"),
        (
            b'"responseObject":{"metadata":{"name":"a","name":"b"}}',
            "/responseObject/metadata/name",
            "ka.resp.name",
            "a",
        ),
        (b'"responseStatus":{"code":200.0}', "/responseStatus/code", "ka.response.code", "200.0"),
        (b'"responseStatus":{"code":null}', "/responseStatus/code", "ka.response.code", "null"),
        (b'"responseStatus":{"reason":""}', "/responseStatus/reason", "ka.response.reason", ""),
        (b'"responseStatus":null', "/responseStatus/code", "ka.response.code", None),
        (rb'"verb":"a\u0000b"', "/verb", "ka.verb", "a"),
        (rb'"requestURI":"/a\u0000b"', "/requestURI", "ka.uri", "/a"),
        (rb'"verb":"\ud83d\ude00 \ud83d"', "/verb", "ka.verb", "\U0001f600 \ufffd"),
        (b'"verb":"\xff"', "/verb", "ka.verb", "\ufffd"),
        (b'"userAgent":"\xff"', "/userAgent", "ka.useragent", "\ufffd"),
        (b'"verb":{"b":1, "a":[2]}', "/verb", "ka.verb", '{"b":1,"a":[2]}'),
    ],
)
def test_fields_see_the_first_of_equal_keys_and_any_kind_of_value(
    members: bytes, pointer: str, field: str, value: str | None
) -> None:
    event = b'{"kind":"Event","auditID":"a","stageTimestamp":"' + STAMP.encode() + b'",' + members + b"}"
    for body in (event, list_json(B, event), b"[ " + event + b" ]"):
        found = decode(body).events[-1]
        assert (value_at(found, pointer), field_of(found, field)) == (value, value)


def test_first_of_two_lists_of_items_counts() -> None:
    body = b'{"kind":"EventList","items":[' + A + b'],"items":[' + B + b'],"kind":"Pod"}'
    assert audit_ids(decode(body)) == ["a"]


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_deep_event_is_refused_or_read_without_recursion(brackets: tuple[bytes, bytes]) -> None:
    def nested(levels: int) -> bytes:
        return A[:-1] + b',"requestObject":' + brackets[0] * levels + b"1" + brackets[1] * levels + b"}"

    for body in (nested(100_000), nested(100_000)[: 50_000 * len(brackets[0])], list_json(nested(100_000))):
        decoded = decode(body)
        assert (len(decoded.events), decoded.rejected) == (0, 1)
        assert f"nested more than {LEVELS_DEEP} levels deep" in decoded.complaints[0]
    decoded = decode(list_json(B, nested(LEVELS_DEEP - 10), C))
    assert audit_ids(decoded) == ["b", "a", "c"]
    deep = decoded.events[1]
    assert deep.text == nested(LEVELS_DEEP - 10)
    assert value_at(deep, "/requestObject") == deep.text[len(A) + 16 : -1].decode()


def test_deep_arrays_of_nothing_are_refused() -> None:
    for body in (b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000):
        decoded = decode(body)
        assert (len(decoded.events), decoded.rejected) == (0, 1)


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "strange"])
def test_event_of_several_megabytes_runs(plain: bool) -> None:
    data = {f"file{number}": "x" * 1_000_000 for number in range(5)}
    large = event_json("large", requestObject={"data": data}, verb="create" if plain else 7)
    decoded = decode(list_json(A, large, B))
    assert audit_ids(decoded) == ["a", "large", "b"]
    assert decoded.events[1].text == large
    assert value_at(decoded.events[1], "/requestObject/data/file4") == "x" * 1_000_000


def test_event_of_the_documentation_is_read() -> None:
    decoded = decode(DOCS_EVENT.read_bytes())
    assert (len(decoded.events), decoded.rejected) == (1, 0)
    event = decoded.events[0]
    assert event.time_ns == TIME_NS
    assert field_of(event, "ka.user.name") == "minikube-user"


def test_bodies_add_up_and_carry_the_cluster() -> None:
    decoded = Decoded("prod")
    decoded.read(A, "one")
    decoded.read(list_json(B, b"0"), "two")
    assert audit_ids(decoded) == ["a", "b"]
    assert decoded.labels == {"cluster": "prod"}
    assert [event.key for event in decoded.events] == ["prod/a/", "prod/b/"]
    assert decoded.complaints == [f"two items[1]: {NO_OBJECT}"]
    assert Decoded().labels == {}


def test_stamp_is_read_exactly() -> None:
    event = dumped({"kind": "Event", "stageTimestamp": "2018-10-20T05:48:28,428398123+05:30"})
    assert decode_one(event).time_ns == TIME_NS + 123
