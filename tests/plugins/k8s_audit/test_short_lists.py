"""A body that is read in parts gives what it gives as a whole, wherever it is cut."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falcocore_k8s_audit import short_lists
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.short_lists import decoded_in_parts
from tests.support.audit_decoding import STAMP, audit_ids, decode, dumped, event_json, value_at
from tests.support.audit_json_strategies import VALUES, Tokens, audit_events, damaged

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "300"))
bounded = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
HEAD = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":['


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut wherever that is possible."""
    monkeypatch.setattr(short_lists, "PART_BYTES", 1)


def item(audit_id: str, level: str = "Metadata", **members: object) -> bytes:
    """An event as the kube-apiserver writes it into a list."""
    return dumped({"level": level, "auditID": audit_id, "stageTimestamp": STAMP, **members})


def listed(*items: bytes) -> bytes:
    return HEAD + b",".join(items) + b"]}"


def read(*pieces: bytes) -> list[Decoded]:
    return list(decoded_in_parts([*pieces], "body", "prod"))


def seen(*found: Decoded) -> tuple[object, ...]:
    """All that can be seen of what was decoded."""
    events = [event for decoded in found for event in decoded.events]
    return (
        [(event.key, event.text, event.time_ns, value_at(event, "/user/username")) for event in events],
        sum(decoded.rejected for decoded in found),
        [complaint for decoded in found for complaint in decoded.complaints],
        found[-1].recognised,
    )


def whole(body: bytes) -> tuple[object, ...]:
    return seen(decode(body, "prod"))


def check(body: bytes, *pieces: bytes) -> None:
    """Compare a body that came in pieces with what it is as a whole."""
    found = read(*pieces)
    if found[-1].recognised:
        assert seen(*found) == whole(body)
    else:  # What comes before the place where the list is broken counts; the body as a whole is refused.
        assert seen(*found)[1:] == whole(body)[1:]
        before = [event.text for part in found for event in part.events]
        assert not before or body.startswith(HEAD + b",".join(before))


@pytest.mark.parametrize(
    "beginning", [{}, {"kind": "Event", "apiVersion": "audit.k8s.io/v1"}], ids=["of the server", "of a file"]
)
def test_long_list_is_read_in_parts(beginning: dict[str, str]) -> None:
    items = [
        dumped({**beginning, "level": level, "auditID": audit_id, "stageTimestamp": STAMP})
        for audit_id, level in (("a", "Request"), ("b", "Metadata"), ("c", "RequestResponse"))
    ]
    found = read(listed(*items))
    assert [audit_ids(part) for part in found] == [["a"], ["b"], ["c"]]
    assert [event.text for part in found for event in part.events] == items
    assert {event.key for part in found for event in part.events} == {"prod/a/", "prod/b/", "prod/c/"}


@pytest.mark.parametrize("blanks", [b"\n", b" \r\n"])
def test_list_may_have_blanks_behind_it(blanks: bytes) -> None:
    assert [audit_ids(part) for part in read(listed(item("a"), item("b")) + blanks)] == [["a"], ["b"]]


def test_list_that_comes_in_pieces_is_read_in_parts() -> None:
    body = listed(*map(item, "abcdef"))
    for at in range(len(HEAD) + len(item("a")), len(body)):
        found = read(body[:at], body[at:])
        assert [audit_id for part in found for audit_id in audit_ids(part)] == [*"abcdef"]
        # Where the cut between two items is also one between pieces, they are read together.
        assert max(len(part.events) for part in found) <= 2


@pytest.mark.parametrize("size_bytes", [50, 100, 300, 1000])
def test_part_is_about_as_long_as_it_should_be(size_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_lists, "PART_BYTES", 300)
    body = listed(*(item(str(number)) for number in range(100)))
    head, *more = [body[at : at + size_bytes] for at in range(len(HEAD) + 50, len(body), size_bytes)]
    found = read(body[: len(HEAD) + 50] + head, *more)
    lengths = [sum(len(event.text) + 1 for event in part.events) for part in found]
    assert sum(lengths) == len(body) - len(HEAD) - 1
    assert all(300 <= length < 300 + 3 * len(item("10")) for length in lengths[:-1])


