"""The exact reader: what it takes, what it refuses and where, and that depth and length don't hurt it."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falcocore_k8s_audit.scan import LEVELS_DEEP, NotJsonError, first_level
from tests.support.audit_decoding import read_json
from tests.support.audit_json_strategies import SPACING, VALUES, damaged, spelled

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "300"))
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
TEXTS = st.builds(spelled, VALUES, SPACING)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"{}", []),
        (b" [ ] ", []),
        (b'{"a":1}', [(b'"a"', b"1")]),
        (b'{"b":1,"a":2,"b":3}', [(b'"b"', b"1"), (b'"a"', b"2"), (b'"b"', b"3")]),
        (b'\r\n{ "a" :\t{ "b" : 1 } , "c":[ ] }\n', [(b'"a"', b'{ "b" : 1 }'), (b'"c"', b"[ ]")]),
        (b'{"a":{"a":{"a":1}},"b":2}', [(b'"a"', b'{"a":{"a":1}}'), (b'"b"', b"2")]),
        (rb'{"\u0061\"":"\ud800"}', [(rb'"\u0061\""', rb'"\ud800"')]),
        (b'{"\xff":"}{][,:"}', [(b'"\xff"', b'"}{][,:"')]),
        (b"[1,1.50,-0,1E3,-2e-7]", [(b"", n) for n in (b"1", b"1.50", b"-0", b"1E3", b"-2e-7")]),
        (b'[null,true,"",{},[[]]]', [(b"", v) for v in (b"null", b"true", b'""', b"{}", b"[[]]")]),
        (b"0", []),
        (b' "[1]" ', []),
        (b"null", []),
    ],
)
def test_first_level(text: bytes, found: list[tuple[bytes, bytes]]) -> None:
    assert first_level(text) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "there is no document"),
        (b" \r\n\t", "there is no document"),
        (b"{", "the document ends too early"),
        (b'{"a":[1,2]', "the document ends too early"),
        (b'{"a":[1,2', "the document ends too early"),
        (b'{"a"', "the document ends too early"),
        (b'{"a":', "the document ends too early"),
        (b'{"a":1,', "the document ends too early"),
        (b"{} {}", "unexpected '{}' at byte 3"),
        (b"[1]\n]", "unexpected ']' at byte 4"),
        (b"1 2", "unexpected '2' at byte 2"),
        (b"[1,]", "unexpected ']' at byte 3"),
        (b'{"a":1,}', "unexpected '}' at byte 7"),
        (b"{,}", "unexpected ',}' at byte 1"),
        (b"[1 2]", "unexpected '2]' at byte 3"),
        (b'{"a" 1}', "unexpected '1}' at byte 5"),
        (b'{"a":1:2}', "unexpected ':2}' at byte 6"),
        (b"{1:2}", "unexpected '1:2}' at byte 1"),
        (b'{"a":}', "unexpected '}' at byte 5"),
        (b'["a":1]', "unexpected ':1]' at byte 4"),
        (b"[1}", "unexpected '}' at byte 2"),
        (b'{"a":1]', "unexpected ']' at byte 6"),
        (b"[01]", "unexpected '1]' at byte 2"),
        (b"[1.]", "unexpected '.]' at byte 2"),
        (b"[.5]", "unexpected '.5]' at byte 1"),
        (b"[+1]", "unexpected '+1]' at byte 1"),
        (b"[1e]", "unexpected 'e]' at byte 2"),
        (b"[-]", "unexpected '-]' at byte 1"),
        (b"[NaN]", "unexpected 'NaN]' at byte 1"),
        (b"[True]", "unexpected 'True]' at byte 1"),
        (b"[nulls]", "unexpected 's]' at byte 5"),
        (b"['a']", """unexpected "'a']" at byte 1"""),
        (b'["\n"]', r"""unexpected '"\n"]' at byte 1"""),
        (b'["\\q"]', r"""unexpected '"\\q"]' at byte 1"""),
        (b'["\\u12G4"]', r"""unexpected '"\\u12G4"]' at byte 1"""),
        (b'["a]', """unexpected '"a]' at byte 1"""),
        (b"\xef\xbb\xbf{}", r"unexpected '\ufeff{}' at byte 0"),
        (b"\xff{}", r"unexpected '\\xff{}' at byte 0"),
        (b"{}\x0c", r"unexpected '\x0c' at byte 2"),
        (b"[a, quite, long, rest]", "unexpected 'a, quite, lo' at byte 1"),
    ],
)
def test_what_is_broken_is_shown_with_its_byte(text: bytes, message: str) -> None:
    with pytest.raises(NotJsonError) as refused:
        first_level(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "byte"),
    [
        (b'{"a":[1}', 7),
        (b'{"a":[1}}', 7),
        (b'{"a":{"b" 1}}', 10),
        (b'{"a":{"b":[1,2,{"c":01}]}}', 21),
        (b'{"a":[],"b":[[], {"c":nul}]}', 22),
        (b'[[[[[[[[[[[["\\q"]]]]]]]]]]]]', 12),
    ],
)
def test_what_is_broken_deep_down_is_shown_with_its_byte(text: bytes, byte: int) -> None:
    with pytest.raises(NotJsonError, match=f"^unexpected .* at byte {byte}$"):
        first_level(text)


@pytest.mark.parametrize(
    ("opening", "closing", "times"),
    [(b"[", b"]", LEVELS_DEEP), (b'{"a":', b"}", LEVELS_DEEP), (b'[{"a":', b"}]", LEVELS_DEEP // 2)],
    ids=["[", "{", "[{"],
)
@pytest.mark.parametrize("value", [b"1", rb'"\ud800"'], ids=["plain", "strange"])
def test_depth_has_a_bound_and_nothing_behind_it_is_read(
    opening: bytes, closing: bytes, times: int, value: bytes
) -> None:
    assert len(first_level(opening * times + value + closing * times)) == 1
    for too_many in (times + 1, 100_000):
        for text in (opening * too_many + value + closing * too_many, opening * too_many):
            with pytest.raises(NotJsonError, match=f"nested more than {LEVELS_DEEP} levels deep") as refused:
                first_level(text)
            assert int(str(refused.value).rpartition(" ")[2]) <= (times + 1) * len(opening)


def test_elements_around_a_strange_one_are_the_same() -> None:
    good = json.dumps({"a": [1, {"b": "c"}] * 50}).encode()
    elements = [good] * 2000 + [b"[" * 5000 + b"]" * 5000, rb'{"\ud800":1}'] + [good] * 2000
    assert first_level(b"[" + b", ".join(elements) + b"]") == [(b"", element) for element in elements]


@bounded
@given(TEXTS | damaged(TEXTS))
def test_reads_what_a_plain_reader_reads_and_refuses_what_it_refuses(text: bytes) -> None:
    try:
        value = read_json(text)
    except ValueError:
        with pytest.raises(NotJsonError):
            first_level(text)
        return
    pairs = first_level(text)
    match value:
        case dict():
            found: dict[str, object] = {}
            for key, member in pairs:
                found.setdefault(read_json(key), read_json(member))
            assert list(found.items()) == list(value.items())
        case list():
            assert {key for key, _ in pairs} <= {b""}
            assert [read_json(element) for _, element in pairs] == value
        case _:
            assert pairs == []
