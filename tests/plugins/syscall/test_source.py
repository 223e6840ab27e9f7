"""The source as a whole: files, standard input, what is missing, progress, and the recorded alerts."""

from __future__ import annotations

import builtins
import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import SourceError
from falcocore.testing import run_source
from falcocore_syscall.fields import FIELDS
from falcocore_syscall.source import SyscallSource
from tests.support.falcocore_process import Running, falcocore
from tests.support.scap_writer import ScapWriter
from tests.support.syscall_events import one_rule

DATA = Path(__file__).parents[2] / "data" / "syscall"
UPSTREAM = Path(__file__).parents[4] / "shared" / "conformance" / "upstream-rules"
CLOSE = 5
EVERY_CLOSE = one_rule("evt.type = close", "%evt.num %fd.num")


def small(count: int = 3) -> bytes:
    writer = ScapWriter().machine("box")
    for number in range(count):
        writer.event(CLOSE, 1, 0, number, time_ns=number + 1)
    return writer.data


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_is_replayed(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "x.scap"
    path.write_bytes(gzip.compress(small()) if packed else small())
    source = SyscallSource(str(path))
    outcome = run_source(source, FIELDS, EVERY_CLOSE)
    assert outcome.messages == ["1 0", "2 1", "3 2"]
    assert outcome.events == 3
    progress = source.progress()
    assert progress is not None
    assert progress.done == progress.total == path.stat().st_size
    assert source.banner() == f"reading {path}"


def test_events_that_are_left_out_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.scap"
    path.write_bytes(small())
    outcome = run_source(SyscallSource(str(path)), FIELDS, one_rule("evt.type = open", "x"))
    assert (outcome.events, outcome.alerts) == (3, [])


def test_the_same_capture_has_the_same_alert_ids(tmp_path: Path) -> None:
    path = tmp_path / "x.scap"
    path.write_bytes(small())
    runs = [run_source(SyscallSource(str(path)), FIELDS, EVERY_CLOSE).alerts for _ in range(2)]
    assert [alert.id for alert in runs[0]] == [alert.id for alert in runs[1]]
    assert len({alert.id for alert in runs[0]}) == 3


def test_damage_is_an_error_after_the_alerts(tmp_path: Path) -> None:
    path = tmp_path / "x.scap"
    path.write_bytes(small()[:-3])
    rules = tmp_path / "r.yaml"
    rules.write_text(EVERY_CLOSE)
    ended = falcocore("run", "--source", f"syscall={path}", "-r", str(rules))
    assert [line.rpartition("Informational ")[2] for line in ended.alerts] == ["1 0", "2 1"]
    assert ended.status == 1
    assert f"{path}: the capture is not readable from byte" in ended.err


@pytest.mark.parametrize(
    ("target", "problem"),
    [("/none/x.scap", "No such file"), ("/", "directory")],
)
def test_what_can_not_be_read_is_said(target: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        run_source(SyscallSource(target), FIELDS, EVERY_CLOSE)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "isal" or name.startswith("isal."):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setitem(sys.modules, "isal", None)
    with pytest.raises(SourceError, match="without the package isal") as raised:
        SyscallSource("x").open()
    assert raised.value.hint == "pip install 'falcocore[syscall]'"


def test_fields_and_state_need_no_numpy() -> None:
    """Live capture and listings do without it."""
    modules = "falcocore_syscall.fields, falcocore_syscall.state.machine"
    code = f"import sys; sys.modules['numpy'] = None; import {modules}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = small(5)

    def write() -> None:
        with open(pipe, "wb", buffering=0) as file:
            file.writelines(data[at : at + 50] for at in range(0, len(data), 50))

    writer = threading.Thread(target=write)
    writer.start()
    outcome = run_source(SyscallSource(str(pipe)), FIELDS, EVERY_CLOSE)
    writer.join()
    assert outcome.events == 5
    assert SyscallSource(str(pipe)).progress() is not None


def test_standard_input_is_read(tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    rules.write_text(EVERY_CLOSE)
    ended = falcocore("run", "--source", "syscall=-", "-r", str(rules), stdin=small())
    assert (ended.status, len(ended.alerts)) == (0, 3)
    assert "3 events" in ended.err


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "x.scap"
    path.write_bytes(small(60_000))
    outcome = run_source(SyscallSource(str(path)), FIELDS, EVERY_CLOSE, stop_after=1)
    assert 0 < outcome.events < 60_000


@pytest.mark.parametrize(
    ("number", "condition"),
    [
        (0, "evt.type = openat and fd.name = /etc/shadow"),
        (1, "evt.type = execve and proc.args contains id_rsa"),
    ],
)
def test_fields_of_a_recording_are_those_that_falco_shows(number: int, condition: str) -> None:
    wanted = json.loads((DATA / "modern_mini.jsonl").read_text().splitlines()[number])["output_fields"]
    output = " ".join(f"%{name}" for name in wanted if name != "evt.time")
    outcome = run_source(SyscallSource(str(DATA / "modern_mini.scap")), FIELDS, one_rule(condition, output))
    assert wanted in [alert.output_fields for alert in outcome.alerts]
    assert outcome.events == 19077
    assert outcome.field_failures == {}


def test_alerts_are_those_of_falco(tmp_path: Path) -> None:
    """Upstream's stable rules on a recording, field by field."""
    rules = UPSTREAM / "falco_rules.yaml"
    if not rules.exists():
        pytest.skip("upstream's rule files are not here")
    config = tmp_path / "c.yaml"
    config.write_text("json_output: true\nappend_output: [{suggested_output: true}]\n")
    capture = f"syscall={DATA / 'modern_mini.scap'}"
    ended = falcocore("run", "-c", str(config), "--source", capture, "-r", str(rules))
    found = [json.loads(line) for line in ended.alerts]
    wanted = [json.loads(line) for line in (DATA / "modern_mini.jsonl").read_text().splitlines()]
    assert [{key: alert[key] for key in wanted[0]} for alert in found] == wanted


@pytest.mark.parametrize("name", ["falco_rules", "falco-incubating_rules", "falco-sandbox_rules"])
def test_upstreams_rule_files_load(name: str) -> None:
    path = UPSTREAM / f"{name}.yaml"
    if not path.exists():
        pytest.skip("upstream's rule files are not here")
    ended = falcocore("validate", str(path))
    assert ended.status == 0, ended.out + ended.err


def test_waiting_for_a_pipe_that_gives_nothing_ends_when_it_is_told_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    rules = tmp_path / "r.yaml"
    rules.write_text(EVERY_CLOSE)
    command = ("run", "--source", f"syscall={pipe}", "-r", str(rules))
    # Reading and writing, so that the pipe has a writer until the end.
    with Running(*command) as running, open(pipe, "r+b", buffering=0) as file:
        file.write(small())
        assert running.alert().endswith("1 0")
        ended = running.end()
    assert ended.status == 0
    assert "3 events" in ended.err
