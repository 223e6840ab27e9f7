"""What the generated function returns, how often it reads a field, and how it is guarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.fields import Field, FieldTable
from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import Report
from falcocore.lang.dispatcher import Room
from falcocore.lang.grammar import parse_condition
from falcocore.lang.template import parse_template
from falcocore.lang.text import Text
from falcocore.ruleset import Rule, RuleSet
from falcocore.stream import Stream
from falcocore.types import FieldType, Priority

Bind = Callable[..., tuple[BoundNode | None, Report]]
STREAM = Stream("counted", "counted", "counted", "host", num=9)


class Reads:
    """A source with three fields; counts how often each is read."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.table = FieldTable("counted")
        for name in ("t.a", "t.b", "t.c"):
            self.table.add(Field(name, FieldType.STRING, "d", self._getter(name)), "test")
        self.table.add(Field("t.bad", FieldType.STRING, "d", self._raise), "bad plugin")
        number = Field("t.num", FieldType.UINT64, "d", lambda _event, stream: stream.num, of_stream=True)
        self.table.add(number, "core")
        shown = Field(
            "t.time",
            FieldType.STRING,
            "d",
            lambda e: e["t"],
            captured=lambda _event: 5,
            text=lambda n: f"<{n}>",
        )
        self.table.add(shown, "core")

    def _getter(self, name: str) -> Callable[[dict[str, Any]], Any]:
        def get(event: dict[str, Any]) -> Any:
            self.counts[name] = self.counts.get(name, 0) + 1
            return event.get(name)

        return get

    @staticmethod
    def _raise(_event: object) -> Any:
        raise KeyError("broken")

    def rule(self, name: str, condition: str, output: str = "o") -> Rule:
        bound = check_condition(parse_condition(Text.plain(condition)), self.table, Report(), name)
        assert bound is not None
        template = parse_template(Text.plain(output), self.table)
        return Rule(
            name, "counted", Priority.DEBUG, (), "d", bound, template, template.fields, len(template.fields)
        )

    def match(
        self, rules: list[Rule], event: dict[str, Any], *, first: bool = True
    ) -> list[tuple[str, tuple[Any, ...]]]:
        found = RuleSet.compiled("counted", rules, first=first).match(event, STREAM)
        return [(rule.name, values) for rule, values in found]


@pytest.fixture
def reads() -> Reads:
    return Reads()


def test_condition_and_output_share_one_read(reads: Reads) -> None:
    rules = [
        reads.rule("no", "t.a = n or t.b = n"),
        reads.rule("yes", "t.a = x and not t.b exists", "%t.a %t.b %t.c"),
    ]
    assert reads.match(rules, {"t.a": "x", "t.c": "z"}) == [("yes", ("x", None, "z"))]
    assert reads.counts == {"t.a": 1, "t.b": 1, "t.c": 1}


def test_fields_are_read_only_where_a_rule_comes_to_them(reads: Reads) -> None:
    assert reads.match([reads.rule("r", "t.a = x and t.b = y", "%t.c")], {"t.a": "n"}) == []
    assert reads.counts == {"t.a": 1}


@pytest.mark.parametrize(("first", "names"), [(True, ["one"]), (False, ["one", "three"])])
def test_rules_match_in_order(reads: Reads, first: bool, names: list[str]) -> None:
    rules = [reads.rule("one", "t.a = x"), reads.rule("two", "t.a = y"), reads.rule("three", "t.a exists")]
    assert [name for name, _ in reads.match(rules, {"t.a": "x"}, first=first)] == names


def test_fields_of_the_stream_and_captured_values(reads: Reads) -> None:
    rule = reads.rule("r", "t.num > 8 and t.time startswith no", "%t.num %t.time")
    ((_, values),) = reads.match([rule], {"t": "noon"})
    assert values == (9, 5)
    assert rule.rendered(values)[0] == "9 <5>"
    assert rule.rendered(values)[1] == {"t.num": 9, "t.time": 5}


def test_guarded_function_reads_a_raising_field_as_absent(reads: Reads) -> None:
    rules = RuleSet.compiled(
        "counted", [reads.rule("r", "not t.bad exists and t.a = x", "%t.bad")], first=True
    )
    with pytest.raises(KeyError):
        rules.match({"t.a": "x"}, STREAM)
    failures: list[tuple[str, str]] = []

    def note(bound: BoundField, error: Exception) -> None:
        failures.append((bound.label, str(error)))

    ((rule, values),) = rules.guarded(note)({"t.a": "x"}, STREAM)
    assert (rule.name, values) == ("r", (None,))
    assert failures == [("t.bad", "'broken'")]


def test_rule_set_without_rules_matches_nothing() -> None:
    assert Program([], first=True).link()({}, None) == ()


# --- dispatch -------------------------------------------------------------------------------------------


