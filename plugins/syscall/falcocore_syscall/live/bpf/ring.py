"""Reading a BPF ring buffer in place.

The buffer is mapped into the process: one page with the consumer's position, one with the producer's, then
the data, twice in a row so that a record which wraps around can be read as if it did not. A record has a
header of eight bytes; the highest bit of its length says that the record is still being written, the next
one that it was given up.

Memory ordering: the kernel publishes the producer's position after the headers, and a length without the
busy bit after the data. x86-64 shows loads in order. Other processors may not, so that there has to be a
barrier between the loads of these three; releasing and taking a lock is one that Python has. All headers of
a batch are read before the first of its data, so that two barriers do for a whole batch, and a third one
before the consumer's position is written: the kernel must not see it while data is still being read.
Positions are read and written as one aligned number of eight bytes each (`memoryview.cast`).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from falcocore_syscall.live.bpf.errors import BpfError
from falcocore_syscall.live.bpf.maps import Map

HEADER_BYTES = 8
BUSY = 1 << 31
DISCARDED = 1 << 30
MOST_RECORDS = 4096
"""How many records one batch has at most, so that the kernel gets room back while there is a lot to read."""


class RingReader:
    """The one reader of a ring buffer. `fileno` can be waited for by epoll, level-triggered.

    The kernel wakes a waiter only for the first record behind what was consumed. With level-triggered
    waiting that is enough: each wait looks at the positions again, after the consumer's was written.
    """

    def __init__(self, ring: Map) -> None:
        page, size = mmap.PAGESIZE, ring.max_entries
        if size < page or size & (size - 1):
            raise BpfError(
                f"the size of ring buffer {ring.name} has to be a power of two and whole pages, not {size}"
            )
        self._fd = os.dup(ring.fd)  # The map's own may be closed earlier, when another object takes over.
        self._mask = size - 1
        self._fence = threading.Lock()
        self._fence.acquire()
        try:
            self._consumer_page = mmap.mmap(self._fd, page, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            self._producer_pages = mmap.mmap(
                self._fd, page + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page
            )
        except OSError as error:
            os.close(self._fd)
            raise BpfError(f"mapping ring buffer {ring.name} into memory", errno=error.errno) from None
        self._consumer = memoryview(self._consumer_page)[:8].cast("Q")
        self._producer = memoryview(self._producer_pages)[:8].cast("Q")
        self.data = memoryview(self._producer_pages)[page:]
        """All records, where `drain` says that they are."""
        self._headers = self.data.cast("I")
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Readable while there are records."""
        return self._fd

    def wait(self, timeout_s: float) -> bool:
        """Whether there is something to read, at the latest after some time."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    @property
    def pending_bytes(self) -> int:
        """How much has been written and not consumed."""
        return self._producer[0] - self._consumer[0]

    def drain(self, most: int = MOST_RECORDS) -> Iterator[tuple[memoryview, int, int]]:
        """One batch of what is there now: for each record where it is, its offset and its length.

        A record may be read until the batch ends; then the kernel gets its room back. Ending early, by
        leaving a loop or by an exception, gives back those that were handed out.
        """
        start, records = self._complete(most)
        data, done = self.data, start
        try:
            for offset, length, done in records:  # noqa: B007 - where the batch is when it ends
                if length >= 0:
                    yield data, offset, length
        finally:
            if done != start and not self._is_closed:
                self._barrier()
                self._consumer[0] = done

    def _complete(self, most: int) -> tuple[int, list[tuple[int, int, int]]]:
        """The complete records: offset, length (-1 for one that was given up), position behind it."""
        headers, mask = self._headers, self._mask
        start = position = self._consumer[0]
        end = self._producer[0]
        self._barrier()
        records: list[tuple[int, int, int]] = []
        while position < end and len(records) < most:
            at = position & mask
            header = headers[at >> 2]
            if header & BUSY:
                break
            length = header & ~DISCARDED
            position += (length + HEADER_BYTES + 7) & ~7
            if position > end:
                raise BpfError("the ring buffer is damaged: a record ends behind what was written")
            records.append((at + HEADER_BYTES, -1 if header & DISCARDED else length, position))
        self._barrier()
        return start, records

    def _barrier(self) -> None:
        self._fence.release()
        self._fence.acquire()

    def close(self) -> None:
        """Unmap the buffer. Views of records that someone still holds keep their memory until they go."""
        if self._is_closed:
            return
        self._is_closed = True
        for held in (self._consumer, self._producer, self._headers, self.data):
            with contextlib.suppress(BufferError):
                held.release()
        for pages in (self._consumer_page, self._producer_pages):
            with contextlib.suppress(BufferError):
                pages.close()
        os.close(self._fd)
