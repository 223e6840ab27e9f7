"""What is left of a condition when some of its checks are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.lang.bound import BoundCheck, BoundNode
from falcocore.lang.diagnostics import Report
from falcocore.lang.partial import reduced

Bind = Callable[..., tuple[BoundNode | None, Report]]
KNOWN = {"t": True, "f": False}


def decide(check: BoundCheck) -> bool | None:
    """A check that compares with `t` holds, one that compares with `f` does not; others are not known."""
    return KNOWN.get(str(check.right))


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ("s.a = t", True),
        ("s.a = f", False),
        ("not s.a = t", False),
        ("s.b = x", "s.b = x"),
        ("s.a = t and s.b = x", "s.b = x"),
        ("s.b = x and s.a = f", False),
        ("s.a = t and s.a = t", True),
        ("s.a = f or s.b = x", "s.b = x"),
        ("s.b = x or s.a = t", True),
        ("s.a = f or s.a = f", False),
        ("not (s.a = f or s.b = x)", "not s.b = x"),
        ("s.b = x and (s.a = f or s.c = y) and s.a = t", "s.b = x and s.c = y"),
        ("s.b = x or (s.a = t and s.c = y and s.b = z)", "s.b = x or (s.c = y and s.b = z)"),
        ("s.b = x and (s.a = f and s.c = y)", False),
    ],
)
def test_known_checks_are_gone(condition: str, left: str | bool, bind: Bind) -> None:
    tree, _ = bind(condition)
    assert tree is not None
    found = reduced(tree, decide)
    if isinstance(left, bool) or isinstance(found, bool):
        assert found is left
    else:
        expected, _ = bind(left)
        assert _shape(found) == _shape(expected)


def _shape(node: BoundNode | None) -> object:
    """The tree without the places of its checks."""
    if isinstance(node, BoundCheck):
        return node.left, node.operator.name, node.right
    children = getattr(node, "children", None) or (getattr(node, "child", None),)
    return type(node).__name__, [_shape(child) for child in children]
