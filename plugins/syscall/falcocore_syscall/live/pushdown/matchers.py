"""Generated functions of the kernel program: they look a text up, and return where it is wanted.

Both are called with the address of a buffer and a number:

    u64 match_path(u8 *buffer, u64 start)      a path from `start` to PATH_END, where a NUL stands
    u64 match_name(u8 *buffer, u64 length)     its last component, of `length` bytes, at NAME_AT

They return the set of classes in which a call on such a path may be sent. The last component is that of the
path: where a file is mounted, the name of the mount point.

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
from falcocore_syscall.live.pushdown.classes import EVERY

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
_WORDS = (8, 4, 2, 1)

Table = Mapping[bytes, int]
"""Sets of classes by keys; the NUL behind a text stands in a key that has to be the whole of it."""
_Items = Sequence[tuple[bytes, int]]


def path_matcher(keys: Table, pieces: Table) -> Assembler:
    """The instructions of `match_path` for what paths begin with, and for what they hold anywhere."""
    code = Assembler()
    fits, begun, end = code.label(), code.label(), code.label()
    code.mask(R2, PATH_END)
    code.move(R5, R1)
    code.set(R0, 0)
    code.jump_if(R2, ">", PATH_END - LONGEST_PATH - 1, 2, fits)
    code.unite(R0, EVERY, R4)
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
    """The instructions of `match_name` for what names begin with or are, and for what they end in."""
    code = Assembler()
    code.mask(R2, _NAME_MASK)
    code.move(R5, R1)
    code.move(R3, R1)
    code.set(R0, 0)
    ends = code.label()
    _Search(code, ends, NAME_AT).emit(names)
    code.place(ends)
    code.add(R3, R2)
    end = code.label()
    _Search(code, end, NAME_AT, backwards=True).emit({ending[::-1]: its for ending, its in endings.items()})
    _finish(code, end)
    return code


def _finish(code: Assembler, end: Label) -> None:
    code.place(end)
    code.store(R5, RESULT_AT, R0)
    code.load(R0, R5, RESULT_AT, 8)
    code.exit()


@dataclass(slots=True)
class _Search:
    """Emits the search for keys from where R3 points to; R0 collects the classes of those that are found.

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
        for classes, label in self._leaves.items():
            self.code.place(label)
            self.code.unite(R0, classes, R4)
            self.code.jump(self.end)

    def _node(self, items: _Items, at: int) -> None:
        """What is left of keys that agree in their first `at` bytes."""
        found = _united(classes for rest, classes in items if not rest)
        if found:
            self.code.unite(R0, found, R4)
        items = [(rest, classes) for rest, classes in items if rest]
        if not items:
            self.code.jump(self.end)
            return
        size = _word(min(len(rest) for rest, _ in items))
        groups: dict[int, list[tuple[bytes, int]]] = {}
        for rest, classes in items:
            groups.setdefault(self._number(rest[:size]), []).append((rest[size:], classes))
        self.code.load(R1, R3, self._offset(at, size), size)
        labels = {number: self._label(group) for number, group in groups.items()}
        self._find(sorted(groups), labels, size)
        for number, group in groups.items():
            if any(rest for rest, _ in group):
                self.code.place(labels[number])
                self._node(group, at + size)

    def _label(self, group: _Items) -> Label:
        """Where to go on with a group: keys that end here share what follows by their classes."""
        if any(rest for rest, _ in group):
            return self.code.label()
        classes = _united(its for _, its in group)
        if classes not in self._leaves:
            self._leaves[classes] = self.code.label()
        return self._leaves[classes]

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
