"""The one table of operators: for each the types it takes, its function, and the code that does the same.

A check on an absent field is false, whatever the operator. `function` is called with a present value and
a prepared constant; `code` is an expression in which `{v}` is a variable that may hold None (the field is
absent) and `{k}` the name of the prepared constant. Functions and templates of one operator mean the
same; a property test holds them against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from falcocore.lang.globs import compile_glob
from falcocore.lang.literals import Network
from falcocore.lang.paths import PathPatterns
from falcocore.types import Kind

_TEXTS = frozenset({Kind.STRING})
_TEXTS_AND_BUFFERS = frozenset({Kind.STRING, Kind.BUFFER})
_BUFFERS = frozenset({Kind.BUFFER})
_ORDERED = frozenset({Kind.STRING, Kind.UNSIGNED, Kind.SIGNED, Kind.DOUBLE, Kind.PORT})
_ANY = frozenset(Kind)

Function = Callable[[Any, Any], bool]
Prepare = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator on single values.

    `prepare` turns the converted literal (for list operators: the tuple of them) into what `function` and
    `code` get; it raises ValueError for one that can't be used. `operand_function` compares with the value
    of another field; None where that is not possible.
    """

    name: str
    kinds: frozenset[Kind]
    function: Function
    code: str
    prepare: Prepare = _same
    operand_function: Function | None = None
    operand_code: str | None = None
    takes_list: bool = False
    on_lists: ListOperator | None = None


@dataclass(frozen=True, slots=True)
class ListOperator:
    """What an operator does on a field that holds a list; `code` may find None or an empty list in `{v}`."""

    function: Function
    code: str
    operand_code: str | None = None


def _regex(pattern: str) -> Any:
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not valid"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(
            f"not a POSIX regular expression of RE2: {text} (classes are written [[:digit:]], not \\d)"
        ) from None


def clean_text(value: str) -> str:
    """The text as RE2 takes it: bytes that are no UTF-8 replaced."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def match_regex(value: str, pattern: Any) -> bool:
    """True where the pattern matches the whole value."""
    return pattern.fullmatch(clean_text(value)) is not None


def _glob(pattern: str) -> Any:
    return compile_glob(pattern).fullmatch


def _iglob(pattern: str) -> Any:
    return compile_glob(pattern, ignore_case=True).fullmatch


_FOLD = {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def fold_ascii(text: str) -> str:
    """The text with A-Z as a-z; other letters stay, as in the C locale."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


def unfold_ascii(text: str) -> str:
    """The text with a-z as A-Z."""
    return text.upper() if text.isascii() else text.translate(_UNFOLD)


_UNFOLD = {ord(c): c.upper() for c in "abcdefghijklmnopqrstuvwxyz"}


class Networks:
    """Several networks; an address is `in` them, and equals them, when one of them holds it."""

    __slots__ = ("networks",)

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = tuple(networks)

    def issuperset(self, addresses: Iterable[bytes]) -> bool:
        """True where every address is in one of them."""
        return all(address in self for address in addresses)

    def isdisjoint(self, addresses: Iterable[bytes]) -> bool:
        """True where no address is in one of them."""
        return not any(address in self for address in addresses)

    def __contains__(self, address: object) -> bool:
        return isinstance(address, bytes) and any(network.holds(address) for network in self.networks)

    def __eq__(self, other: object) -> bool:
        return other in self

    __hash__ = None  # type: ignore[assignment]


def _members(constants: Sequence[Any]) -> frozenset[Any] | Networks:
    if constants and isinstance(constants[0], Network):
        return Networks(constants)
    return frozenset(constants)


def _equality(constant: Any) -> Any:
    """A network is compared as the set of its addresses."""
    return Networks((constant,)) if isinstance(constant, Network) else constant


def _equal(value: Any, other: Any) -> bool:
    return bool(value == other)


def _unequal(value: Any, other: Any) -> bool:
    return bool(value != other)


def _subset(values: Sequence[Any], other: Any) -> bool:
    return all(value in other for value in values)


def _overlap(values: Sequence[Any], other: Any) -> bool:
    return any(value in other for value in values)


def _compared(symbol: str, function: Function, kinds: frozenset[Kind]) -> Operator:
    code = f"({{v}} is not None and {{v}} {symbol} {{k}})"
    operand = f"({{v}} is not None and {{w}} is not None and {{v}} {symbol} {{w}})"
    return Operator(symbol, kinds, function, code, _same, function, operand)


