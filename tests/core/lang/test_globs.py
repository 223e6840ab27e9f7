"""Globs against the C library's fnmatch, which they have to agree with."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcocore.lang.globs import compile_glob

CASE_FOLD = 16
LIBC = ctypes.CDLL(None)


def c_fnmatch(pattern: str, text: str, flags: int = 0) -> bool:
    result: int = LIBC.fnmatch(pattern.encode(), text.encode(), flags)
    return result == 0


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*.txt", "/a/.b/c.txt", True),
        ("a?c", "a/c", True),
        ("a[!0-9]c", "abc", True),
        ("a[^0-9]c", "a1c", False),
        ("[[:digit:][:upper:]]x", "Ax", True),
        ("[[:digit:]]", ":", False),
        ("[]a]", "]", True),
        ("[!]a]", "]", False),
        ("[a-]", "-", True),
        ("[z-a]", "z", False),
        ("[a\\]b]", "]", True),
        ("[ab", "[ab", True),
        (r"\*\?\[", "*?[", True),
        ("a\\", "a", False),
        ("a\\", "a\\", False),
        ("[[:letters:]]", "a", False),
        ("a*", "a\nb", True),
        ("", "", True),
        ("*", "", True),
    ],
)
def test_glob_fits_the_whole_text_as_in_c(pattern: str, text: str, fits: bool) -> None:
    assert (compile_glob(pattern).fullmatch(text) is not None) == fits
    assert c_fnmatch(pattern, text) == fits


# The C library's own answers differ from its manual where a set is not closed; those are left out.
MEMBERS = st.sampled_from(["a", "b", "A", "a-c", "*", "?", "!", "^", "\\]", "\\\\", "[:alpha:]", "[:punct:]"])
SETS = st.builds(
    lambda start, members, end: f"[{start}{''.join(members)}{end}]",
    st.sampled_from(["", "!", "^"]),
    st.lists(MEMBERS, min_size=1, max_size=3),
    st.sampled_from(["", "-"]),
)
PATTERNS = st.lists(
    st.sampled_from(["a", "b", "A", "*", "?", "\\*", "\\a", "]", "-", "."]) | SETS, max_size=6
)


@given(PATTERNS, st.text("abA*?-]!\\.^", max_size=6))
def test_any_glob_agrees_with_the_c_library(pieces: list[str], text: str) -> None:
    pattern = "".join(pieces)
    assert (compile_glob(pattern).fullmatch(text) is not None) == c_fnmatch(pattern, text)
    folded = compile_glob(pattern, ignore_case=True)
    assert (folded.fullmatch(text) is not None) == c_fnmatch(pattern, text, CASE_FOLD)


def test_case_of_other_letters_counts() -> None:
    assert compile_glob("É*A", ignore_case=True).fullmatch("Éxa")
    assert not compile_glob("É", ignore_case=True).fullmatch("é")


def test_pattern_of_many_stars_is_quick() -> None:
    assert not compile_glob("*a" * 200 + "b").fullmatch("a" * 5_000)
