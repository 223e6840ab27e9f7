"""Audit events in files: every form of a line, what is broken, and how reading is stopped."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from falcocore.api import Progress, SourceError
from falcocore_k8s_audit.compression import UNPACKED_BYTES
from falcocore_k8s_audit.files import BLOCK_BYTES
from tests.support.audit_decoding import event_json, list_json
from tests.support.audit_reading import Reading, ids_of, refusal_of

A, B, C = event_json("a"), event_json("b"), event_json("c")
ABC = b"\n".join([A, B, C])
HINT = "give a file, a directory, - for standard input, or http://HOST:PORT/PATH to listen on"
Pack = Callable[[bytes], bytes]


@pytest.fixture
def audit_log(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        pytest.param(ABC + b"\n", "abc", id="lines"),
        pytest.param(ABC, "abc", id="no newline at the end"),
        pytest.param(ABC.replace(b"\n", b"\r\n") + b"\r\n", "abc", id="CRLF"),
        pytest.param(ABC.replace(b"\n", b"\r\n"), "abc", id="CRLF and no newline at the end"),
        pytest.param(b"\n\n" + A + b"\n \t\n\r\n" + B + b"\n\n", "ab", id="blank lines"),
        pytest.param(b"  " + A + b"\t\n", "a", id="blanks around a line"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\n \n", "", id="blank"),
        pytest.param(list_json(A, B) + b"\n" + b"[[" + C + b"]]\n", "abc", id="lists and arrays"),
        pytest.param(list_json() + b"\n[]\n" + A, "a", id="empty lists"),
        pytest.param(gzip.compress(ABC), "abc", id="gzip"),
        pytest.param(gzip.compress(ABC[:100]) + gzip.compress(ABC[100:]), "abc", id="gzip cut in a line"),
        pytest.param(gzip.compress(A + b"\n") + gzip.compress(B) + bytes(70_000), "ab", id="padded gzip"),
        pytest.param(gzip.compress(b""), "", id="gzip of nothing"),
        pytest.param(zstandard.compress(ABC), "abc", id="zstd"),
        pytest.param(zstandard.compress(ABC[:9]) + zstandard.compress(ABC[9:]), "abc", id="zstd in frames"),
    ],
)
def test_every_form_is_read(audit_log: Path, content: bytes, ids: str) -> None:
    audit_log.write_bytes(content)
    reading = Reading(audit_log)
    assert reading.ids() == list(ids)
    assert (reading.complaints, reading.rejected) == ([], 0)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (b"{", "not JSON: the document ends too early"),
        (b"audit", "not JSON: unexpected 'audit' at byte 0"),
        (A + b" " + B, 'not JSON: unexpected \'{"kind":"Eve\' at byte 78'),
        (b"{}", "not an audit event: kind is missing, not Event or EventList"),
        (b'{"kind":"Event"}', "stageTimestamp is missing or empty"),
        (b"5", "an audit event is a JSON object, this is another value"),
        (b"\xff\xfe{\0", "not JSON: unexpected '\\\\xff\\\\xfe{\\x00' at byte 0"),
    ],
)
def test_bad_line_is_reported_once_with_its_place_and_the_rest_is_read(
    audit_log: Path, bad: bytes, complaint: str
) -> None:
    audit_log.write_bytes(b"\n".join([A, b"", bad, B]))
    reading = Reading(audit_log)
    assert reading.ids() == ["a", "b"]
    assert (reading.complaints, reading.rejected) == ([f"{audit_log}:3: {complaint}"], 1)


def test_bad_item_of_a_line_is_reported_with_its_position(audit_log: Path) -> None:
    audit_log.write_bytes(A + b"\n" + list_json(B, b"0") + b"\n[0," + C + b"]")
    reading = Reading(audit_log)
    assert reading.ids() == ["a", "b", "c"]
    places = [complaint.rpartition(": ")[0] for complaint in reading.complaints]
    assert places == [f"{audit_log}:2 items[1]", f"{audit_log}:3[0]"]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_lines_are_counted_over_many_blocks(audit_log: Path, packed: bool) -> None:
    lines = [event_json(str(number), requestObject="x" * (number % 3000)) for number in range(2500)]
    bad = range(7, len(lines), 500)
    for number in bad:
        lines[number] = b"{"
    content = b"\n".join(lines)
    assert len(content) > 3 * BLOCK_BYTES
    audit_log.write_bytes(gzip.compress(content) if packed else content)
    reading = Reading(audit_log)
    assert reading.ids() == [str(number) for number in range(len(lines)) if number not in bad]
    assert [int(complaint.split(":")[1]) for complaint in reading.complaints] == [n + 1 for n in bad]


@pytest.mark.parametrize("newline", [b"\n", b""])
def test_line_of_several_megabytes_is_one_event(audit_log: Path, newline: bytes) -> None:
    large = event_json("large", requestObject={"data": "x" * (3 * BLOCK_BYTES)})
    audit_log.write_bytes(b"\n".join([A, large, B, b"{" * (2 * BLOCK_BYTES), large]) + newline)
    reading = Reading(audit_log)
    events = [event for batch in reading.open() for event in batch.events]
    assert [event.record.auditID for event in events] == ["a", "large", "b", "large"]
    assert events[1].text == events[3].text == large
    assert [complaint.split(": ")[0] for complaint in reading.complaints] == [f"{audit_log}:4"]


@pytest.mark.parametrize("content", [json.loads(A), [json.loads(A)]], ids=["event", "array"])
def test_pretty_printed_document_is_recognised(audit_log: Path, content: object) -> None:
    audit_log.write_text(json.dumps(content, indent=2))
    refused = refusal_of(Reading(audit_log))
    assert refused.message == f"{audit_log} is a document over many lines; one event on each line is wanted"
    assert refused.hint == "make it so with: jq -c ."


@pytest.mark.parametrize(
    ("pack", "broken", "message"),
    [
        (gzip.compress, lambda packed: packed[:-5], "ends in the middle of its gzip data"),
        (zstandard.compress, lambda packed: packed[:-1], "ends in the middle of its zstd data"),
        (gzip.compress, lambda packed: packed + b"tail", "is broken gzip: "),
        (zstandard.compress, lambda packed: packed + b"tail", "is broken zstd: "),
    ],
)
def test_broken_compression_is_an_error_after_what_came_before(
    audit_log: Path, pack: Pack, broken: Pack, message: str
) -> None:
    audit_log.write_bytes(pack(A + b"\n") + broken(pack(B + b"\n" + C + b"\n")))
    reading, ids = Reading(audit_log), []
    with pytest.raises(SourceError, match=message) as refused:
        ids += [one for batch in reading.open() for one in ids_of(batch)]
    assert refused.value.message.startswith(str(audit_log))
    assert reading.complaints == []


def test_directory_is_read_in_order_of_modification(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "no.log").write_bytes(event_json("no"))
    os.mkfifo(tmp_path / "pipe")
    # The newest has the first name; two of the same time are in order of names.
    for name, content, seconds in (
        ("a.log", event_json("newest"), 300),
        ("b.log", gzip.compress(event_json("oldest")), 100),
        ("d.log", event_json("second of two") + b"\n", 200),
        ("c.log", b"\n{\n" + event_json("first of two"), 200),
    ):
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, (seconds, seconds))
    reading = Reading(tmp_path)
    assert reading.ids() == ["oldest", "first of two", "second of two", "newest"]
    assert [complaint.split(": ")[0] for complaint in reading.complaints] == [f"{tmp_path}/c.log:2"]


def test_missing_file_and_empty_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, reason in (
        ("empty", "there is no file in it"),
        ("none.log", "No such file or directory"),
        ("none/audit.log", "No such file or directory"),
    ):
        reading = Reading(tmp_path / name)
        with pytest.raises(SourceError) as refused:
            reading.files.open()
        assert refused.value.message == f"source k8s_audit: {tmp_path / name} can't be read: {reason}"
        assert refused.value.hint == HINT


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody who is not root, who may read everything."""
    if os.getuid() != 0:
        yield
        return
    try:
        os.setresuid(65534, 65534, 0)
    except PermissionError:
        pytest.skip("this process may not become another user")
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_unreadable_file_or_directory_is_refused() -> None:
    # Not below tmp_path, which no other user may enter.
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        (directory / "closed").mkdir(mode=0)
        (directory / "audit.log").touch(mode=0)
        for target, culprit in (
            (directory / "audit.log", directory / "audit.log"),
            (directory / "closed", directory / "closed"),
            (directory / "closed" / "audit.log", directory / "closed" / "audit.log"),
            (directory, directory / "audit.log"),
        ):
            reading = Reading(target)
            with unprivileged(), pytest.raises(SourceError) as refused:
                reading.files.open()
            assert refused.value.message == f"source k8s_audit: {culprit} can't be read: Permission denied"
            assert refused.value.hint == HINT
        (directory / "closed").chmod(0o755)


