"""Generated code finds the keys that a text begins with, is, or ends in: in Python, and in the kernel."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.groups import EVERY_GROUP
from falcocore_syscall.live.pushdown.keys import MOST_INSTRUCTIONS, MOST_PIECES, Keys
from falcocore_syscall.live.pushdown.matchers import (
    BUFFER_BYTES,
    LONGEST_NAME,
    LONGEST_PATH,
    LONGEST_SCAN,
    Table,
    name_matcher,
    number_matcher,
    path_matcher,
)
from tests.support.bpf_harness import KernelFunction, why_not
from tests.support.bpf_machine import call, disassembled, name_buffer, path_buffer
from tests.support.condition_strategies import bounded

Function = Callable[[bytearray, int], int]

_WHY_NOT = why_not()
needs_bpf = pytest.mark.skipif(_WHY_NOT is not None, reason=str(_WHY_NOT))

COMPONENTS = st.sampled_from(
    [b"etc", b"e", b"usr", b"lib", b"x86_64-linux-gnu", b"shadow", b"a", b"ab", b"\xff"]
)
PATHS = st.lists(COMPONENTS | st.binary(min_size=1, max_size=20), min_size=1, max_size=5).map(
    lambda parts: b"/" + b"/".join(part.replace(b"\0", b"0").replace(b"/", b"_") for part in parts)
)
NAMES = (COMPONENTS | st.binary(min_size=1, max_size=LONGEST_NAME)).map(
    lambda name: name.replace(b"\0", b"0")
)
SETS = st.integers(1, EVERY_GROUP) | st.sampled_from([1, 1 << 63, 0x7FFFFFFF, 0x80000000])


def _text(data: bytes) -> bytes:
    return data.replace(b"\0", b"0")


def _cuts(texts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Beginnings of texts, and whole ones with the NUL at their end."""
    return st.builds(lambda text, length: text[:length] or text, texts, st.integers(1, 30)) | texts.map(
        lambda text: text + b"\0"
    )


def expected(table: Table, text: bytes) -> int:
    return reduce(or_, (its for key, its in table.items() if (text + b"\0").startswith(key)), 0)


def expected_pieces(table: Table, text: bytes) -> int:
    return reduce(or_, (its for key, its in table.items() if key in text or len(text) > LONGEST_SCAN), 0)


def expected_endings(table: Table, text: bytes) -> int:
    return reduce(or_, (its for key, its in table.items() if text.endswith(key)), 0)


@bounded
@given(
    st.dictionaries(_cuts(PATHS), SETS, max_size=12),
    st.dictionaries(st.binary(min_size=1, max_size=9).map(_text) | COMPONENTS, SETS, max_size=6),
    st.lists(PATHS, max_size=4),
)
def test_a_path_is_looked_up(keys: dict[bytes, int], pieces: dict[bytes, int], paths: list[bytes]) -> None:
    code = path_matcher(keys, pieces).code()
    paths += [b"/x/" + piece + b"/y" for piece in pieces]
    for path in [
        *paths,
        b"/",
        *(key.rstrip(b"\0") for key in keys),
        *(key.rstrip(b"\0") + b"x" for key in keys),
    ]:
        assert call(code, *path_buffer(path)) == expected(keys, path) | expected_pieces(pieces, path)


@bounded
@given(
    st.dictionaries(_cuts(NAMES), SETS, max_size=10),
    st.dictionaries(NAMES, SETS, max_size=10),
    st.lists(NAMES, max_size=4),
)
def test_a_name_is_looked_up(names: dict[bytes, int], endings: dict[bytes, int], asked: list[bytes]) -> None:
    code = name_matcher(names, endings).code()
    near = [*(key.rstrip(b"\0") for key in names), *endings, *(b"x" + ending for ending in endings)]
    for name in [b"", *asked, *near]:
        if len(name) <= LONGEST_NAME:
            wanted = expected(names, name) | expected_endings(endings, name)
            assert call(code, *name_buffer(name)) == wanted


RANGES = st.dictionaries(
    st.tuples(st.integers(0, 40) | st.integers(0, 0xFFFFFFFF), st.integers(0, 30)).map(
        lambda pair: (pair[0], min(sum(pair), 0xFFFFFFFF))
    ),
    SETS,
    max_size=12,
)


@bounded
@given(RANGES, st.lists(st.integers(0, 0xFFFFFFFF), max_size=4))
def test_a_number_is_looked_up(ranges: dict[tuple[int, int], int], numbers: list[int]) -> None:
    code = number_matcher(ranges).code()
    near = {end + by for pair in ranges for end in pair for by in (-1, 0, 1)}
    for number in (it for it in {0, 0xFFFFFFFF, *numbers, *near} if 0 <= it < 1 << 32):
        wanted = reduce(or_, (its for (low, high), its in ranges.items() if low <= number <= high), 0)
        assert call(code, bytearray(BUFFER_BYTES), number) == wanted


