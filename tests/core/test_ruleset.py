"""What a match shows: the message and the output fields (output-format, sections 1, 2, 6 and 7)."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.lang.text import SourceFile
from falcocore.rules.additions import Addition
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from falcocore.types import FieldType as Type

TYPES = {
    "t.str": Type.STRING,
    "t.path": Type.PATH,
    "t.num": Type.UINT64,
    "t.int": Type.INT32,
    "t.port": Type.PORT,
    "t.rel": Type.RELTIME,
    "t.dbl": Type.DOUBLE,
    "t.bool": Type.BOOL,
    "t.ip": Type.IPADDR,
    "t.ip4": Type.IPV4ADDR,
    "t.net": Type.IPNET,
    "t.buf": Type.BUFFER,
}
LISTS = {"t.strs": Type.STRING, "t.nums": Type.UINT64, "t.bools": Type.BOOL, "t.ips": Type.IPADDR}


def _field(name: str, kind: Type, **more: Any) -> Field:
    return Field(name, kind, "d", lambda event: event.get(name), **more)


def _keyed(name: str, kind: ArgumentKind) -> Field:
    def bind(argument: Any) -> Any:
        return lambda event: event.get((name, argument))

    return Field(name, Type.STRING, "d", bind, argument=Argument(kind))


def _table() -> FieldTable:
    fields = [
        *(_field(name, kind) for name, kind in TYPES.items()),
        *(_field(name, kind, is_list=True) for name, kind in LISTS.items()),
        _keyed("t.key", ArgumentKind.KEY),
        _keyed("t.index", ArgumentKind.INDEX),
        _field("t.octal", Type.UINT32, text=lambda number: f"0{number:o}"),
        _field("t.hint", Type.STRING, suggested=True),
    ]
    return FieldTable("ticks", [(field, "test") for field in fields])


def compiled(output: str, *additions: Addition, generation: int = 0) -> RuleSet:
    text = "\n".join(
        ["- rule: r", "  desc: d", "  source: ticks", "  priority: INFO", "  condition: t.hint != never"]
    )
    file = SourceFile("r.yaml", f"{text}\n  output: >-\n    {output}\n")
    catalogue = Catalogue({"ticks": _table()}, frozenset({"ticks"}))
    loaded = load([file], catalogue, LoadSettings(additions=additions), generation)
    assert loaded.errors == []
    return loaded.rule_sets["ticks"]


def alert(output: str, event: dict[Any, Any], *additions: Addition) -> tuple[str, dict[str, Any]]:
    """(message, output fields) of the alert for an event, which always matches."""
    stream = Stream("ticks", "ticks", "ticks", "host")
    ((rule, values),) = compiled(output, *additions).match({"t.hint": "h", **event}, stream)
    return rule.rendered(values)


@pytest.mark.parametrize(
    ("name", "value", "text", "json"),
    [
        ("t.str", "a b", "a b", "a b"),
        ("t.str", "", "", ""),
        ("t.str", '100% "é"\n\\', '100% "é"\n\\', '100% "é"\n\\'),
        ("t.path", "/a//b", "/a//b", "/a//b"),
        ("t.num", 18446744073709551615, "18446744073709551615", 18446744073709551615),
        ("t.num", 0, "0", 0),
        ("t.int", -7, "-7", -7),
        ("t.port", 443, "443", 443),
        ("t.rel", 1_000_000_001, "1000000001", 1_000_000_001),
        ("t.dbl", 2.75, "2.8", 2),
        ("t.dbl", 3.0, "3.0", 3),
        ("t.dbl", -0.96, "-1.0", 0),
        ("t.bool", True, "true", True),
        ("t.bool", False, "false", False),
        ("t.ip", b"\x0a\x00\x02\xff", "10.0.2.255", "10.0.2.255"),
        ("t.ip4", b"\x7f\x00\x00\x01", "127.0.0.1", "127.0.0.1"),
        ("t.ip", b"\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x01", "2001:db8::1", "2001:db8::1"),
        ("t.net", b"\x0a\x00\x02\x00", "<IPNET>", "<IPNET>"),
        ("t.buf", b"GET /\0\xff\n", "GET /...", "GET /..."),
        ("t.buf", b"x" * 1024, "x" * 1023, "x" * 1023),
        ("t.strs", ["a", "b c", ""], "(a,b c,)", ["a", "b c", ""]),
        ("t.strs", ["a"], "(a)", ["a"]),
        ("t.nums", [1, 20], "(1,20)", [1, 20]),
        ("t.bools", [True, False], "(true,false)", [True, False]),
        ("t.ips", [b"\x01\x02\x03\x04", b"\0" * 16], "(1.2.3.4,::)", ["1.2.3.4", "::"]),
        ("t.strs", ["x" * 2000], "(" + "x" * 1022, ["x" * 2000]),
        ("t.octal", 493, "0755", 493),
    ],
)
def test_a_value_by_its_type_in_text_and_json(name: str, value: object, text: str, json: object) -> None:
    message, fields = alert(f"<%{name}>", {name: value})
    assert message == f"<{text}>"
    assert fields == {name: json}
    assert type(fields[name]) is type(json)


@pytest.mark.parametrize("name", [*TYPES, *LISTS, "t.octal", "t.key[a]", "t.index[0]"])
@pytest.mark.parametrize("absent", [None, []])
def test_an_absent_value_is_na_in_text_and_null_in_json(name: str, absent: object) -> None:
    assert alert(f"x=%{name}", {name: absent}) == ("x=<NA>", {name: None})


@pytest.mark.parametrize(
    ("written", "key", "event"),
    [
        ("%t.key[foo]", "t.key[foo]", ("t.key", "foo")),
        ('%t.key["foo"]', "t.key[foo]", ("t.key", "foo")),
        ('%t.key["a b"]', 't.key["a b"]', ("t.key", "a b")),
        ('%t.key["a=b"]', 't.key["a=b"]', ("t.key", "a=b")),
        ("%t.key[/a/0]", "t.key[/a/0]", ("t.key", "/a/0")),
        ("%t.key", "t.key", ("t.key", None)),
        ("%t.index[10]", "t.index[10]", ("t.index", 10)),
    ],
)
def test_a_field_with_an_argument_has_it_in_its_key(
    written: str, key: str, event: tuple[str, object]
) -> None:
    assert alert(f"x {written}!", {event: "v"}) == ("x v!", {key: "v"})


@pytest.mark.parametrize(
    ("output", "message", "keys"),
    [
        ("nothing of the event", "nothing of the event", []),
        ("%t.num %t.str", "7 AbC", ["t.num", "t.str"]),
        ("%t.str %t.num %t.str", "AbC 7 AbC", ["t.str", "t.num"]),
        ("%t.str.txt", "AbC.txt", ["t.str"]),
        ("[%2t.str][%5t.num]", "[Ab][7    ]", ["t.str", "t.num"]),
        ("%tolower(t.str)", "abc", ["t.str"]),
        ('%join("-", t.strs) %len(t.str)', "p-q 3", ["t.strs", "t.str"]),
        ("%toupper(t.path) %t.num", "<NA> 7", ["t.path", "t.num"]),
    ],
)
def test_output_fields_are_the_plain_fields_of_the_template_each_once(
    output: str, message: str, keys: list[str]
) -> None:
    event = {"t.str": "AbC", "t.num": 7, "t.strs": ["p", "q"]}
    found, fields = alert(output, event)
    assert found == message
    assert list(fields) == keys
    assert fields == {key: event.get(key) for key in keys}


@pytest.mark.parametrize(
    ("addition", "message", "more"),
    [
        (Addition(output="on %t.num"), "m=AbC on 7", {"t.num": 7}),
        (
            Addition(fields=("t.num", "t.path", "t.strs")),
            "m=AbC",
            {"t.num": 7, "t.path": None, "t.strs": ["p"]},
        ),
        (Addition(fields=("t.str",)), "m=AbC", {}),
        (Addition(fields=("t.key[a]",)), "m=AbC", {"t.key[a]": None}),
        (Addition(formatted=(("n", "%t.num"),)), "m=AbC", {"n": "7"}),
        (Addition(formatted=(("n", "%t.path and %t.num"),)), "m=AbC", {"n": "<NA> and 7"}),
        (
            Addition(formatted=(("t.num", "no %t.strs"),), fields=("t.dbl",)),
            "m=AbC",
            {"t.dbl": None, "t.num": "no (p)"},
        ),
        (Addition(suggested=True), "m=AbC t_hint=h", {"t.hint": "h"}),
        (Addition(rule="another", output="x", fields=("t.num",)), "m=AbC", {}),
    ],
)
def test_what_the_configuration_adds(addition: Addition, message: str, more: dict[str, Any]) -> None:
    event = {"t.str": "AbC", "t.num": 7, "t.strs": ["p"]}
    assert alert("m=%t.str", event, addition) == (message, {"t.str": "AbC", **more})


def test_additions_apply_in_the_order_of_the_configuration() -> None:
    additions = (
        Addition(output="one", formatted=(("k", "1"),)),
        Addition(output="two", formatted=(("k", "2"),)),
    )
    assert alert("m", {}, *additions) == ("m one two", {"k": "2"})


def test_one_match_does_not_change_another() -> None:
    rules = compiled("%t.strs")
    stream = Stream("ticks", "ticks", "ticks", "host")
    first, second = (rules.match({"t.hint": "h", "t.strs": [text]}, stream)[0] for text in "ab")
    assert [rule.rendered(values)[0] for rule, values in (first, second, first)] == ["(a)", "(b)", "(a)"]


def test_a_rule_set_knows_its_source_its_rules_and_its_generation() -> None:
    rules = compiled("o", generation=4)
    assert (rules.source, [rule.name for rule in rules.rules], rules.generation) == ("ticks", ["r"], 4)
    with pytest.raises(AttributeError):
        rules.generation = 5  # type: ignore[misc]
