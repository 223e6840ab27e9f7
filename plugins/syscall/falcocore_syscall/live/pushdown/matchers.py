"""Generated functions of the kernel program: they look something up, and return the groups it will do for.

They are called with the address of a buffer and a number:

    u64 match_path(u8 *buffer, u64 start)      a path from `start` to PATH_END, where a NUL stands
    u64 match_name(u8 *buffer, u64 length)     its last component, of `length` bytes, at NAME_AT
    u64 match_program(u8 *buffer, u64 0)       the name of a program, there too, with a NUL at its end
    u64 match_parent, match_ancestor           likewise
    u64 match_exe(u8 *buffer, u64 0)           what a program was started as, likewise
    u64 match_directory(u8 *buffer, u64 start) a working directory, as match_path
    u64 match_user(u8 *buffer, u64 number)     a number of 32 bits
    u64 match_port(u8 *buffer, u64 number)     likewise

What they return is a set of groups (`groups.py`). The last component is that of the path: where a file is
mounted, the name of the mount point.

The buffer has BUFFER_BYTES in the value of a map. Between the end of the path and NAME_AT it holds zeros, and
so behind the name up to NAME_AT + LONGEST_NAME + 8. Its last eight bytes are overwritten: what comes from
memory is to the verifier any number, so that it follows the caller once and not once for each result.

Keys are compared in words of eight, four, two and one byte. Those that begin alike share these comparisons;
where they differ the word is searched for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from falcocore_syscall.live.pushdown.assembler import R0, R1, R2, R3, R4, R5, Assembler, Label
from falcocore_syscall.live.pushdown.groups import EVERY_GROUP

BUFFER_BYTES = 5120
PATH_END = 4095
NAME_AT = 4608
RESULT_AT = BUFFER_BYTES - 8
LONGEST_PATH = 1023
"""A path with more bytes has another text in `fd.name`, so that it is always wanted."""
LONGEST_NAME = 64
LONGEST_SCAN = 127
"""In a longer path pieces are not searched for."""
LONGEST_KEY = 128
_NAME_MASK = 0x7F
_LARGEST_NUMBER = 0xFFFFFFFF
_WORDS = (8, 4, 2, 1)

Table = Mapping[bytes, int]
"""Sets of groups by keys; the NUL behind a text stands in a key that has to be the whole of it."""
_Items = Sequence[tuple[bytes, int]]


def path_matcher(keys: Table, pieces: Table) -> Assembler:
    """The instructions of `match_path` for what paths begin with, and for what they hold anywhere."""
    code = Assembler()
    fits, begun, end = code.label(), code.label(), code.label()
    code.mask(R2, PATH_END)
    code.move(R5, R1)
    code.set(R0, 0)
    code.jump_if(R2, ">", PATH_END - LONGEST_PATH - 1, 2, fits)
    code.unite(R0, EVERY_GROUP, R4)
    code.jump(end)
    code.place(fits)
    code.move(R3, R5)
    code.add(R3, R2)
    _Search(code, begun).emit(keys)
    code.place(begun)
    if pieces:
        _scan(code, end, pieces)
    _finish(code, end)
    return code


def _scan(code: Assembler, end: Label, pieces: Table) -> None:
    """Search from each place on, from that in R2 to the end of the path.

    The verifier follows the loop step by step, so that it must not have many: any piece may be a part of a
    longer path.
    """
    again, following = code.label(), code.label()
    code.jump_if(R2, ">", PATH_END - LONGEST_SCAN - 1, 2, again)
    code.unite(R0, _united(pieces.values()), R4)
    code.jump(end)
    code.place(again)
    code.jump_if(R2, ">", PATH_END - 1, 2, end)
    code.move(R3, R5)
    code.add(R3, R2)
    _Search(code, following).emit(pieces)
    code.place(following)
    code.increment(R2)
    code.jump(again)


def name_matcher(names: Table, endings: Table) -> Assembler:
    """The instructions of `match_name` for what names begin with or are, and for what they end in.

    Without such endings the length is not looked at, and need not be given.
    """
    code = Assembler()
    code.move(R5, R1)
    code.move(R3, R1)
    code.set(R0, 0)
    ends, end = code.label(), code.label()
    _Search(code, ends, NAME_AT).emit(names)
    code.place(ends)
    if endings:
        code.mask(R2, _NAME_MASK)
        code.add(R3, R2)
        reverted = {ending[::-1]: its for ending, its in endings.items()}
        _Search(code, end, NAME_AT, backwards=True).emit(reverted)
    _finish(code, end)
    return code


def number_matcher(ranges: Mapping[tuple[int, int], int]) -> Assembler:
    """The instructions of `match_user` and `match_port`: sets of groups by ranges with both their ends."""
    code = Assembler()
    code.move(R5, R1)
    code.set(R0, 0)
    end = code.label()
    starts = sorted({0, *(low for low, _ in ranges), *(high + 1 for _, high in ranges)})
    pieces = [
        (start, _united(groups for (low, high), groups in ranges.items() if low <= start <= high))
        for start in starts
        if start <= _LARGEST_NUMBER
    ]
    _halve(code, pieces, end)
    _finish(code, end)
    return code


def _halve(code: Assembler, pieces: Sequence[tuple[int, int]], end: Label) -> None:
    """Find the piece that R2 is in; each begins at its number."""
    if len(pieces) == 1:
        code.unite(R0, pieces[0][1], R4)
        code.jump(end)
        return
    middle = len(pieces) // 2
    above = code.label()
    code.jump_if(R2, ">", pieces[middle][0] - 1, 4, above)
    _halve(code, pieces[:middle], end)
    code.place(above)
    _halve(code, pieces[middle:], end)


def _finish(code: Assembler, end: Label) -> None:
    code.place(end)
    code.store(R5, RESULT_AT, R0)
    code.load(R0, R5, RESULT_AT, 8)
    code.exit()


@dataclass(slots=True)
class _Search:
    """Emits the search for keys from where R3 points to; R0 collects the groups of those that are found.

    `base` is added to that place. `backwards` reads the bytes before it, the nearest first, and takes keys
    that are written so.
    """

    code: Assembler
    end: Label
    base: int = 0
    backwards: bool = False
    _leaves: dict[int, Label] = field(default_factory=dict)

    def emit(self, keys: Table) -> None:
        """The whole search; it ends at the label `end`."""
        self._node(sorted(keys.items()), 0)
        for groups, label in self._leaves.items():
            self.code.place(label)
            self.code.unite(R0, groups, R4)
            self.code.jump(self.end)

    def _node(self, items: _Items, at: int) -> None:
        """What is left of keys that agree in their first `at` bytes."""
        found = _united(groups for rest, groups in items if not rest)
        if found:
            self.code.unite(R0, found, R4)
        items = [(rest, groups) for rest, groups in items if rest]
        if not items:
            self.code.jump(self.end)
            return
        size = _word(min(len(rest) for rest, _ in items))
        parts: dict[int, list[tuple[bytes, int]]] = {}
        for rest, groups in items:
            parts.setdefault(self._number(rest[:size]), []).append((rest[size:], groups))
        self.code.load(R1, R3, self._offset(at, size), size)
        labels = {number: self._label(part) for number, part in parts.items()}
        self._find(sorted(parts), labels, size)
        for number, part in parts.items():
            if any(rest for rest, _ in part):
                self.code.place(labels[number])
                self._node(part, at + size)

    def _label(self, part: _Items) -> Label:
        """Where to go on with a part: keys that end here share what follows by their groups."""
        if any(rest for rest, _ in part):
            return self.code.label()
        groups = _united(its for _, its in part)
        if groups not in self._leaves:
            self._leaves[groups] = self.code.label()
        return self._leaves[groups]

    def _find(self, numbers: Sequence[int], labels: Mapping[int, Label], size: int) -> None:
        """Go to the label of the word in R1, or to the end."""
        middle = len(numbers) // 2
        number = numbers[middle]
        if size == 8:
            self.code.set(R4, number)
        self.code.jump_if(R1, "==", number, size, labels[number])
        lower, higher = numbers[:middle], numbers[middle + 1 :]
        if higher:
            above = self.code.label()
            if lower:
                self.code.jump_if(R1, ">", number, size, above)
                self._find(lower, labels, size)
            self.code.place(above)
            self._find(higher, labels, size)
        elif lower:
            self._find(lower, labels, size)
        else:
            self.code.jump(self.end)

    def _offset(self, at: int, size: int) -> int:
        return self.base - at - size if self.backwards else self.base + at

    def _number(self, word: bytes) -> int:
        """The word as the machine loads it."""
        return int.from_bytes(word, "big" if self.backwards else "little")


def _united(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def _word(length: int) -> int:
    return next(size for size in _WORDS if size <= length)