def _method(
    name: str, call: str, kinds: frozenset[Kind], function: Function, prepare: Prepare = _same
) -> Operator:
    """An operator written as a call on the value, present or not."""
    code = f"({{v}} is not None and {call})"
    operand = f"({{v}} is not None and {{w}} is not None and {call.replace('{k}', '{w}')})"
    usable = prepare is _same
    return Operator(
        name, kinds, function, code, prepare, function if usable else None, operand if usable else None
    )


def _by_function(name: str, prepare: Prepare, function: Function, operand: Function | None) -> Operator:
    """An operator whose code calls its function, `{f}`."""
    return Operator(
        name,
        _TEXTS,
        function,
        "({v} is not None and {f}({v}, {k}))",
        prepare,
        operand,
        "({v} is not None and {w} is not None and {g}({v}, {w}))" if operand else None,
    )


def _glob_operand(value: str, pattern: str) -> bool:
    return _glob(pattern)(value) is not None


def _iglob_operand(value: str, pattern: str) -> bool:
    return _iglob(pattern)(value) is not None


def _icontains(value: str, part: str) -> bool:
    return fold_ascii(part) in fold_ascii(value)


def _operators() -> dict[str, Operator]:
    every = ListOperator(
        _subset,
        "({v} and {k}.issuperset({v}))",
        "({v} and {w} and set({w}).issuperset({v}))",
    )
    some = ListOperator(
        _overlap,
        "({v} and not {k}.isdisjoint({v}))",
        "({v} and {w} and not set({w}).isdisjoint({v}))",
    )
    here = ListOperator(lambda _values, _constant: True, "bool({v})")
    table = [
        Operator("exists", _ANY, lambda _value, _constant: True, "({v} is not None)", on_lists=here),
        Operator(
            "=",
            _ANY,
            _equal,
            "({v} == {k})",
            _equality,
            _equal,
            "({v} is not None and {v} == {w})",
        ),
        Operator(
            "!=",
            _ANY,
            _unequal,
            "({v} is not None and {v} != {k})",
            _equality,
            _unequal,
            "({v} is not None and {w} is not None and {v} != {w})",
        ),
        _compared("<", lambda a, b: bool(a < b), _ORDERED),
        _compared("<=", lambda a, b: bool(a <= b), _ORDERED),
        _compared(">", lambda a, b: bool(a > b), _ORDERED),
        _compared(">=", lambda a, b: bool(a >= b), _ORDERED),
        _method("contains", "{k} in {v}", _TEXTS_AND_BUFFERS, lambda v, k: k in v),
        _method("startswith", "{v}.startswith({k})", _TEXTS_AND_BUFFERS, lambda v, k: bool(v.startswith(k))),
        _method("endswith", "{v}.endswith({k})", _TEXTS_AND_BUFFERS, lambda v, k: bool(v.endswith(k))),
        _method("bcontains", "{k} in {v}", _BUFFERS, lambda v, k: k in v),
        _method("bstartswith", "{v}.startswith({k})", _BUFFERS, lambda v, k: bool(v.startswith(k))),
        _by_function("icontains", fold_ascii, lambda v, k: k in fold_ascii(v), _icontains),
        _by_function("glob", _glob, lambda v, k: k(v) is not None, _glob_operand),
        _by_function("iglob", _iglob, lambda v, k: k(v) is not None, _iglob_operand),
        _by_function("regex", _regex, match_regex, None),
        Operator(
            "in",
            _ANY,
            lambda v, k: v in k,
            "({v} is not None and {v} in {k})",
            _members,
            _equal,
            "({v} is not None and {v} == {w})",
            takes_list=True,
            on_lists=every,
        ),
        Operator(
            "intersects",
            _ANY,
            lambda v, k: v in k,
            "({v} is not None and {v} in {k})",
            _members,
            _equal,
            "({v} is not None and {v} == {w})",
            takes_list=True,
            on_lists=some,
        ),
        Operator(
            "pmatch",
            _TEXTS,
            lambda v, k: k.holds(v),
            "({v} is not None and {k}.holds({v}))",
            PathPatterns,
            takes_list=True,
        ),
    ]
    return {operator.name: operator for operator in table}


OPERATORS = _operators()
