"""Following a log: where it begins, what `ack` and `nack` do to the offset, and how it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.api import Batch, SourceError
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.follow import intake as intake_module
from falcocore_k8s_audit.follow import memory as memory_module
from falcocore_k8s_audit.follow.intake import Follow
from tests.support.audit_log import AuditLog
from tests.support.webhook_harness import SAFETY_S


class Following:
    """A follower that is drawn from by hand; `state` lasts longer than one."""

    def __init__(self, path: Path, state: Path | None, *, from_end: bool = True) -> None:
        self.complaints: list[str] = []
        self.follow = Follow(str(path), "here", self._note, from_end=from_end, state=lambda: state)
        self.follow.open()
        self.batches = self.follow.batches()

    def _note(self, decoded: Decoded) -> None:
        self.complaints += decoded.complaints

    def next(self) -> Batch:
        """The next batch with events."""
        while True:
            batch = next(self.batches)
            if batch.acknowledged:
                return batch

    def rest(self) -> list[str]:
        """What is there, acknowledged; the follower ends."""
        ids: list[str] = []
        timer = threading.Timer(0.1, self.follow.stop)
        timer.start()
        for batch in self.batches:
            ids += drawn(batch)
            batch.ack()
        timer.join()
        return ids

    def end(self) -> None:
        """As the core does it: stop, then close what is drawn from."""
        self.follow.stop()
        assert isinstance(self.batches, Iterator)
        assert list(self.batches) == []


def drawn(batch: Batch) -> list[str]:
    return [event.record.auditID for event in batch.events]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "POLL_S", 0.01)
    monkeypatch.setattr(intake_module, "RETRY_S", (0.0, 0.0))
    monkeypatch.setattr(memory_module, "SAVE_S", 0.0)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    log = AuditLog(tmp_path / "log" / "audit.log")
    log.path.parent.mkdir()
    yield log
    log.leave()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


@pytest.mark.parametrize(("from_end", "ids"), [(True, ["4"]), (False, ["1", "2", "3", "4"])])
@pytest.mark.parametrize("kept", [True, False], ids=["with state", "without"])
def test_first_start_begins_where_it_is_told_to(
    log: AuditLog, state: Path, from_end: bool, ids: list[str], kept: bool
) -> None:
    log.write(3)
    log.begin_line()
    following = Following(log.path, state if kept else None, from_end=from_end)
    where = "end" if from_end else "beginning"
    assert following.follow.banner() == f"following {log.path} from its {where}"
    assert following.follow.progress() is None
    log.write(1)
    assert following.rest() == ids
    assert following.complaints == []


def test_log_that_is_not_there_yet_is_waited_for_and_read_whole(log: AuditLog, state: Path) -> None:
    log.path.parent.rmdir()
    following = Following(log.path, state)
    assert following.follow.banner() == f"following {log.path} as soon as it exists"
    assert following.rest() == []
    log.path.parent.mkdir()
    log.write(2)
    # Whatever came between two starts is not missed either.
    assert Following(log.path, state).rest() == ["1", "2"]


def test_what_is_written_between_two_starts_is_not_missed(log: AuditLog, state: Path) -> None:
    log.write(1)
    Following(log.path, state).end()
    log.write(2)
    log.rotate(packed=True)
    log.write(1)
    following = Following(log.path, state)
    assert following.follow.banner() == f"following {log.path} from where it was left"
    assert following.rest() == ["2", "3", "4"]
    assert Following(log.path, state).rest() == []


def test_restart_goes_on_behind_the_last_acknowledged_batch(log: AuditLog, state: Path) -> None:
    log.write(1)
    following = Following(log.path, state, from_end=False)
    first = following.next()
    log.write(1)
    second = following.next()
    assert (drawn(first), drawn(second)) == (["1"], ["2"])
    first.ack()
    # Killed here, the second comes again.
    killed = Following(log.path, state)
    assert killed.rest() == ["2"]


def test_offset_is_kept_of_what_is_acknowledged_after_the_end(
    log: AuditLog, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "SAVE_S", 3600.0)
    log.write(1)
    following = Following(log.path, state, from_end=False)
    batch = following.next()
    following.end()
    batch.ack()
    assert Following(log.path, state).rest() == []


def test_refused_batch_is_read_again_with_what_came_after_it(
    log: AuditLog, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log.write(1)
    following = Following(log.path, state, from_end=False)
    following.next().ack()
    log.write(1)
    refused = following.next()
    log.write(1)
    after = following.next()
    log.rotate()
    log.write(1)
    refused.nack("the disk is full")
    after.ack()
    assert following.rest() == ["2", "3", "4"]
    assert caplog.messages == [
        f"source k8s_audit: alerts could not be kept: the disk is full. {log.path} is read again from where "
        "they were safe, in 0 s"
    ]


def test_refused_batch_is_read_again_after_a_restart(log: AuditLog, state: Path) -> None:
    log.write(1)
    following = Following(log.path, state, from_end=False)
    refused = following.next()
    following.end()
    refused.nack("the disk is full")
    assert Following(log.path, state).rest() == ["1"]


def test_batch_that_waits_is_given_the_time_to_be_acknowledged(log: AuditLog, state: Path) -> None:
    log.write(1)
    following = Following(log.path, state, from_end=False)
    following.next()
    nothing = next(following.batches)
    assert (drawn(nothing), nothing.acknowledged) == ([], False)
    nothing.nack("something else failed")


def test_damaged_offset_is_told_of_and_the_log_read_from_its_beginning(
    log: AuditLog, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log.write(2)
    Following(log.path, state).end()
    (state / "offset.json").write_bytes(b"\0\0\0")
    assert Following(log.path, state).rest() == ["1", "2"]
    (warning,) = caplog.messages
    assert warning.startswith(f"source k8s_audit: {state / 'offset.json'} is damaged (")
    assert warning.endswith(
        f": {log.path} is read from its beginning, and alerts of older events may come twice"
    )
    assert Following(log.path, state).rest() == []


def test_bad_line_is_reported_with_the_file_and_the_byte_that_it_begins_at(
    log: AuditLog, state: Path
) -> None:
    log.write(1)
    following = Following(log.path, state)
    size_bytes = log.path.stat().st_size
    log.file.write(b"{}\n{\n")
    log.write(1)
    assert following.rest() == ["2"]
    assert following.complaints == [
        f"{log.path}, byte {size_bytes}: not an audit event: kind is missing, not Event or EventList",
        f"{log.path}, byte {size_bytes + 3}: not JSON: the document ends too early",
    ]


@pytest.mark.parametrize("path", ["/dev/null", "/", "/var/log/audit.log.gz"])
def test_what_can_not_grow_is_refused(path: str) -> None:
    with pytest.raises(SourceError) as refused:
        Following(Path(path), None)
    assert refused.value.message == f"source k8s_audit: {path} can't be followed: only a plain file grows"


def test_stop_ends_it_at_once(log: AuditLog, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "POLL_S", SAFETY_S)
    log.write(1)
    following = Following(log.path, state, from_end=False)
    waits = threading.Event()

    def draw() -> None:
        for batch in following.batches:
            if not batch.acknowledged:  # One is not acknowledged yet: this comes before each waiting.
                waits.set()

    drawing = threading.Thread(target=draw)
    drawing.start()
    assert waits.wait(SAFETY_S)
    started = time.monotonic()
    following.follow.stop()
    drawing.join(SAFETY_S)
    assert not drawing.is_alive()
    assert time.monotonic() - started < SAFETY_S / 2
