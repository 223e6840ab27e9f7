"""Writes a capture that this program, sysdig and Falco read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

from falcocore_syscall.scap.blocks import FRAME_BYTES, HEADER_BYTES, MAGIC, MAJOR, SECTION, STATE_ONLY
from falcocore_syscall.scap.older import older_fds, older_params
from falcocore_syscall.scap.packing import (
    accounts_body,
    fds_body,
    interfaces_body,
    machine_body,
    threads_body,
)
from falcocore_syscall.scap.records import (
    FdListRecord,
    GroupRecord,
    InterfaceRecord,
    MachineRecord,
    Record,
    ThreadRecord,
    UserRecord,
)
from falcocore_syscall.tables import EVENTS, LARGE

_MINOR = 2
_MACHINE, _INTERFACES, _USERS, _THREADS, _FDS = 0x201, 0x219, 0x220, 0x215, 0x218
_EVENT, _FLAGGED_EVENT, _LARGE_EVENT, _LARGE_FLAGGED_EVENT = 0x216, 0x217, 0x221, 0x222
_MOST_BODY_BYTES = 65_536
"""A block of an event with a longer body has to be one of the large types."""
MOST_PARAM_BYTES = 0xFFFF
"""The longest parameter of an event whose type isn't among LARGE."""
_BUFFER_BYTES = 1 << 18
_LEVEL, _GZIP = 2, 31

_MOST_PARAMS = max(len(event.params) for event in EVENTS)
_COUNTS = tuple(len(event.params) for event in EVENTS)
_HEADS = [struct.Struct(f"<IIHQqIHI{count}H") for count in range(_MOST_PARAMS + 1)]
"""Type and length of the block, processor, header of the event, lengths of its parameters."""
_FLAGGED_HEADS = [struct.Struct(f"<IIHIQqIHI{count}H") for count in range(_MOST_PARAMS + 1)]
_LONG_HEADS = [struct.Struct(f"<IIHQqIHI{count}I") for count in range(_MOST_PARAMS + 1)]
_LONG_FLAGGED_HEADS = [struct.Struct(f"<IIHIQqIHI{count}I") for count in range(_MOST_PARAMS + 1)]
_TAILS = [struct.Struct(f"<{padding}xI") for padding in range(4)]
"""The padding and second length of a block."""


