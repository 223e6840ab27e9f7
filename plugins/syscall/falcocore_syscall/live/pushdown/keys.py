"""The tests of paths as tables of keys that fit into the kernel's, and the code that looks them up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.groups import EVERY_GROUP
from falcocore_syscall.live.pushdown.matchers import (
    LONGEST_KEY,
    LONGEST_NAME,
    LONGEST_SCAN,
    Table,
    name_matcher,
    path_matcher,
)

MOST_INSTRUCTIONS = 4096
MOST_PIECES = 16
"""With more of them the verifier would have too much to follow: then any path passes."""
LONGEST_PIECE = 16
MOST_TOPS = 64
LONGEST_TOP = 15
_NUL = b"\0"
_OTHERS = b""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the kernel looks up of a path, each with the groups that such a path is enough for.

    `paths` are what paths begin with, `pieces` what they hold, `names` what last components begin with,
    `endings` what these end in; a NUL at the end stands for the end. `tops` are whole first components, which
    are looked at before; the empty one stands for all that are not listed. `path_groups` and `name_groups`
    are those that a path, and those that its last component may be enough for. Where the code would have
    become too long, keys were cut.
    """

    paths: Table
    pieces: Table
    names: Table
    endings: Table
    tops: Table
    path_groups: int
    name_groups: int
    path_code: bytes
    name_code: bytes

    @classmethod
    def of(cls, atoms: Mapping[Atom, int], most_instructions: int = MOST_INSTRUCTIONS) -> Keys:
        """Make the tables; their code has at most so many instructions each."""
        paths: dict[bytes, int] = {}
        pieces: dict[bytes, int] = {}
        names: dict[bytes, int] = {}
        endings: dict[bytes, int] = {}
        path_groups = name_groups = 0
        for (part, text), groups in atoms.items():
            if part in (Part.PATH, Part.PREFIX):
                path_groups |= groups
                if text.startswith(b"/"):
                    _add(paths, text if part is Part.PREFIX else text + _NUL, groups)
                continue
            if part is Part.PIECE:
                path_groups |= groups
                _add(pieces, text, groups)
                continue
            name_groups |= groups
            if len(text) <= LONGEST_NAME:
                if part in (Part.NAME, Part.BEGINNING):
                    _add(names, text + _NUL if part is Part.NAME else text, groups)
                else:
                    _add(endings, text, groups)
        if len(pieces) > MOST_PIECES:
            _add(paths, b"/", _united(pieces.values()))
            pieces = {}
        cut_paths, cut_pieces, path_code = _fitted_paths(paths, pieces, most_instructions)
        cut_names, cut_endings, name_code = _fitted_names(names, endings, most_instructions)
        return cls(
            cut_paths,
            cut_pieces,
            cut_names,
            cut_endings,
            _tops(cut_paths, _united(pieces.values())),
            path_groups,
            name_groups,
            path_code,
            name_code,
        )

    def groups_of(self, path: bytes) -> int:
        """The groups that an absolute path is enough for, as the kernel finds it out."""
        name = path.rpartition(b"/")[2]
        found = _united(its for key, its in self.names.items() if (name + _NUL).startswith(key))
        found |= _united(its for key, its in self.endings.items() if name.endswith(key))
        of_path = _united(its for key, its in self.paths.items() if (path + _NUL).startswith(key))
        of_path |= _united(its for key, its in self.pieces.items() if key in path or len(path) > LONGEST_SCAN)
        return found | of_path & self.top_groups(path)

    @property
    def other_tops(self) -> int:
        """The groups that first components which are not listed are enough for."""
        return self.tops[_OTHERS]

    def top_groups(self, path: bytes) -> int:
        """The groups for which the first component of a path lets it pass."""
        top = path.split(b"/", 2)[1]
        if not top or len(top) > LONGEST_TOP:
            return EVERY_GROUP
        return self.tops.get(top, self.other_tops)


def _add(table: dict[bytes, int], key: bytes, groups: int) -> None:
    table[key] = table.get(key, 0) | groups


def _united(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def _cut(table: Table, length: int, *, end: bool = False) -> dict[bytes, int]:
    """The keys with so many bytes of their beginning or end."""
    found: dict[bytes, int] = {}
    for key, groups in table.items():
        _add(found, key[-length:] if end else key[:length], groups)
    return found


def _lengths(longest: int) -> Iterator[int]:
    """Lengths to cut keys to, from the longest on; with the last any number of keys fits."""
    while longest >= 1:
        yield longest
        longest = longest * 3 // 4


def _fitted_paths(paths: Table, pieces: Table, most: int) -> tuple[Table, Table, bytes]:
    for length in _lengths(LONGEST_KEY):
        cut, cut_pieces = _cut(paths, length), _cut(pieces, min(length, LONGEST_PIECE))
        code = path_matcher(cut, cut_pieces)
        if len(code) <= most:
            break
    return cut, cut_pieces, code.code()


def _fitted_names(names: Table, endings: Table, most: int) -> tuple[Table, Table, bytes]:
    for length in _lengths(LONGEST_NAME + 1):
        cut, cut_endings = _cut(names, length), _cut(endings, length, end=True)
        code = name_matcher(cut, cut_endings)
        if len(code) <= most:
            break
    return cut, cut_endings, code.code()


def _tops(paths: Table, others: int) -> Table:
    """The first components of what paths begin with; those beyond the table's size count as any."""
    found: dict[bytes, int] = {}
    for key, groups in sorted(paths.items()):
        top, slash, _ = key[1:].partition(b"/")
        if not slash and key[-1:] != _NUL:
            others |= groups
        elif 0 < len(top.rstrip(_NUL)) <= LONGEST_TOP:
            _add(found, top.rstrip(_NUL), groups)
    for name in list(found)[MOST_TOPS - 1 :]:
        others |= found.pop(name)
    return {_OTHERS: others, **{name: groups | others for name, groups in found.items()}}
