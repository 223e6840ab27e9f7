"""Fields of the whole event as a JSON document; they need no `auditID`."""

from __future__ import annotations

import pytest

from falcocore.lang.diagnostics import ConditionError
from falcocore.types import Value
from falcocore_k8s_audit.decode import Decoded
from tests.support.audit_fields import Document, bound, check, decode, holds, value_in

AUDIT_ID = '"auditID":"a-1",'
TEXT = (
    '{"kind":"Event",' + AUDIT_ID + '"stageTimestamp":"2018-10-20T00:18:28.428398Z","stage":"Panic",'
    '"user":{"username":"alice","groups":["g1","g2"]},"verb":"get","verb":"list","empty":{},'
    '"n":{"point":1.50,"power":1E3,"big":12345678901234567890,"minus":-0.0,"yes":true,"no":false,'
    '"nothing":null,"text":"a\\u0041\\n\\"","blank":"","nul":"up to\\u0000here","twice":1,"twice":2,'
    '"object":{"b" : 1, "a":[ {"c" : "x\\u0041 y"} ]},"array":[10, [20,30]],'
    '"":"empty key","a/b":"slash","m~n":"tilde","~1":"escaped","~":"lone","0":"zero","sp ace":"blank"}}'
)
ANONYMOUS = TEXT.replace(AUDIT_ID, "")
BOTH = pytest.mark.parametrize("text", [TEXT, ANONYMOUS], ids=["with auditID", "without"])


@BOTH
@pytest.mark.parametrize("prefix", ["jevt", "json"])
@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/stage", "Panic"),
        ("stage", "Panic"),
        ("/user/username", "alice"),
        ("user/username", "alice"),
        ("/user", '{"username":"alice","groups":["g1","g2"]}'),
        ("/user/groups", '["g1","g2"]'),
        ("/user/groups/1", "g2"),
        ("/verb", "get"),
        ("/empty", "{}"),
        # Numbers keep their spelling, words are words, and null is there.
        ("/n/point", "1.50"),
        ("/n/power", "1E3"),
        ("/n/big", "12345678901234567890"),
        ("/n/minus", "-0.0"),
        ("/n/yes", "true"),
        ("/n/no", "false"),
        ("/n/nothing", "null"),
        ("/n/text", 'aA\n"'),
        ("/n/blank", ""),
        ("/n/nul", "up to"),
        ("/n/twice", "1"),
        # Objects and arrays are compact, in the document's order and with its escapes.
        ("/n/object", '{"b":1,"a":[{"c":"x\\u0041 y"}]}'),
        ("/n/object/a", '[{"c":"x\\u0041 y"}]'),
        ("/n/object/a/0/c", "xA y"),
        # An array takes any spelling of a whole number.
        ("/n/array/0", "10"),
        ("/n/array/01", "[20,30]"),
        ("/n/array/+1", "[20,30]"),
        ("/n/array/1/1", "30"),
        ("/n/array/2", None),
        ("/n/array/-1", None),
        ("/n/array/-", None),
        ("/n/array/x", None),
        ("/n/array/99999999999999999999", None),
        # An object takes keys as they are, after RFC 6901's escapes.
        ("/n/0", "zero"),
        ("/n/00", None),
        ("/n/", "empty key"),
        ("/n/a~1b", "slash"),
        ("/n/m~0n", "tilde"),
        ("/n/~01", "escaped"),
        ("/n/~", "lone"),
        ("/n/sp ace", "blank"),
        ("/n/Object", None),
        ("/n/point/x", None),
        ("/n/text/0", None),
        ("/", None),
        ("/missing/deeply", None),
    ],
)
def test_value_at_a_json_pointer(prefix: str, text: str, pointer: str, value: Value) -> None:
    assert value_in(decode(text.encode()), f'{prefix}.value["{pointer}"]') == value


def test_lone_slash_is_the_empty_key() -> None:
    text = TEXT[:-1] + ',"":"at the root"}'
    assert value_in(decode(text.encode()), "jevt.value[/]") == "at the root"


@pytest.mark.parametrize("prefix", ["jevt", "json"])
def test_value_needs_a_pointer(prefix: str) -> None:
    _, report = check(f"{prefix}.value exists")
    assert f"needs an argument: {prefix}.value[key]" in report.errors[0].message
    with pytest.raises(ConditionError):
        check(f"{prefix}.value[] exists")


@BOTH
@pytest.mark.parametrize("prefix", ["jevt", "json"])
def test_raw_time_is_in_nanoseconds(prefix: str, text: str) -> None:
    assert value_in(decode(text.encode()), f"{prefix}.rawtime") == "1539994708428398000"


SMALL = (
    '{ "kind":"Event",\t"stageTimestamp" : "2018-10-20T00:18:28Z",\n "z":[1.0, {}],'
    ' "a":{"k":"v\\u0041 w","k":2}, "e":[] }'
)
COMPACT = (
    '{"kind":"Event","stageTimestamp":"2018-10-20T00:18:28Z","z":[1.0,{}],'
    '"a":{"k":"v\\u0041 w","k":2},"e":[]}'
)
INDENTED = """{
  "kind": "Event",
  "stageTimestamp": "2018-10-20T00:18:28Z",
  "z": [
    1.0,
    {}
  ],
  "a": {
    "k": "v\\u0041 w",
    "k": 2
  },
  "e": []
}"""


def test_whole_event_keeps_order_repeated_keys_and_escapes() -> None:
    event = decode(SMALL.encode())
    assert value_in(event, "evt.plugininfo") == COMPACT
    assert value_in(event, "jevt.obj") == INDENTED
    assert value_in(event, "json.obj") == INDENTED


def test_whole_event_of_a_list_is_one_item() -> None:
    decoded = Decoded()
    other = COMPACT.replace("2018", "2019")
    decoded.read(f'{{"kind":"EventList","items":[{other}, {SMALL}]}}'.encode(), "body")
    assert [value_in(event, "evt.plugininfo") for event in decoded.events] == [other, COMPACT]
    assert value_in(decoded.events[1], "jevt.obj") == INDENTED
    assert value_in(decoded.events[1], "jevt.value[/z/0]") == "1.0"


def test_bytes_that_are_no_utf_8_become_a_replacement_character() -> None:
    body = SMALL.encode().replace(b" w", b"\xff")
    for field in ("evt.plugininfo", "jevt.obj"):
        found = value_in(decode(body), field)
        assert isinstance(found, str)
        assert "v\\u0041\ufffd" in found
    assert value_in(decode(body), "jevt.value[/a/k]") == "vA\ufffd"


def test_present_null_and_empty_text_exist() -> None:
    document: Document = {"n": None, "t": "", "o": {}}
    for key in document:
        assert holds(f"jevt.value[/{key}] exists", document)
    assert not holds("jevt.value[/x] exists", document)
    assert not holds("jevt.value[/x] != y", document)


def test_one_field_serves_many_events() -> None:
    field = bound("jevt.value[/verb]")
    texts = [COMPACT.replace('"e"', f'"verb":"{verb}","e"') for verb in ("get", "list")]
    assert [field.getter(decode(text.encode())) for text in texts] == ["get", "list"]
