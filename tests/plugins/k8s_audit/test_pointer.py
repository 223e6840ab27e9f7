"""JSON pointers as Falco's rules write them."""

from __future__ import annotations

import pytest

from falcocore_k8s_audit.pointer import parse_pointer, step, walk
from falcocore_k8s_audit.raw import children


@pytest.mark.parametrize(
    ("argument", "keys"),
    [
        ("/stage", ("stage",)),
        ("stage", ("stage",)),
        ("/objectRef/name", ("objectRef", "name")),
        ("objectRef/name", ("objectRef", "name")),
        ("/", ("",)),
        ("/a/", ("a", "")),
        ("//a", ("", "a")),
        ("/a~1b", ("a/b",)),
        ("a~1b", ("a/b",)),
        ("/a~0b", ("a~b",)),
        ("/~01", ("~1",)),
        ("/~10", ("/0",)),
        ("/~", ("~",)),
        ("/a~2b", ("a~2b",)),
        ("/a~~1", ("a~/",)),
        ("/annotations/authorization.k8s.io~1reason", ("annotations", "authorization.k8s.io/reason")),
        ("/spec/containers/0/image", ("spec", "containers", "0", "image")),
        ("/a b/ü", ("a b", "ü")),
        ("/*", ("*",)),
    ],
)
def test_keys(argument: str, keys: tuple[str, ...]) -> None:
    assert parse_pointer(argument) == keys


def test_empty_pointer_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match=r"a JSON pointer is needed, such as \[/objectRef/name\]"):
        parse_pointer("")


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("0", b"10"),
        ("2", b"12"),
        ("01", b"11"),
        ("002", b"12"),
        ("00", b"10"),
        ("+1", b"11"),
        ("+01", b"11"),
        ("-0", b"10"),
        ("3", None),
        ("-1", None),
        ("-", None),
        ("+", None),
        ("", None),
        (" 1", None),
        ("1.0", None),
        ("1_0", None),
        ("0x1", None),
        ("\u0661", None),
        ("99999999999999999999999999", None),
        ("00000000000000000000000001", b"11"),
        ("length", None),
    ],
)
def test_step_into_an_array(key: str, found: bytes | None) -> None:
    raw = step(children(b"[10,11,12]"), key)
    assert (None if raw is None else bytes(raw)) == found


def test_step_into_an_empty_array() -> None:
    assert step(children(b"[]"), "0") is None


DOCUMENT = b'{"a":{"b":[{"c":1},[2,[3]]],"01":4},"a":0,"":{"":5},"n":null,"t":"12","z":7}'


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/a/b/0/c", b"1"),
        ("/a/b/1/1/0", b"3"),
        ("/a/b", b'[{"c":1},[2,[3]]]'),
        # A key of an object is a text, also one that looks like a number.
        ("/a/01", b"4"),
        ("/a/1", None),
        ("//", b"5"),
        ("/n", b"null"),
        ("/n/x", None),
        ("/t/0", None),
        ("/z/0", None),
        ("/z/", None),
        ("/missing/x", None),
        ("/a/b/2", None),
        ("/a/b/c", None),
    ],
)
def test_walk(pointer: str, found: bytes | None) -> None:
    raw = walk(DOCUMENT, parse_pointer(pointer))
    assert (None if raw is None else bytes(raw)) == found
