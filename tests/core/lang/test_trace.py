"""Conditions watched: outcomes, values, what was not come to, names of macros; and never another result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.printer import print_condition
from falcocore.lang.resolve import Resolved, resolve
from falcocore.lang.syntax import And, Check, MacroRef, Node, Not, Or
from falcocore.lang.text import Text
from falcocore.lang.trace import Part, Step, parts_of, trace
from tests.core.lang.conftest import Names
from tests.support.condition_strategies import bounded, conditions, events

Bind = Callable[..., tuple[BoundNode | None, Report]]


def written_with(macros: dict[str, str], condition: str) -> tuple[Node, dict[str, Node], Names]:
    """A condition and its macros as written, and the scope in which it is resolved."""
    trees: dict[str, Node] = {}
    names = Names()
    for name, text in macros.items():
        trees[name] = parse_condition(Text.plain(text))
        resolved = resolve(trees[name], names, Report(), name)
        assert resolved is not None
        names.macros[name] = resolved
    return parse_condition(Text.plain(condition)), trees, names


def shape(step: Step) -> Any:
    """(what, outcome, parts) as texts and tuples."""
    match step.part.node:
        case Check():
            return print_condition(step.part.node), step.outcome
        case MacroRef(name):
            what = name
        case node:
            what = type(node).__name__.lower()
    return what, step.outcome, *map(shape, step.steps)


MACROS = {"inner": "s.a = x", "outer": "inner or s.b = y", "never": "not inner"}


@pytest.mark.parametrize(
    ("condition", "event", "expected"),
    [
        ("s.a = x", {"s.a": "x"}, ("s.a = x", True)),
        ("s.a = x", {}, ("s.a = x", False)),
        ("not s.a = x", {}, ("not", True, ("s.a = x", False))),
        (
            "s.a = x and s.b = y and s.c exists",
            {"s.a": "x"},
            ("and", False, ("s.a = x", True), ("s.b = y", False), ("s.c exists", None)),
        ),
        (
            "s.a = x or (s.b = y and not s.c exists)",
            {"s.a": "x"},
            (
                "or",
                True,
                ("s.a = x", True),
                ("and", None, ("s.b = y", None), ("not", None, ("s.c exists", None))),
            ),
        ),
        (
            "outer and s.c = z",
            {"s.b": "y", "s.c": "z"},
            (
                "and",
                True,
                ("outer", True, ("or", True, ("inner", False, ("s.a = x", False)), ("s.b = y", True))),
                ("s.c = z", True),
            ),
        ),
        # What cancels out on the compiled tree is shown as it was written.
        (
            "not never",
            {"s.a": "x"},
            ("not", True, ("never", False, ("not", False, ("inner", True, ("s.a = x", True))))),
        ),
    ],
)
def test_each_part_has_its_outcome(condition: str, event: dict[str, Any], expected: Any, bind: Bind) -> None:
    written, trees, names = written_with(MACROS, condition)
    bound, _ = bind(condition, names)
    assert bound is not None
    step = trace(parts_of(written, trees, bound), lambda field: field.getter(event))
    assert shape(step) == expected


@pytest.mark.parametrize(
    ("condition", "event", "expected"),
    [
        ("s.a = x", {"s.a": "v"}, [("s.a", "v", False)]),
        ("s.a = x", {}, [("s.a", "<NA>", True)]),
        ("s.k[q] exists", {"s.k[q]": "v"}, [("s.k[q]", "v", False)]),
        ("ls.a in (x)", {"ls.a": ["x", "y"]}, [("ls.a", "(x,y)", False)]),
        ("ls.a in (x)", {"ls.a": []}, [("ls.a", "<NA>", True)]),
        ("b.a = true", {"b.a": False}, [("b.a", "false", False)]),
        ("ip.a = 10.0.0.1", {"ip.a": b"\x0a\0\0\2"}, [("ip.a", "10.0.0.2", False)]),
        # A transformer's result, and what it was made of.
        ("tolower(s.a) = x", {"s.a": "V"}, [("tolower(s.a)", "v", False), ("s.a", "V", False)]),
        ("len(ls.a) = 1", {"ls.a": ["x", "y"]}, [("len(ls.a)", "2", False), ("ls.a", "(x,y)", False)]),
        ("s.a = val(s.b)", {"s.a": "v", "s.b": "w"}, [("s.a", "v", False), ("s.b", "w", False)]),
        # The right side is not looked at where the left one is absent.
        ("s.a = val(s.b)", {"s.b": "w"}, [("s.a", "<NA>", True)]),
    ],
)
def test_a_check_tells_what_it_read(
    condition: str, event: dict[str, Any], expected: list[tuple[str, str, bool]], bind: Bind
) -> None:
    bound, _ = bind(condition)
    assert bound is not None
    written = parse_condition(Text.plain(condition))
    step = trace(parts_of(written, {}, bound), lambda field: field.getter(event))
    assert [(one.name, one.text, one.is_absent) for one in step.readings] == expected


@pytest.mark.parametrize(
    ("condition", "event", "expected"),
    [
        ("s.a = x and s.b = y", {"s.a": "x"}, ("and", False, ("s.b = y", False))),
        (
            "s.a = x and s.b = y",
            {"s.a": "x", "s.b": "y"},
            ("and", True, ("s.a = x", True), ("s.b = y", True)),
        ),
        ("s.a = x or s.b = y", {"s.b": "y"}, ("or", True, ("s.b = y", True))),
        ("s.a = x or s.b = y", {}, ("or", False, ("s.a = x", False), ("s.b = y", False))),
        (
            "not (s.a = x or s.b = y) and s.c = z",
            {"s.b": "y"},
            ("and", False, ("not", False, ("or", True, ("s.b = y", True)))),
        ),
    ],
)
def test_only_what_decided_is_left(condition: str, event: dict[str, Any], expected: Any, bind: Bind) -> None:
    bound, _ = bind(condition)
    assert bound is not None
    written = parse_condition(Text.plain(condition))
    step = trace(parts_of(written, {}, bound), lambda field: field.getter(event))
    assert shape(step.decisive()) == expected


def test_exceptions_are_named(bind: Bind) -> None:
    condition = "(s.a = x or s.b = y) and not s.c = z and not s.c = w"
    bound, _ = bind(condition)
    assert bound is not None
    whole = parts_of(parse_condition(Text.plain(condition)), {}, bound, ["one", "two"])
    assert [part.exception for part in whole.parts] == [None, "one", "two"]


class _Rule:
    captures = ()

    def __init__(self, condition: BoundNode) -> None:
        self.condition = condition


@st.composite
def with_macros(draw: st.DrawFn) -> tuple[Node, dict[str, Node]]:
    """A condition in which some parts are macros, macros of macros among them."""
    macros: dict[str, Node] = {}

    def hidden(node: Node) -> Node:
        match node:
            case Not(child):
                node = Not(hidden(child))
            case And(children) | Or(children):
                node = type(node)(tuple(hidden(child) for child in children))
        if draw(st.integers(0, 3)):
            return node
        macros[f"m{len(macros)}"] = node
        return MacroRef(f"m{len(macros) - 1}")

    return hidden(draw(conditions())), macros


@bounded
@given(made=st.lists(with_macros(), min_size=1, max_size=4), event=events(), first=st.booleans())
def test_what_is_explained_is_what_matches(
    made: list[tuple[Node, dict[str, Node]]], event: dict[str, Any], first: bool, fields: FieldTable
) -> None:
    rules, parts = [], {}
    for written, macros in made:
        names = Names()
        for name, tree in macros.items():
            resolved: Resolved | None = resolve(tree, names, Report(), name)
            assert resolved is not None
            names.macros[name] = resolved
        whole = resolve(written, names, Report(), "rule")
        assert whole is not None
        bound = check_condition(whole.node, fields, Report(), "rule")
        if bound is not None:
            rules.append(_Rule(bound))
            parts[rules[-1]] = parts_of(written, macros, bound)
    assume(rules)
    steps = {rule: trace(part, lambda field: field.getter(event)) for rule, part in parts.items()}
    expected = [rule for rule in rules if steps[rule].outcome]
    found = Program(rules, first=first, least_rules=1).link()(event, None)
    assert [rule for rule, _ in found] == (expected[:1] if first else expected)
    for rule in rules:
        assert [step.part for step in steps[rule].checks()] == list(parts[rule].checks())
        assert steps[rule].decisive().outcome is steps[rule].outcome
        # What decided decides alone: nothing that is left out was needed for the outcome.
        assert _decided(steps[rule].decisive()) is steps[rule].outcome


def _decided(step: Step) -> bool:
    """The outcome that follows from the steps below."""
    inner = [_decided(one) for one in step.steps]
    match step.part.node:
        case And():
            return all(inner)
        case Or():
            return any(inner)
        case Not():
            return not inner[0]
        case MacroRef():
            return inner[0]
        case Check():
            assert step.outcome is not None
            return step.outcome


def test_a_part_is_its_own_key(bind: Bind) -> None:
    bound, _ = bind("s.a = x and s.a = x")
    assert bound is not None
    whole: Part = parts_of(parse_condition(Text.plain("s.a = x and s.a = x")), {}, bound)
    assert len(set(whole.checks())) == 2
