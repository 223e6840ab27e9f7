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
from falcocore.lang.grammar import parse_condition
from falcocore.lang.template import parse_template
from falcocore.lang.text import Text
from falcocore.ruleset import Rule, RuleSet
from falcocore.source import Stream
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
    assert rule.message(values) == "9 <5>"
    assert rule.output_fields(values) == {"t.num": 9, "t.time": 5}


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