@pytest.mark.parametrize(
    ("length", "found"),
    [
        (LONGEST_SCAN, 0),
        (LONGEST_SCAN + 1, 2),
        (LONGEST_PATH, 2),
        (LONGEST_PATH + 1, EVERY_GROUP),
        (4095, EVERY_GROUP),
    ],
)
def test_a_path_whose_field_has_another_text_passes(length: int, found: int) -> None:
    assert (
        call(path_matcher({b"/etc/": 1}, {b"z": 2}).code(), *path_buffer(b"/" + b"x" * (length - 1))) == found
    )


def _many(count: int, seed: int) -> Keys:
    chosen = random.Random(seed)
    tops = ["etc", "usr", "var", "home", "root", "opt"]
    atoms: dict[Atom, int] = {}
    for number in range(count):
        path = "/".join([chosen.choice(tops), *(chosen.randbytes(chosen.randint(1, 12)).hex() for _ in "12")])
        part = chosen.choice([Part.PREFIX, Part.PATH, Part.NAME, Part.SUFFIX, Part.PIECE])
        if part is Part.PIECE and len(atoms) > MOST_PIECES:
            part = Part.PREFIX
        text = f"/{path}" if part in (Part.PREFIX, Part.PATH) else path.rpartition("/")[2]
        atoms[Atom(part, text.encode())] = 1 << number % 64
    return Keys.of(atoms)


@pytest.mark.parametrize("count", [0, 1, 10, 209, 1000, 5000])
def test_the_code_stays_below_its_limit(count: int) -> None:
    keys = _many(count, 1)
    sizes = [len(disassembled(code)) for code in (keys.path_code, keys.name_code)]
    assert max(sizes) <= MOST_INSTRUCTIONS


def test_keys_are_cut_where_the_code_would_become_too_long() -> None:
    atoms = {
        Atom(part, text): 1 << number % 64
        for number in range(40)
        for part, text in (
            (Part.PATH, b"/etc/some/longer/path/%d" % number),
            (Part.NAME, b"a name of a file %d" % number),
            (Part.SUFFIX, b"%d the end of a name" % number),
            (Part.PIECE, b"any piece of it %d" % number),
        )
    }
    keys, cut = Keys.of(atoms), Keys.of(atoms, 100)
    assert max(len(disassembled(code)) for code in (cut.path_code, cut.name_code)) <= 100
    for atom in atoms:
        path = atom.text if atom.part is Part.PATH else b"/x/" + atom.text
        wanted, passed = keys.groups_of(path), cut.groups_of(path)
        assert wanted
        assert wanted & passed == wanted, atom


@pytest.fixture
def kernel() -> Iterator[Callable[[bytes], KernelFunction]]:
    made: list[KernelFunction] = []

    def load(code: bytes) -> KernelFunction:
        made.append(KernelFunction(code))
        return made[-1]

    yield load
    for function in made:
        function.close()


@needs_bpf
@pytest.mark.parametrize(("count", "seed"), [(0, 0), (3, 1), (40, 2), (209, 3), (209, 4), (1500, 5)])
def test_the_kernel_takes_the_code_and_finds_the_same(
    kernel: Callable[[bytes], KernelFunction], count: int, seed: int
) -> None:
    keys = _many(count, seed)
    find_path, find_name = kernel(keys.path_code), kernel(keys.name_code)
    chosen = random.Random(seed)
    texts = [
        key.rstrip(b"\0") for table in (keys.paths, keys.pieces, keys.names, keys.endings) for key in table
    ]
    texts = chosen.sample(texts, min(len(texts), 150))
    texts += [text + chosen.randbytes(chosen.randint(0, 9)).replace(b"\0", b"") for text in texts]
    texts += [b"/x" * chosen.randint(1, 130) + text for text in texts if not text.startswith(b"/")]
    texts += [text[:-1] for text in texts] + [
        b"/",
        b"/" + b"x" * 1022,
        b"/" + b"x" * 1023,
        b"/" + b"x" * 4094,
    ]
    for text in texts:
        found = expected(keys.paths, text) | expected_pieces(keys.pieces, text)
        assert find_path(*path_buffer(text)) == (EVERY_GROUP if len(text) > LONGEST_PATH else found), text
        if len(text) <= LONGEST_NAME:
            wanted = expected(keys.names, text) | expected_endings(keys.endings, text)
            assert find_name(*name_buffer(text)) == wanted, text


@needs_bpf
@pytest.mark.parametrize("count", [0, 1, 60, 500])
def test_the_kernel_takes_the_code_for_numbers(kernel: Callable[[bytes], KernelFunction], count: int) -> None:
    chosen = random.Random(count)
    starts = [chosen.choice([number, number << 16, 0xFFFFFFF0 - number]) for number in range(count)]
    ranges = {(start, start + chosen.randrange(9)): 1 << start % 64 for start in starts}
    code = number_matcher(ranges).code()
    find = kernel(code)
    for number in {0, 0xFFFFFFFF, *(end for pair in ranges for end in pair)}:
        assert find(bytearray(BUFFER_BYTES), number) == call(code, bytearray(BUFFER_BYTES), number)
