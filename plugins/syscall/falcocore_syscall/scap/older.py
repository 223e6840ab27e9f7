"""What sysdig 0.29.3, the one that Debian has, would refuse or crash at, said in older words.

It refuses a capture with a descriptor of one of the newer types, and crashes at a generic event whose system
call is newer than its table. Events of types that it doesn't know it passes over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from falcocore_syscall.scap.records import FdListRecord
from falcocore_syscall.state.fds import FdType
from falcocore_syscall.tables import GENERIC

FIRST_NEWER_FD_TYPE = 17
FIRST_NEWER_CALL = 330
_NO_CALL = bytes(2)
_CALL_PARAMS = 2


def older_fds(record: FdListRecord) -> FdListRecord:
    """The descriptors; newer types are of an unsupported one, and keep their names."""
    unsupported = FdType.UNSUPPORTED.number
    fds = [replace(fd, type=unsupported) if fd.type >= FIRST_NEWER_FD_TYPE else fd for fd in record.fds]
    return FdListRecord(record.tid, fds)


def older_params(kind: int, params: Sequence[bytes]) -> Sequence[bytes]:
    """The parameters of an event; a newer call is told by the kernel's number only, as unknown ones are."""
    if kind in GENERIC and len(params) >= _CALL_PARAMS and params[1]:
        call = int.from_bytes(params[0], "little")
        if call >= FIRST_NEWER_CALL:
            return [_NO_CALL, *params[1:]]
    return params