class Writer:
    """Writes one section: first the lists of what was there, in any order, then events.

    What is written is held back until there is much of it, or until `flush`. After a flush, all of it can be
    read, whatever happens to this process. The stream stays open after `close`.

    With `for_older`, Debian's sysdig 0.29.3 reads all of it that it knows (see `older`), and types of
    descriptors that are newer than it are lost. It shows no descriptor of an event in either case: it looks
    for that in enter events.

    Raises:
        OSError: the stream takes no more. The methods that write raise it too.
    """

    def __init__(self, stream: BinaryIO, *, compress: bool = False, for_older: bool = False) -> None:
        self._stream = stream
        self._for_older = for_older
        self._packer = _gzip() if compress else None
        self._held = bytearray()
        self._has_events = False
        self.size_bytes = 0
        """How much was given to the stream."""
        self._block(SECTION, struct.pack("<IHHQ", MAGIC, MAJOR, _MINOR, (1 << 64) - 1))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write_machine(self, record: MachineRecord) -> None:
        """The machine info."""
        self._list(_MACHINE, machine_body(record))

    def write_interfaces(self, records: Sequence[InterfaceRecord]) -> None:
        """The list of interfaces; a second one would replace it."""
        self._list(_INTERFACES, interfaces_body(records))

    def write_accounts(self, records: Sequence[UserRecord | GroupRecord]) -> None:
        """The list of users and groups; a second one would replace it."""
        self._list(_USERS, accounts_body(records))

    def write_threads(self, records: Sequence[ThreadRecord]) -> None:
        """Threads; their descriptors come after them."""
        self._list(_THREADS, threads_body(records))

    def write_fds(self, record: FdListRecord) -> None:
        """The descriptors of a process."""
        self._list(_FDS, fds_body(older_fds(record) if self._for_older else record))

    def write_list(self, record: Record) -> None:
        """Any of them, by what is in it; one without anything is left out."""
        if isinstance(record, MachineRecord):
            self.write_machine(record)
        elif isinstance(record, FdListRecord):
            self.write_fds(record)
        elif record:
            write = {ThreadRecord: self.write_threads, InterfaceRecord: self.write_interfaces}
            write.get(type(record[0]), self.write_accounts)(record)  # type: ignore[operator]

    def write_event(
        self, time_ns: int, tid: int, cpu: int, kind: int, params: Sequence[bytes], *, is_hidden: bool = False
    ) -> None:
        """An event in the newest layout of its type; one that is hidden changes the state and isn't shown.

        Raises:
            ValueError: it has more parameters than its type, or one longer than can be written.
        """
        if self._for_older:
            params = older_params(kind, params)
        count = len(params)
        is_long = kind in LARGE
        if count > _COUNTS[kind]:
            raise ValueError(f"an event of type {kind} has {_COUNTS[kind]} parameters, not {count}")
        values = b"".join(params)
        size = HEADER_BYTES + count * (4 if is_long else 2) + len(values)
        body = size + (6 if is_hidden else 2)
        padding = -body % 4
        length = FRAME_BYTES + body + padding
        is_large = body + padding > _MOST_BODY_BYTES
        try:
            if is_hidden:
                block = _LARGE_FLAGGED_EVENT if is_large else _FLAGGED_EVENT
                packed = (_LONG_FLAGGED_HEADS if is_long else _FLAGGED_HEADS)[count]
                head = packed.pack(
                    block, length, cpu, STATE_ONLY, time_ns, tid, size, kind, count, *map(len, params)
                )
            else:
                block = _LARGE_EVENT if is_large else _EVENT
                packed = (_LONG_HEADS if is_long else _HEADS)[count]
                head = packed.pack(block, length, cpu, time_ns, tid, size, kind, count, *map(len, params))
        except struct.error as error:
            raise ValueError(f"an event of type {kind} can't be written: {error}") from None
        self._has_events = True
        held = self._held
        held += head
        held += values
        held += _TAILS[padding].pack(length)
        if len(held) >= _BUFFER_BYTES:
            self._pass_on()

    def flush(self) -> None:
        """Bring everything that was written to where it can be read."""
        self._pass_on()
        if self._packer is not None:
            self._put(self._packer.flush(_sync_flush()))
        self._stream.flush()

    def close(self) -> None:
        """Write what is left. Nothing can be written afterwards."""
        self._pass_on()
        if self._packer is not None:
            self._put(self._packer.flush())
            self._packer = None
        self._stream.flush()

    def _list(self, kind: int, body: bytes) -> None:
        if self._has_events:
            raise ValueError("lists come before the first event")
        self._block(kind, body)

    def _block(self, kind: int, body: bytes) -> None:
        padding = -len(body) % 4
        length = FRAME_BYTES + len(body) + padding
        self._held += struct.pack("<II", kind, length) + body + _TAILS[padding].pack(length)
        if len(self._held) >= _BUFFER_BYTES:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._held:
            data = bytes(self._held)
            self._held.clear()
            self._put(data if self._packer is None else self._packer.compress(data))

    def _put(self, data: bytes) -> None:
        self._stream.write(data)
        self.size_bytes += len(data)


def is_compressed_name(name: str) -> bool:
    """True for the names of files that are compressed where nothing else is asked for."""
    return name.endswith(".gz")


def _gzip() -> Any:
    from isal import isal_zlib

    return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)


def _sync_flush() -> int:
    from isal import isal_zlib

    return int(isal_zlib.Z_SYNC_FLUSH)
