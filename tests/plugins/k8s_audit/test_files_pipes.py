"""Audit events from standard input and named pipes, which give what they have when they have it."""

from __future__ import annotations

import gzip
import os
import queue
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from falcocore.api import Progress, SourceError
from tests.support.audit_decoding import event_json
from tests.support.audit_reading import Reading, ids_of, refusal_of

A, B, C = event_json("a"), event_json("b"), event_json("c")
ABC = b"\n".join([A, B, C])
Pack = Callable[[bytes], bytes]


class Pipe:
    """Standard input as a real pipe, or another pipe."""

    def __init__(self, writer: int) -> None:
        self._writer = os.fdopen(writer, "wb", buffering=0)

    def write(self, text: bytes) -> None:
        self._writer.write(text)

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    reader, writer = os.pipe()
    pipe = Pipe(writer)
    with os.fdopen(reader) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield pipe
    pipe.close()


def test_lines_of_a_pipe_are_passed_on_as_they_come(stdin: Pipe) -> None:
    reading = Reading("-")
    batches = reading.open()
    stdin.write(A + b"\n" + B[:20])
    assert ids_of(next(batches)) == ["a"]
    stdin.write(B[20:] + b"\n{\n")
    assert ids_of(next(batches)) == ["b"]
    stdin.write(C)
    assert reading.files.progress() == Progress(len(A) + len(B) + 4, None)
    stdin.close()
    assert [one for batch in batches for one in ids_of(batch)] == ["c"]
    assert [complaint.split(": ")[0] for complaint in reading.complaints] == ["standard input:3"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_pipe_is_recognised_by_bytes_that_come_one_at_a_time(stdin: Pipe, pack: Pack) -> None:
    packed, ids = pack(ABC), queue.SimpleQueue[list[str]]()
    thread = threading.Thread(target=lambda: ids.put(Reading("-").ids()))
    thread.start()
    for byte in packed[:12]:
        stdin.write(bytes([byte]))
    stdin.write(packed[12:])
    stdin.close()
    thread.join()
    assert ids.get() == ["a", "b", "c"]


def test_standard_input_may_be_a_file_or_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(ABC)
    with path.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert Reading("-").ids() == ["a", "b", "c"]
    monkeypatch.setattr(sys, "stdin", None)
    assert refusal_of(Reading("-")).message == "source k8s_audit: standard input is closed"


def test_pretty_printed_standard_input_is_recognised(stdin: Pipe) -> None:
    stdin.write(b"{\n")
    with pytest.raises(SourceError, match=r"^standard input is a document over many lines"):
        next(Reading("-").open())


def test_descriptor_may_be_high(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] != resource.RLIM_INFINITY and limits[1] < 2000:
        pytest.skip("this process may not open so many files")
    path = tmp_path / "audit.log"
    path.write_bytes(ABC)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], 2000), limits[1]))
    try:
        with path.open("rb") as file, os.fdopen(os.dup2(file.fileno(), 1900)) as high:
            monkeypatch.setattr(sys, "stdin", high)
            assert Reading("-").ids() == ["a", "b", "c"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_named_pipe_is_opened_before_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = Reading(path)
    batches = reading.open()
    assert reading.files.progress() == Progress(0, None)
    found: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: found.put([one for b in batches for one in ids_of(b)]))
    thread.start()
    with path.open("wb") as writer:  # Waits until it is read.
        writer.write(ABC)
    thread.join()
    assert found.get() == ["a", "b", "c"]


@pytest.mark.parametrize("begun", [b"", b"\n" + B[:20]], ids=["nothing", "half a line"])
@pytest.mark.parametrize("named", [True, False], ids=["named pipe", "standard input"])
def test_stop_ends_the_wait_for_a_silent_pipe(stdin: Pipe, tmp_path: Path, named: bool, begun: bytes) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = Reading(path if named else "-")
    batches = reading.open()
    seen: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()

    def read() -> None:
        for batch in batches:
            seen.put(ids_of(batch))
        seen.put(None)

    thread = threading.Thread(target=read)
    thread.start()
    pipe = Pipe(os.open(path, os.O_WRONLY)) if named else stdin
    pipe.write(A + b"\n" + begun)
    assert seen.get() == ["a"]
    reading.files.stop()
    thread.join()
    pipe.close()
    while (more := seen.get()) is not None:
        assert more == []
    assert (reading.complaints, reading.rejected) == ([], 0)


def test_stop_ends_the_wait_for_a_writer_of_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = Reading(tmp_path / "pipe")
    batches = reading.open()
    begun = threading.Event()

    def read() -> None:
        begun.set()
        assert list(batches) == []

    thread = threading.Thread(target=read)
    thread.start()
    begun.wait()
    reading.files.stop()
    thread.join()


def test_stop_before_anything_came_ends_at_once(stdin: Pipe) -> None:
    reading = Reading("-")
    reading.files.open()
    reading.files.stop()
    assert list(reading.files.batches()) == []
    stdin.close()
