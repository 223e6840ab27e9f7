"""Partial evaluation: what is left of a condition once the values of some fields are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
            return negated(reduced(child, decide))
        case BoundAnd(children) | BoundOr(children):
            return joined(type(node), (reduced(child, decide) for child in children))


def negated(part: BoundNode | bool) -> BoundNode | bool:
    """`not` of a part that may be decided."""
    return (not part) if isinstance(part, bool) else BoundNot(part)


def joined(kind: type[BoundAnd] | type[BoundOr], parts: Iterable[BoundNode | bool]) -> BoundNode | bool:
    """`and` or `or` of parts that may be decided; one part may decide it all, for checks change nothing."""
    decides = kind is BoundOr
    left: list[BoundNode] = []
    for part in parts:
        if not isinstance(part, bool):
            left.append(part)
        elif part is decides:
            return decides
    if not left:
        return not decides
    return left[0] if len(left) == 1 else kind(tuple(left))