def test_part_is_decoded_when_it_is_asked_for() -> None:
    found = decoded_in_parts([listed(item("a"), item("b"), b"{")], "body")
    assert audit_ids(next(found)) == ["a"]
    (last,) = found
    assert (last.events, last.rejected, last.recognised) == ([], 1, False)


def test_short_list_is_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_lists, "PART_BYTES", 1 << 16)
    (only,) = read(listed(item("a"), item("b")))
    assert audit_ids(only) == ["a", "b"]


@pytest.mark.parametrize("body", [b"", b"[]", b"5", event_json("a"), b"[" + event_json("a") + b"]"])
def test_what_is_no_list_is_one_part(body: bytes) -> None:
    found = read(body)
    assert len(found) == 1
    assert seen(*found) == whole(body)


def test_nothing_that_was_received_is_an_empty_body() -> None:
    assert seen(*read()) == whole(b"")


def test_item_that_can_not_be_used_is_named_by_its_place_in_the_list() -> None:
    found = read(listed(item("a"), item("b"), item("c", stageTimestamp="then"), item("d"), b"5"))
    assert [audit_ids(part) for part in found] == [["a"], ["b"], ["d"]]
    complaints = [complaint for part in found for complaint in part.complaints]
    assert [complaint.split(":")[0] for complaint in complaints] == ["body items[2]", "body items[4]"]


_INNER = [{"a": {}}, {"level": "x"}, {"level": "y"}]


@pytest.mark.parametrize(
    "body",
    [
        listed(item("a"), item("b", responseObject={"items": _INNER}), item("c"), item("d")),
        listed(item("a", responseObject=_INNER), item("b")),
        listed(item("a", userAgent='"},{"level":"x"}]}'), item("b")),
        listed(item("a"), item("b")) + b"5",
        listed(item("a"), item("b"))[:-1] + b"]",
        listed(item("a"), item("b"))[:-1] + b',"x":[]}',
        listed(item("a"), item("b")) + listed(item("c"), item("d")),
        listed(item("a"), item("b"))[:-1] + b',"items":[' + item("c") + b"," + item("d") + b"]}",
        listed(item("a"), item("b"))[:-1] + b',"kind":"Event"}',
        HEAD.replace(b"{}", b'{"items":[' + item("x") + b"," + item("y") + b"]}") + item("a") + b"]}",
        HEAD.replace(b"EventList", b"List") + item("a") + b"," + item("b") + b"]}",
        HEAD.replace(b"}", b"") + item("a") + b"," + item("b") + b"]}",
        listed(item("a"), item("b").replace(b'"auditID"', b'"auditID":"first","auditID"'), item("c")),
    ],
)
def test_cut_at_the_wrong_place_is_noticed(body: bytes) -> None:
    check(body, body)


def _begun(tokens: Tokens) -> bytes:
    """The item, with the member that items of a kube-apiserver begin with where it is an object."""
    text = b"".join(tokens)
    return text if text == b"{}" or tokens[0] != b"{" else b'{"level":"Request",' + text[1:]


_LISTS = st.lists((audit_events() | VALUES).map(_begun), max_size=6).map(lambda items: listed(*items))
_CUTS = st.lists(st.integers(0, 400), max_size=4)


def _cut(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(min(cut, len(body)) for cut in cuts), len(body)})
    return [body[start:end] for start, end in pairwise(places)]


@bounded
@given(_LISTS | damaged(_LISTS), _CUTS)
def test_any_list_is_read_as_a_whole_is(body: bytes, cuts: list[int]) -> None:
    check(body, *_cut(body, cuts))
