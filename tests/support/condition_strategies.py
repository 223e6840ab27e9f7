"""Hypothesis strategies for conditions over the fields of the test source, and for its events."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from falcocore.lang import words
from falcocore.lang.syntax import And, Check, FieldRef, Group, Literal, Node, Not, Or, Transform, Values

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "150"))
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
"""How many cases each property is tried with; `FALCOCORE_EXAMPLES` asks for more."""

SMALL_TEXTS = st.sampled_from(
    ["", "a", "ab", "abc", "b", "a/b", "/a/b/c", "B", "*", "a*", "[", "é", "x y", "a,b"]
)
TEXTS = SMALL_TEXTS | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
NUMBERS = st.integers(0, 4)
ADDRESSES = st.sampled_from(["10.1.2.3", "10.9.0.1", "192.168.0.1", "::1", "2001:db8::5"])
NETWORKS = st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "::1/128", "0.0.0.0/0"])

_STRING_FIELDS = st.builds(FieldRef, st.sampled_from(["s.a", "s.b", "s.c"])) | st.builds(
    FieldRef, st.just("s.k"), st.sampled_from(["x", "y z"])
)
_PATH_FIELDS = st.builds(FieldRef, st.sampled_from(["path.a", "path.b"]))
_NUMBER_FIELDS = st.builds(FieldRef, st.sampled_from(["u.a", "u.b"]))
_SIGNED_FIELDS = st.builds(FieldRef, st.sampled_from(["i.a", "i.b"]))
_LIST_FIELDS = st.builds(FieldRef, st.sampled_from(["ls.a", "ls.b"]))


def _quoted(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Literal]:
    return texts.map(lambda text: Literal(text, bare=False))


_SINGLE = st.sampled_from(["tolower", "toupper", "b64", "basename"])


def _strings() -> st.SearchStrategy[FieldRef | Transform]:
    joined = st.builds(
        lambda sep, items: Transform("join", (sep, Group(tuple(items)))),
        _quoted(SMALL_TEXTS),
        st.lists(_STRING_FIELDS | _quoted(SMALL_TEXTS), min_size=1, max_size=3),
    )
    of_list = st.builds(
        lambda sep, field: Transform("join", (sep, field)), _quoted(SMALL_TEXTS), _LIST_FIELDS
    )
    getopt = st.builds(
        lambda field, letter: Transform("getopt", (field, Literal("ab:", bare=False)), letter),
        _LIST_FIELDS,
        st.sampled_from("ab"),
    )
    leaves: st.SearchStrategy[FieldRef | Transform] = _STRING_FIELDS | joined | of_list | getopt

    def extend(inner: st.SearchStrategy[FieldRef | Transform]) -> st.SearchStrategy[FieldRef | Transform]:
        concat = st.lists(inner, min_size=2, max_size=3).map(lambda parts: Transform("concat", tuple(parts)))
        return st.builds(lambda name, arg: Transform(name, (arg,)), _SINGLE, inner) | concat

    return st.recursive(leaves, extend, max_leaves=3)


_STRINGS = _strings()


@st.composite
def _string(draw: st.DrawFn) -> FieldRef | Transform:
    return draw(_STRINGS)


# Composite strategies print as a call; what they are made of would print as pages.
STRINGS = _string()
_LENGTHS = st.builds(lambda arg: Transform("len", (arg,)), STRINGS | _LIST_FIELDS)
_LISTS = _LIST_FIELDS | st.builds(lambda f: Transform("tolower", (f,)), _LIST_FIELDS)

_EQUALS = st.sampled_from(["=", "!="])
_ORDERS = st.sampled_from(words.NUMBER_OPERATORS)
_TEXT_OPERATORS = st.sampled_from(
    ["=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob"]
)
_SETS = st.sampled_from(["in", "intersects"])
_NUMBER_LITERALS = NUMBERS.map(lambda n: Literal(str(n)))


def _values(items: st.SearchStrategy[Literal]) -> st.SearchStrategy[Values]:
    return st.lists(items, max_size=3).map(lambda found: Values(tuple(found)))


def _check_kinds() -> st.SearchStrategy[Check]:
    exists = st.builds(
        Check,
        STRINGS | _NUMBER_FIELDS | _LISTS | st.builds(FieldRef, st.sampled_from(["b.a", "ip.a", "buf.a"])),
        st.just("exists"),
    )
    return st.one_of(
        exists,
        st.builds(Check, STRINGS, _TEXT_OPERATORS, _quoted(TEXTS) | STRINGS),
        st.builds(Check, STRINGS, _TEXT_OPERATORS, _values(_quoted(TEXTS)), st.sampled_from(words.MODIFIERS)),
        st.builds(Check, STRINGS, _ORDERS, _NUMBER_LITERALS | STRINGS),
        st.builds(
            Check,
            STRINGS,
            st.just("regex"),
            _quoted(st.sampled_from(["a.*", "[ab]+", "(a|b)?", ".*é.*", ""])),
        ),
        st.builds(Check, STRINGS | _PATH_FIELDS, st.just("pmatch"), _values(_quoted(SMALL_TEXTS))),
        st.builds(Check, STRINGS, _SETS, _values(_quoted(TEXTS)) | STRINGS),
        st.builds(
            Check, _NUMBER_FIELDS | _LENGTHS, _EQUALS | _ORDERS, _NUMBER_LITERALS | _NUMBER_FIELDS | _LENGTHS
        ),
        st.builds(
            Check,
            _NUMBER_FIELDS | _LENGTHS,
            _EQUALS,
            _values(_NUMBER_LITERALS),
            st.sampled_from(words.MODIFIERS),
        ),
        st.builds(
            Check,
            _SIGNED_FIELDS,
            _EQUALS | _ORDERS,
            st.integers(-3, 3).map(lambda n: Literal(str(n))) | _SIGNED_FIELDS,
        ),
        st.builds(
            Check,
            st.just(FieldRef("b.a")),
            _EQUALS,
            st.sampled_from([Literal("true"), Literal("false"), FieldRef("b.b")]),
        ),
        st.builds(Check, st.just(FieldRef("d.a")), _EQUALS | _ORDERS, _NUMBER_LITERALS),
        st.builds(Check, st.just(FieldRef("p.a")), _EQUALS | _ORDERS, _NUMBER_LITERALS),
        st.builds(
            Check, st.just(FieldRef("ip.a")), _EQUALS, ADDRESSES.map(Literal) | st.just(FieldRef("ip.b"))
        ),
        st.builds(Check, st.just(FieldRef("ip.a")), _SETS, _values(ADDRESSES.map(Literal))),
        st.builds(Check, st.just(FieldRef("net.a")), _EQUALS, NETWORKS.map(Literal)),
        st.builds(Check, st.just(FieldRef("net.a")), _SETS, _values(NETWORKS.map(Literal))),
        st.builds(
            Check,
            st.just(FieldRef("buf.a")),
            st.sampled_from(["=", "contains", "startswith"]),
            _quoted(SMALL_TEXTS),
        ),
        st.builds(
            Check,
            st.just(FieldRef("buf.a")),
            st.sampled_from(["bcontains", "bstartswith"]),
            st.sampled_from([Literal("61"), Literal("6162")]),
        ),
        st.builds(Check, _LISTS, _SETS, _values(_quoted(TEXTS)) | _LIST_FIELDS),
        st.builds(Check, st.just(FieldRef("lu.a")), _SETS, _values(_NUMBER_LITERALS)),
        st.builds(Check, st.just(FieldRef("lnet.a")), _SETS, _values(NETWORKS.map(Literal))),
        st.builds(
            Check,
            st.just(FieldRef("lip.a")),
            _SETS,
            _values(ADDRESSES.map(Literal)) | st.just(FieldRef("lip.b")),
        ),
    )


_CHECKS = _check_kinds()


@st.composite
def _checks(draw: st.DrawFn) -> Check:
    return draw(_CHECKS)


def _group(kind: type[And] | type[Or], children: list[Node]) -> Node:
    return kind(tuple(children))


_CONDITIONS: st.SearchStrategy[Node] = st.recursive(
    _checks(),
    lambda inner: st.one_of(
        inner.filter(lambda node: not isinstance(node, Not)).map(Not),
        st.builds(_group, st.sampled_from([And, Or]), st.lists(inner, min_size=2, max_size=4)),
    ),
    max_leaves=12,
)


@st.composite
def conditions(draw: st.DrawFn) -> Node:
    """A condition over the fields of the test source; most are accepted by the checker."""
    return draw(_CONDITIONS)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def _pack(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


_VALUES = {
    "s": TEXTS,
    "path": TEXTS,
    "u": NUMBERS,
    "i": st.integers(-3, 3),
    "d": st.integers(0, 4).map(float),
    "b": st.booleans(),
    "p": NUMBERS,
    "ip": ADDRESSES.map(_pack),
    "net": ADDRESSES.map(_pack),
    "buf": st.binary(max_size=3) | st.just(b"abc"),
    "ls": st.lists(SMALL_TEXTS | st.sampled_from(["-a", "-b", "-bv", "--"]), max_size=3),
    "lu": st.lists(NUMBERS, max_size=3),
    "lip": st.lists(ADDRESSES.map(_pack), max_size=3),
    "lnet": st.lists(ADDRESSES.map(_pack), max_size=3),
}

_EVENTS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        **{f"{prefix}.{letter}": _maybe(values) for prefix, values in _VALUES.items() for letter in "abc"},
        "s.k[x]": _maybe(TEXTS),
        "s.k[y z]": _maybe(TEXTS),
    }
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An event of the test source, any field of which may be absent."""
    return draw(_EVENTS)
