"""Sets of path prefixes, for `pmatch`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from falcocore.lang.globs import compile_glob

_GLOB = re.compile(r"[*?\[]")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


class _Step:
    """One directory level of the set: where it goes on by name, and by pattern."""

    __slots__ = ("globs", "is_end", "names")

    def __init__(self) -> None:
        self.names: dict[str, _Step] = {}
        self.globs: list[tuple[re.Pattern[str], _Step]] = []
        self.is_end = False


class PathPatterns:
    """Path prefixes by whole components; a component with `* ? [` is a glob for one component."""

    __slots__ = ("_root", "patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._root = _Step()
        for pattern in self.patterns:
            step = self._root
            for part in _parts(pattern):
                if _GLOB.search(part):
                    following = _Step()
                    step.globs.append((compile_glob(part), following))
                    step = following
                else:
                    step = step.names.setdefault(part, _Step())
            step.is_end = True

    def holds(self, path: str) -> bool:
        """True where some pattern's components are the first of the path's."""
        steps = [self._root]
        for part in _parts(path):
            if any(step.is_end for step in steps):
                return True
            steps = [
                following
                for step in steps
                for following in (
                    step.names.get(part),
                    *(s for glob, s in step.globs if glob.fullmatch(part)),
                )
                if following is not None
            ]
            if not steps:
                return False
        return any(step.is_end for step in steps)
