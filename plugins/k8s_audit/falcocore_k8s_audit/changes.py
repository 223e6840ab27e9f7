"""Whether a file has changed since it was read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

FileState: TypeAlias = tuple[int, int, int] | None
"""Inode, time of change in ns and size; None where the file is missing."""


def file_state(path: str | Path) -> FileState:
    """What changes when the file does, through writing or through another in its place."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
