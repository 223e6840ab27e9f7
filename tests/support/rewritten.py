"""Captures as replay sees them, written anew by the product's own writer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from falcocore_syscall.event import Event
from falcocore_syscall.replay import Replay
from falcocore_syscall.scap.compression import unpacked
from falcocore_syscall.scap.reader import Reader
from falcocore_syscall.scap.records import Record
from falcocore_syscall.scap.writer import Writer
from falcocore_syscall.state.machine import Machine


class RecordingMachine(Machine):
    """Writes everything that it is given, which is every event in the newest layout, shown or not."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.writer = writer

    def load(self, record: Record) -> None:
        """Write a list."""
        self.writer.write_list(record)
        super().load(record)

    def apply(self, event: Event) -> None:
        """Write an event."""
        self.writer.write_event(event.time_ns, event.tid, event.cpu, event.type, event.params())
        super().apply(event)


def replayed(data: bytes, machine: Machine) -> Iterator[Event]:
    """The events of a capture, each when the state is at it."""
    stream = io.BytesIO(data)
    replay = Replay(Reader(unpacked(lambda: stream.read(1 << 16))), machine)
    for columns in replay.pieces():
        yield from replay.events(columns)


def rewritten(capture: Path, *, compress: bool = False) -> bytes:
    """The same capture in the newest layouts."""
    stream = io.BytesIO()
    with Writer(stream, compress=compress) as writer:
        for _ in replayed(capture.read_bytes(), RecordingMachine(writer)):
            pass
    return stream.getvalue()
