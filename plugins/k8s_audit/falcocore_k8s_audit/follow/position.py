"""How far a log was read."""

from __future__ import annotations

import hashlib

import msgspec

HEAD_BYTES = 1024
"""So many first bytes tell one file from another: an audit event's id stands within the first 200."""


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place between two lines of a file, which is known again after it was renamed, copied or packed.

    A file is told by its first bytes, which stay the same; by device and inode only while nothing of it was
    read. `offset` is in bytes, of a packed file unpacked; `changed_ns` is when the file was changed last
    before it was read to there: what was written later is in files that were changed later.
    """

    device: int
    inode: int
    head_bytes: int
    head_sha256: str
    offset: int
    changed_ns: int


def digest(head: bytes) -> str:
    """The first bytes of a file, as a position has them."""
    return hashlib.sha256(head).hexdigest()