CONDITIONS = {
    "get": "t.a = get and t.b = pods",
    "any pods": "t.b = pods",
    "prefix": "t.a startswith up and t.b != pods",
    "absent": "not t.a exists and t.c = c",
}
EVENTS: list[tuple[dict[str, str], list[str]]] = [
    ({"t.a": "get", "t.b": "pods"}, ["get", "any pods"]),
    ({"t.a": "other", "t.b": "pods"}, ["any pods"]),
    ({"t.a": "update", "t.b": "nodes"}, ["prefix"]),
    ({"t.a": "other", "t.b": "nodes"}, []),
    ({"t.a": "update"}, []),
    ({"t.c": "c"}, ["absent"]),
    ({}, []),
]


def program(reads: Reads, *, first: bool = True) -> Program:
    rules = [reads.rule(name, condition) for name, condition in CONDITIONS.items()]
    return Program(rules, first=first, least_rules=1)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("most_functions", [0, 2, 100])
def test_rules_match_the_same_in_any_room_for_keys(first: bool, most_functions: int, reads: Reads) -> None:
    room = Room(functions=most_functions)
    match = program(reads, first=first).link(room=room)
    for event, names in EVENTS * 2:
        found = [rule.name for rule, _ in match(event, STREAM)]
        assert found == (names[:1] if first else names), event
    assert (room.functions == 0) is (most_functions < 100)


def test_values_that_no_rule_mentions_share_a_function(reads: Reads) -> None:
    room = Room()
    match = program(reads).link(room=room)
    for number in range(500):
        assert list(match({"t.a": f"a{number}", "t.b": f"b{number}"}, STREAM)) == []
    assert Room().functions - room.functions == 1


MANY = {
    **{f"user {n}": f"t.a = get and t.b = u{n} and t.c contains c" for n in range(10)},
    **{f"prefix {n}": f"t.b startswith p{n}- and t.c contains c" for n in range(10)},
    "long prefix": "t.b startswith p1-x and t.a != get",
    "anything": "t.c = any",
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("most_functions", [0, 3, 1000])
@pytest.mark.parametrize(
    ("event", "names"),
    [
        ({"t.a": "get", "t.b": "u3", "t.c": "c"}, ["user 3"]),
        ({"t.a": "get", "t.b": "u33", "t.c": "c"}, []),
        ({"t.a": "put", "t.b": "u3", "t.c": "c"}, []),
        ({"t.a": "get", "t.b": "p1-", "t.c": "c"}, ["prefix 1"]),
        ({"t.a": "get", "t.b": "p1-x", "t.c": "c"}, ["prefix 1"]),
        ({"t.a": "put", "t.b": "p1-xyz", "t.c": "c"}, ["prefix 1", "long prefix"]),
        ({"t.a": "put", "t.b": "p1-xyz", "t.c": "d"}, ["long prefix"]),
        ({"t.a": "put", "t.b": "p1", "t.c": "c"}, []),
        ({"t.b": "p9-", "t.c": "any"}, ["anything"]),
        ({"t.c": "any"}, ["anything"]),
        ({"t.a": "get", "t.b": "", "t.c": "c"}, []),
    ],
)
def test_many_rules_that_are_left_are_dispatched_on_further_fields(
    event: dict[str, str], names: list[str], first: bool, most_functions: int, reads: Reads
) -> None:
    rules = [reads.rule(name, condition) for name, condition in MANY.items()]
    match = Program(rules, first=first).link(room=Room(functions=most_functions))
    for _ in range(2):
        found = [rule.name for rule, _ in match(event, STREAM)]
        assert found == (names[:1] if first else names)


def test_checks_that_a_key_decides_are_not_in_its_code(reads: Reads) -> None:
    rule = reads.rule("r", "t.a = get and t.b = pods and t.c contains c")
    program = Program([rule], first=True, least_rules=1)
    labels = [field.bound.label for field in program.key]
    pods = program.source(tuple({"t.a": "get", "t.b": "pods"}[label] for label in labels))
    assert "'pods'" not in pods
    assert "'c'" in pods
    assert "'pods'" in program.source()
    nodes = program.source(tuple({"t.a": "get", "t.b": None}[label] for label in labels))
    assert "'c'" not in nodes


def test_key_field_that_raises_reads_as_absent_where_it_is_guarded(reads: Reads) -> None:
    rules = [reads.rule("bad", "t.bad = x"), reads.rule("not bad", "not t.bad = x and t.a = x")]
    failures: list[str] = []

    def guard(bound: BoundField, getter: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any) -> Any:
            try:
                return getter(*arguments)
            except KeyError:
                failures.append(bound.label)
                return None

        return guarded

    ((rule, _),) = Program(rules, first=True, least_rules=1).link(guard)({"t.a": "x"}, STREAM)
    assert (rule.name, failures) == ("not bad", ["t.bad"])
