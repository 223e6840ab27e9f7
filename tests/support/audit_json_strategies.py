"""Hypothesis strategies for JSON as strange as the grammar allows: as tokens, and spelled with blanks."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from tests.support.audit_decoding import STAMP

Tokens = tuple[bytes, ...]

_PLAIN = [b"a", b"Z", b" ", b"0", b"{", b"]", b",", b":", b"\x7f", "é".encode(), "😀".encode()]
_ESCAPES = [rb"\n", rb"\"", rb"\\", rb"\/", rb"\u0041", rb"\u00e9", rb"\u0000", rb"\ud83d\ude00"]
_HALF_CHARACTERS = [rb"\ud83d", rb"\uDE00", b"\xff", b"\xed\xa0\x80"]
_PIECES = st.sampled_from(_PLAIN + _ESCAPES + _HALF_CHARACTERS)
_STRINGS = st.lists(_PIECES, max_size=4).map(lambda pieces: b'"' + b"".join(pieces) + b'"')
_WORDS = st.sampled_from([b"null", b"true", b"false"])
_NUMBERS = st.sampled_from([b"0", b"-0", b"7", b"1.50", b"1E3", b"-2e-7", b"12345678901234567890"])
_SCALARS: st.SearchStrategy[Tokens] = (_STRINGS | _WORDS | _NUMBERS).map(lambda token: (token,))


def _joined(parts: list[Tokens]) -> Tokens:
    return tuple(token for part in parts for token in (b",", *part))[1:]


def arrays(elements: st.SearchStrategy[Tokens], *, max_size: int = 3) -> st.SearchStrategy[Tokens]:
    """Arrays of these."""
    return st.lists(elements, max_size=max_size).map(lambda found: (b"[", *_joined(found), b"]"))


def members(keys: st.SearchStrategy[bytes], values: st.SearchStrategy[Tokens]) -> st.SearchStrategy[Tokens]:
    """Members of an object."""
    return st.builds(lambda key, value: (key, b":", *value), keys, values)


def objects(found: st.SearchStrategy[list[Tokens]]) -> st.SearchStrategy[Tokens]:
    """Objects of members; nothing keeps their keys from being equal."""
    return found.map(lambda parts: (b"{", *_joined(parts), b"}"))


VALUES: st.SearchStrategy[Tokens] = st.recursive(
    _SCALARS,
    lambda inner: arrays(inner) | objects(st.lists(members(_STRINGS, inner), max_size=3)),
    max_leaves=6,
)
SPACING = st.lists(st.sampled_from([b"", b"", b" ", b"\n\t", b"\r\n"]), min_size=1, max_size=4)


def spelled(tokens: Tokens, spacing: list[bytes]) -> bytes:
    """The text with these blanks before its tokens, in turn."""
    return b"".join(blank + token for blank, token in zip(itertools.cycle(spacing), tokens, strict=False))


_STAMPS = [
    b'"' + STAMP.encode() + b'"',
    b'"2018-10-20T00:18:28Z"',
    rb'"1970-01-01T00:00:00\u002e000000001Z"',
]
_BAD_STAMPS = [b'""', b'"yesterday"', b"null", b"1539994708", b'["2018-10-20T00:18:28Z"]', b"{}"]


def _tokens(*texts: bytes) -> st.SearchStrategy[Tokens]:
    return st.sampled_from([(text,) for text in texts])


def _member(*spellings: bytes, values: st.SearchStrategy[Tokens]) -> st.SearchStrategy[Tokens]:
    return members(st.sampled_from(spellings), values)


_NAMES = _SCALARS | _tokens(b'"alice"', b'"pods"', b'"exec"')
_USER = objects(st.lists(_member(b'"username"', rb'"u\u0069d"', b'"groups"', values=_NAMES), max_size=3))
_REFERENCE = objects(
    st.lists(
        _member(b'"resource"', b'"namespace"', b'"name"', b'"subresource"', b'"x"', values=_NAMES), max_size=4
    )
)
_KIND = _member(
    b'"kind"', b'"kind"', rb'"\u006bind"', values=_tokens(b'"Event"', b'"Event"', rb'"\u0045vent"')
)
_STAMP = _member(b'"stageTimestamp"', values=_tokens(*_STAMPS, *_STAMPS, *_BAD_STAMPS))
_AUDIT_ID = _member(b'"auditID"', values=_tokens(b'"a-1"', b'"a-1"', b'"b\\u002d2"', b"null", b"5", b'""'))
_EXTRA = st.one_of(
    _member(b'"verb"', b'"stage"', b'"level"', b'"requestURI"', b'"auditID"', values=_NAMES),
    _member(b'"user"', b'"impersonatedUser"', values=_USER | VALUES),
    _member(b'"objectRef"', values=_REFERENCE | VALUES),
    _member(b'"requestObject"', b'"responseStatus"', b'"annotations"', values=VALUES),
    _member(b'"items"', b'"unknown"', b'"\xff"', b'""', values=VALUES),
)


@st.composite
def audit_events(draw: st.DrawFn) -> Tokens:
    """Mostly good events: some lack a part that they need, some have one twice."""
    needed = [draw(_KIND), draw(_STAMP), draw(_AUDIT_ID)]
    kept = [part for part in needed if draw(st.integers(0, 9))]
    found = draw(st.permutations(kept + draw(st.lists(_EXTRA, max_size=4))))
    return (b"{", *_joined(list(found)), b"}")


def _list_of(items: Tokens) -> Tokens:
    return (b"{", b'"kind"', b":", b'"EventList"', b",", b'"items"', b":", *items, b"}")


_DOCUMENTS = audit_events() | arrays(audit_events() | VALUES, max_size=4).map(_list_of) | VALUES
BODIES = _DOCUMENTS | arrays(_DOCUMENTS | arrays(_DOCUMENTS))
"""Events, lists, arrays of them, and what is none of these."""


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[bytes]) -> bytes:
    """A text with a byte put in, left out or replaced."""
    text = draw(texts)
    at = draw(st.integers(0, len(text)))
    put = draw(st.sampled_from([b"", *(bytes([char]) for char in b'{}[],:"\\/u0-.eEn \n\x00\x1f\xff')]))
    return text[:at] + put + text[at + draw(st.integers(0, 1)) :]
