"""Partial evaluation: what is left of a condition once the values of some fields are known."""

from __future__ import annotations

from collections.abc import Callable

from falcocore.lang.bound import BoundAnd, BoundCheck, BoundNode, BoundNot, BoundOr

Decide = Callable[[BoundCheck], bool | None]
"""The outcome of a check as far as it is known; None where it is not."""


def reduced(node: BoundNode, decide: Decide) -> BoundNode | bool:
    """The condition without what `decide` knows: a smaller tree that means the same, or its value."""
    match node:
        case BoundCheck():
            known = decide(node)
            return node if known is None else known
        case BoundNot(child):
            inner = reduced(child, decide)
            return (not inner) if isinstance(inner, bool) else BoundNot(inner)
        case BoundAnd(children):
            return _joined(children, decide, BoundAnd, decides=False)
        case BoundOr(children):
            return _joined(children, decide, BoundOr, decides=True)


def _joined(
    children: tuple[BoundNode, ...],
    decide: Decide,
    kind: type[BoundAnd] | type[BoundOr],
    *,
    decides: bool,
) -> BoundNode | bool:
    """`and` (a false part decides) and `or` (a true one does); checks change nothing, so any part may."""
    left: list[BoundNode] = []
    for child in children:
        part = reduced(child, decide)
        if isinstance(part, bool):
            if part is decides:
                return decides
        else:
            left.append(part)
    if not left:
        return not decides
    return left[0] if len(left) == 1 else kind(tuple(left))
