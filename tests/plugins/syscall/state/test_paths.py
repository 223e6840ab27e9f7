"""Paths made absolute and normal by their text."""

from __future__ import annotations

import os.path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcocore_syscall.state.paths import TOO_LONG, collapsed, normalise, resolve, with_slash


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("/home/u/", "a", "/home/u/a"),
        ("/home/u/", "/a", "/a"),
        ("/home/u/", "../a", "/home/a"),
        ("/", "../../a", "/a"),
        ("/home/u/", "./a//b/", "/home/u/a/b"),
        ("/home/u/", ".", "/home/u"),
        ("/", "/", "/"),
        ("/x/", "", ""),
        ("/", "/a/..", "/"),
        ("/", "/a/...", "/a/..."),
        ("/", "/.hidden", "/.hidden"),
        ("<UNKNOWN>", "rest", "<UNKNOWN>rest"),
        ("/", "/" + "a" * 1023, TOO_LONG),
        ("/", "/" + "a" * 1022, "/" + "a" * 1022),
        ("/", "/" + "\u00e9" * 600, TOO_LONG),
    ],
)
def test_resolve(base: str, path: str, expected: str) -> None:
    assert resolve(base, path) == expected


@given(st.lists(st.sampled_from(["", ".", "..", "a", "b.c", "..d"]), max_size=8).map("/".join))
def test_an_absolute_path_is_normalised_as_python_does(path: str) -> None:
    wanted = os.path.normpath("/" + path)
    assert normalise("/" + path) == wanted.replace("//", "/")


@pytest.mark.parametrize(("path", "expected"), [("/a", "/a/"), ("/", "/"), ("", "/")])
def test_with_slash(path: str, expected: str) -> None:
    assert with_slash(path) == expected


@pytest.mark.parametrize(("path", "expected"), [("//a///b", "/a/b"), ("/a/../b", "/a/../b")])
def test_collapsed(path: str, expected: str) -> None:
    assert collapsed(path) == expected
