"""The pieces in which a body comes are kept as they are, or put together where they are small."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from falcocore_k8s_audit.bodies import SMALL_BYTES, Pieces, add_piece


def kept(*pieces: bytes) -> Pieces:
    found: Pieces = []
    for piece in pieces:
        add_piece(found, piece)
    return found


def test_large_pieces_are_not_copied() -> None:
    large = [bytes([number]) * (SMALL_BYTES + number) for number in range(3)]
    assert [id(piece) for piece in kept(*large)] == [id(piece) for piece in large]


def test_small_pieces_are_put_together() -> None:
    found = kept(*[b"x"] * (4 * SMALL_BYTES))
    assert [len(piece) for piece in found] == [SMALL_BYTES] * 4


@given(st.lists(st.sampled_from([0, 1, 5, SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1]), max_size=12))
def test_nothing_is_lost(lengths: list[int]) -> None:
    pieces = [bytes([65 + number]) * length for number, length in enumerate(lengths)]
    assert b"".join(kept(*pieces)) == b"".join(pieces)