def test_file_that_goes_away_or_breaks_is_an_error(audit_log: Path) -> None:
    audit_log.write_bytes(A)
    reading = Reading(audit_log)
    batches = reading.open()
    audit_log.unlink()
    with pytest.raises(SourceError) as refused:
        next(batches)
    assert refused.value.message == f"source k8s_audit: {audit_log} can't be read: No such file or directory"
    refused_by_read = refusal_of(Reading("/proc/self/mem"))
    assert refused_by_read.message == "source k8s_audit: /proc/self/mem can't be read: Input/output error"


def test_small_gzip_of_a_large_file_comes_in_batches_of_a_few_lines(audit_log: Path) -> None:
    line = event_json("a", requestObject="x" * (UNPACKED_BYTES - 200)) + b"\n"
    audit_log.write_bytes(gzip.compress(line * 100))
    assert audit_log.stat().st_size < UNPACKED_BYTES
    sizes = [len(ids_of(batch)) for batch in Reading(audit_log).open()]
    assert sum(sizes) == 100
    assert max(sizes) <= 2


def test_progress_is_in_bytes_as_they_are_on_disk(tmp_path: Path) -> None:
    contents = [ABC, gzip.compress(ABC * 1000), (event_json("x", y="x" * 400_000) + b"\n") * 8]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.log").write_bytes(content)
    total = sum(len(content) for content in contents)
    reading = Reading(tmp_path)
    # A source that is started again reads all of it again.
    for _ in range(2):
        batches = reading.open()
        assert reading.files.progress() == Progress(0, total)
        seen = [progress.done for _ in batches if (progress := reading.files.progress())]
        assert seen == sorted(seen)
        assert len(set(seen)) > 3
        assert reading.files.progress() == Progress(total, total)


def test_cluster_is_a_label_and_part_of_the_identity(audit_log: Path) -> None:
    audit_log.write_bytes(A)
    batch = next(Reading(audit_log, "prod").open())
    assert batch.labels == {"cluster": "prod"}
    assert [event.key for event in batch.events] == ["prod/a/"]


def test_banner_says_what_is_read(audit_log: Path) -> None:
    assert Reading(audit_log).files.banner() == f"reading {audit_log}"
    assert Reading("-").files.banner() == "reading standard input"
    assert Reading("-").files.next_step() is None


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_stop_ends_reading_after_the_block_without_a_complaint(tmp_path: Path, packed: bool) -> None:
    content = b"\n".join(event_json(str(n), requestObject="x" * 1000) for n in range(5000))
    for name in ("1.log", "2.log"):
        (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    reading = Reading(tmp_path)
    batches = reading.open()
    count = len(ids_of(next(batches)))
    assert 0 < count < 5000
    reading.files.stop()
    assert [one for batch in batches for one in ids_of(batch)] == []
    assert (reading.complaints, reading.rejected) == ([], 0)
