"""What follows from what: never more than is true, and all that rules are likely to say."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundAnd, BoundNode, BoundNot, BoundOr
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Report
from falcocore.lang.evaluate import evaluate
from falcocore.lang.implication import claim, implies, labels
from falcocore.lang.syntax import And, Node, Or
from tests.support.condition_strategies import bounded, conditions, events

Bind = Callable[..., tuple[BoundNode | None, Report]]


@pytest.mark.parametrize(
    ("first", "second", "follows"),
    [
        ("s.a = x", "s.a = x", True),
        ("s.a = x", "s.a = y", False),
        ("s.a = x", "s.b = x", False),
        ("s.a = x", "s.a in (x, y)", True),
        ("s.a in (x, y)", "s.a = x", False),
        ("s.a in (x, y)", "s.a in (y, x, z)", True),
        ("s.a in (x, y)", "s.a in (x, z)", False),
        ("s.a = xyz", "s.a startswith xy", True),
        ("s.a = xyz", "s.a regex 'x.*'", True),
        ("s.a = xyz", "s.a glob y*", False),
        ("s.a = anyof (ab, ac)", "s.a startswith a", True),
        ("s.a = allof (ab, ac)", "s.a startswith a", False),
        ("s.a startswith abc", "s.a startswith ab", True),
        ("s.a startswith a", "s.a startswith ab", False),
        ("s.a startswith abc", "s.a contains b", True),
        ("s.a endswith abc", "s.a endswith bc", True),
        ("s.a contains abc", "s.a contains b", True),
        ("s.a contains b", "s.a contains abc", False),
        ("s.a startswith ab", "s.a != b", True),
        ("s.a startswith ab", "s.a != abc", False),
        ("s.a = x", "s.a != y", True),
        ("s.a != x", "s.a != y", False),
        ("s.a contains anyof (x, y)", "s.a contains anyof (x, y)", True),
        ("s.a contains anyof (x, y)", "s.a contains anyof (x, z)", False),
        ("u.a > 5", "u.a > 3", True),
        ("u.a > 5", "u.a >= 5", True),
        ("u.a >= 5", "u.a > 5", False),
        ("u.a >= 6", "u.a > 5", True),
        ("u.a < 3", "u.a <= 3", True),
        ("u.a <= 3", "u.a < 3", False),
        ("u.a > 5", "u.a < 9", False),
        ("u.a = 7", "u.a > 5", True),
        # Every check needs its field to be there.
        ("s.a = x", "s.a exists", True),
        ("tolower(s.a) = x", "s.a exists", True),
        ("s.a = val(s.b)", "s.b exists", True),
        ("s.a != x", "s.a exists", True),
        ("not s.a = x", "s.a exists", False),
        ("s.k[x] = a", "s.k[y] exists", False),
        # Absence is where a negation is not the other operator.
        ("s.a != x", "not s.a = x", True),
        ("not s.a = x", "s.a != x", False),
        ("s.a = x", "not s.a = y", True),
        ("s.a in (x, y)", "not s.a in (z)", True),
        ("s.a in (x, y)", "not s.a in (y, z)", False),
        ("not s.a in (x, y)", "not s.a = x", True),
        ("not s.a exists", "not s.a = x", True),
        ("not s.a = x", "not s.a exists", False),
        # Lists.
        ("ls.a in (x)", "ls.a in (x, y)", True),
        ("ls.a in (x)", "ls.a intersects (x, y)", True),
        ("ls.a intersects (x)", "ls.a intersects (x, y)", True),
        ("ls.a intersects (x)", "ls.a in (x, y)", False),
        ("ls.a in (x)", "ls.a exists", True),
        ("ls.a in (x)", "not ls.a in (y)", False),
        # Networks hold addresses, so that equality says little about them.
        ("net.a in (10.0.0.0/8)", "net.a != 10.1.0.0/16", False),
        ("ip.a = 10.0.0.1", "ip.a in (10.0.0.1, 10.0.0.2)", True),
        # Groups.
        ("s.a = x and s.b = y", "s.a = x", True),
        ("s.a = x and s.b = y", "s.b = y and s.a = x", True),
        ("s.a = x", "s.a = x and s.b = y", False),
        ("s.a = x", "s.a = x or s.b = y", True),
        ("s.a = x or s.b = y", "s.a = x", False),
        ("s.a = x or s.a = y", "s.a in (x, y, z)", True),
        ("s.c = z and (s.a = x or s.b = y)", "s.b = y or s.a = x", True),
        ("(s.a = x and s.b = y) or (s.a = x and s.c = z)", "s.a = x", True),
        ("not (s.a = x or s.b = y)", "not s.b = y", True),
        ("not (s.a = x and s.b = y)", "not s.a = x or not s.b = y", True),
        ("not s.a = x", "not (s.a = x and s.b = y)", True),
        ("s.a = val(s.b)", "s.a = val(s.b)", True),
        ("s.a = val(s.b)", "s.a = val(s.c)", False),
        ("tolower(s.a) startswith ab", "tolower(s.a) startswith a", True),
        ("tolower(s.a) startswith ab", "s.a startswith a", False),
    ],
)
def test_what_follows(first: str, second: str, follows: bool, bind: Bind) -> None:
    trees = [bind(text)[0] for text in (first, second)]
    assert trees[0] is not None
    assert trees[1] is not None
    assert implies(claim(trees[0]), claim(trees[1])) is follows


def _bound(node: Node, fields: FieldTable) -> BoundNode:
    tree = check_condition(node, fields, Report(), "rule")
    assume(tree is not None)
    assert tree is not None
    return tree


@bounded
@given(
    first=conditions(),
    second=conditions(),
    third=conditions(),
    kind=st.sampled_from([And, Or]),
    turned=st.booleans(),
    event=events(),
)
def test_nothing_follows_that_is_not_so(
    first: Node, second: Node, third: Node, kind: type[And] | type[Or], turned: bool, event: dict[str, Any],
    fields: FieldTable,
) -> None:  # fmt: skip
    one = _bound(first, fields)
    other: BoundNode = _bound(second, fields)
    # Of two conditions that were made apart hardly anything follows, so they are given something in common.
    joined = BoundAnd if kind is And else BoundOr
    pairs = [
        (one, other),
        (joined((one, other)), one),
        (one, joined((other, one))),
        (BoundAnd((one, other)), joined((_bound(third, fields), other))),
    ]
    for before, after in pairs:
        if turned:
            before, after = BoundNot(after), BoundNot(before)
        if implies(claim(before), claim(after)) and evaluate(before, lambda bound: bound.getter(event)):
            assert evaluate(after, lambda bound: bound.getter(event))


TEXTS = (
    "= x", "= xy", "!= x", "in (x, xy)", "in (x, y)", "startswith x", "startswith xy", "endswith y",
    "contains x", "contains xy", "exists", "= anyof (x, y)", "!= anyof (x, y)", "= oneof (x, xy)",
    "glob x*", "iglob X*", "regex '.*y'", "pmatch (x)", "startswith allof (x, xy)", "icontains X",
    "= val(s.b)", "!= val(s.b)", "> val(s.b)",
)  # fmt: skip
NUMBERS = ("= 1", "= 2", "!= 1", "in (1, 2)", "< 1", "< 2", "<= 1", "> 1", "> 2", ">= 1", ">= 2", "exists")
LISTS = ("in (x)", "in (x, y)", "intersects (x)", "intersects (x, y)", "exists", "in val(ls.b)")
VALUES: dict[str, list[Any]] = {
    "s": [None, "", "x", "y", "xy", "xyz", "yx", "X"],
    "u": [None, 0, 1, 2, 3],
    "ls": [None, [], ["x"], ["y"], ["x", "y"], ["z"], ["x", "z"]],
}


@pytest.mark.parametrize(("kind", "checks"), [("s", TEXTS), ("u", NUMBERS), ("ls", LISTS)])
def test_no_check_implies_more_than_it_does(kind: str, checks: tuple[str, ...], bind: Bind) -> None:
    """Every pair of checks, negated or not, over values that tell them apart."""
    trees: dict[str, BoundNode] = {}
    for text in checks:
        tree, report = bind(f"{kind}.a {text}")
        assert tree is not None, report.errors
        trees[text] = tree
    shown = 0
    events = [{f"{kind}.a": a, f"{kind}.b": b} for a in VALUES[kind] for b in VALUES[kind]]
    holds = {text: [_outcome(tree, event) for event in events] for text, tree in trees.items()}
    for first, second in itertools.product(trees, repeat=2):
        for before, after in ((True, True), (True, False), (False, True), (False, False)):
            if implies(claim(trees[first], positive=before), claim(trees[second], positive=after)):
                shown += 1
                outcomes = zip(holds[first], holds[second], strict=True)
                assert not any(a is before and b is not after for a, b in outcomes), (first, second)
    assert shown >= 2 * len(checks)


def _outcome(tree: BoundNode, event: dict[str, Any]) -> bool:
    return evaluate(tree, lambda bound: bound.getter(event))


@pytest.mark.parametrize(
    ("check", "different"),
    [
        ("glob 'a*'", "glob 'c*'"),
        ("iglob 'a*'", "glob 'a*'"),
        ("regex 'a.*'", "regex 'a.+'"),
        ("pmatch (/a, /b*)", "pmatch (/a)"),
        ("glob anyof ('a*', 'b?')", "glob anyof ('a*', 'b*')"),
    ],
)
def test_equal_constants_are_the_same_whoever_made_them(check: str, different: str, bind: Bind) -> None:
    one, equal, other = (bind(f"s.a {text}")[0] for text in (check, check, different))
    assert one is not None
    assert equal is not None
    assert other is not None
    assert implies(claim(one), claim(equal))
    assert not implies(claim(one), claim(other))


def test_what_takes_too_long_is_not_shown(bind: Bind) -> None:
    first = " and ".join(f"(s.a = x{n} or s.b = y{n})" for n in range(60))
    second = " and ".join(f"(s.c = x{n} or s.b = z{n})" for n in range(60))
    trees = [bind(text)[0] for text in (first, f"{second} and ({first})")]
    assert trees[0] is not None
    assert trees[1] is not None
    assert not implies(claim(trees[0]), claim(trees[1]))


def test_fields_of_a_claim(bind: Bind) -> None:
    tree, _ = bind("s.a = x and not (tolower(s.b) = val(s.c) or u.a > 1)")
    assert tree is not None
    assert labels(claim(tree)) == {"s.a", "s.b", "s.c", "u.a"}
