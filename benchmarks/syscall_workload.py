"""A capture of a busy machine: a short one, repeated with its times and its processes shifted.

    python -m benchmarks.syscall_workload SOURCE.scap TARGET.scap [REPETITIONS]

Sysdig 0.29.3 knows neither generic events with two parameters nor the types from 336 on; both are left out,
so that it can read the result.
"""

from __future__ import annotations

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from falcocore_syscall.event import Event
from falcocore_syscall.scap.blocks import HEADER_BYTES
from falcocore_syscall.scap.columns import Array, columns_of, event_blocks
from falcocore_syscall.tables import EVENTS, GENERIC, ParamType

FIRST_UNKNOWN = 336
PID_STEP = 1_000_000
_TIME_STEP_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Blocks of events, and where in them the numbers are that differ with each repetition."""

    data: bytes
    times: Array
    pids: Array
    count: int


def make(source: Path, target: Path, repetitions: int) -> int:
    """Write the capture; the number of its events."""
    data = gzip.decompress(source.read_bytes())
    start = _first_event(data)
    piece = _piece(data[start:])
    with gzip.open(target, "wb", compresslevel=1) as file:
        file.write(data[:start])
        for repetition in range(repetitions):
            file.write(_shifted(piece, repetition))
    return piece.count * repetitions


def _first_event(data: bytes) -> int:
    at = 0
    while int.from_bytes(data[at : at + 4], "little") not in (0x216, 0x217):
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    return at


def _piece(data: bytes) -> Piece:
    blocks, lengths = event_blocks(data)
    columns = columns_of(data, blocks, lengths)
    kept, times, pids, size = [], [], [], 0
    born = _born(data, columns.headers.tolist())
    for block, length, header in zip(
        blocks.tolist(), lengths.tolist(), columns.headers.tolist(), strict=True
    ):
        event = _event(data, header)
        if event.type in GENERIC or event.type >= FIRST_UNKNOWN:
            continue
        moved = size - block
        times.append(header + moved)
        if event.tid in born:
            pids.append(header + 8 + moved)
        for number, param in enumerate(EVENTS[event.type].params[: event.count]):
            if param.type is ParamType.PID and event.integer(number) in born:
                pids.append(event.span(number)[0] + moved)
        kept.append(data[block : block + length])
        size += length
    return Piece(b"".join(kept), np.array(times), np.array(pids), len(kept))


def _event(data: bytes, header: int) -> Event:
    kind = int.from_bytes(data[header + 20 : header + 22], "little")
    tid = int.from_bytes(data[header + 8 : header + 16], "little", signed=True)
    count = int.from_bytes(data[header + 22 : header + 26], "little")
    return Event(kind, 0, tid, 0, 0, data, header + HEADER_BYTES, count)


def _born(data: bytes, headers: list[int]) -> set[int]:
    """The processes that begin in the capture."""
    clones = {
        number for number, info in enumerate(EVENTS) if info.name in ("clone", "clone3", "fork", "vfork")
    }
    events = (_event(data, header) for header in headers)
    return {event.integer(0) or event.tid for event in events if event.type in clones}


def _shifted(piece: Piece, repetition: int) -> bytes:
    raw = np.frombuffer(piece.data, np.uint8).copy()
    for places, step in ((piece.times, _TIME_STEP_NS), (piece.pids, PID_STEP)):
        where = places[:, None] + np.arange(8)
        numbers = raw[where].view("<i8") + step * repetition
        raw[where] = numbers.view(np.uint8).reshape(-1, 8)
    return raw.tobytes()


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 110))
