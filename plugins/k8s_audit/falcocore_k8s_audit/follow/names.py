"""The files that a log was rotated to, told by their names.

Two programs are known by what they call them: lumberjack, which is in the kube-apiserver, and logrotate.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

PACKED = (".gz", ".zst")
"""What is added to a name when a rotated file is packed."""
_PACKED = r"(?:\.gz|\.zst)?"
_STAMP = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}"


def rotated(log: Path) -> list[list[Path]]:
    """The files that `log` was rotated to: a list for each way to name them, oldest first.

    lumberjack: `audit-2026-07-01T12-00-00.000.log`. logrotate: `audit.log-20260701`, or `audit.log.1`, where
    the larger number is the older file. Of a file and its packed copy, which may not be whole yet, the file
    is given.
    """
    name, stem, suffix = map(re.escape, (log.name, log.stem, log.suffix))
    names = _names_in(log.parent)
    numbered = _by_key(rf"{name}\.(\d{{1,9}})", names)
    series = (
        [numbered[key] for key in sorted(numbered, key=int, reverse=True)],
        *(
            [keyed[key] for key in sorted(keyed)]
            for keyed in (
                _by_key(rf"{name}-(\d{{8}}[-\d]*)", names),
                _by_key(rf"{stem}-({_STAMP}){suffix}", names),
            )
        ),
    )
    return [[log.with_name(found) for found in one] for one in series if one]


def _by_key(pattern: str, names: Sequence[str]) -> dict[str, str]:
    """The names that fit, by what tells their age; a plain name comes before that of its packed copy."""
    found: dict[str, str] = {}
    for name in names:
        if match := re.fullmatch(pattern + _PACKED, name, re.ASCII):
            found.setdefault(match[1], name)
    return found


def _names_in(directory: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(directory) if entry.is_file())
    except FileNotFoundError:
        return []
