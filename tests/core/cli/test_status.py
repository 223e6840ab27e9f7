"""`falcocore status`: how the answer of a process is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from falcocore.control.report import Alerts, OutboxReport, OutputReport, Report, Rules, SourceReport
from tests.support.command_line import falcocore
from tests.support.control_service import serving
from tests.support.terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]

WEB = OutputReport(
    name="web",
    backlog=12345,
    oldest_s=0,
    delivered=1,
    refused=2,
    failures=3,
    last_error="it is broken",
    dropped={"full": 4000, "too old": 5},
    dead_letters=2,
)
REPORT = Report(
    version="1.2.3",
    pid=77,
    directory="/state",
    started_s=1.0,
    uptime_s=7500.0,
    sources=[
        SourceReport(
            instance="audit",
            source="k8s_audit",
            doing="listening on X",
            events=1234567,
            rejected=8,
            rules=48,
            figures={"things seen": 1234, "of what": "this and that"},
        )
    ],
    rules=Rules(count=48, generation=3),
    alerts=Alerts(
        total=3, by_priority={"Warning": 1, "Notice": 2}, by_rule={"A": 2, "B": 1}, second_copies=1
    ),
    field_failures={},
    outputs=[WEB],
    outbox=OutboxReport(path="/state/outbox.db", limit_bytes=1 << 30, size_bytes=3 << 20),
)


@contextmanager
def answering(folder: Path, report: object) -> Iterator[tuple[str, ...]]:
    """A process that gives this report; the command line that asks it."""
    with serving(folder / "state", {"status": lambda _arguments: report}) as directory:
        yield ("status", "-o", f"outbox.path={directory.path}")


def test_text_has_a_part_for_each_thing(tmp_path: Path, capsys: Capture) -> None:
    with answering(tmp_path, REPORT) as command:
        assert falcocore(*command) == 0
    output = capsys.readouterr()
    assert output.err == ""
    lines = output.out.splitlines()
    oldest = lines[15].split("\t")[3]
    assert lines == [
        "falcocore 1.2.3, process 77, running for 2 h 5 min, state in /state",
        "1,234,567 events, 3 alerts, 1 second copy left out, 48 rules (generation 3)",
        "outbox /state/outbox.db: 3.0 MiB of 1.0 GiB",
        "",
        "Sources",
        "instance\tsource\tdoing\tevents\trejected\trules",
        "audit\tk8s_audit\tlistening on X\t1,234,567\t8\t48",
        "",
        "Figures of sources",
        "instance\tfigure\tvalue",
        "audit\tthings seen\t1,234",
        "audit\tof what\tthis and that",
        "",
        "Outputs",
        "name\tstate\twaiting\toldest\tdelivered\trefused\tdead letters\tdropped\tfailures\tlast error",
        f"web\tok\t12,345\t{oldest}\t1\t2\t2\t4,000 full, 5 too old\t3\tit is broken",
        "",
        "Alerts by priority",
        "priority\tcount",
        "Warning\t1",
        "Notice\t2",
        "",
        "Alerts by rule",
        "rule\tcount",
        "A\t2",
        "B\t1",
    ]
    assert oldest.endswith(" h") or " d" in oldest


def test_terminal_gets_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(tmp_path, REPORT) as command:
        lines = on_a_terminal(monkeypatch, *command)
    assert lines[0].startswith("falcocore 1.2.3, process 77")
    sources = lines.index("Sources")
    assert lines[sources + 1].split() == ["instance", "source", "doing", "events", "rejected", "rules"]
    assert lines[sources + 2].split() == [
        "audit",
        "k8s_audit",
        "listening",
        "on",
        "X",
        "1,234,567",
        "8",
        "48",
    ]


def test_json_is_what_the_process_says(tmp_path: Path, capsys: Capture) -> None:
    with answering(tmp_path, REPORT) as command:
        assert falcocore(*command, "--format", "json") == 0
    output = capsys.readouterr().out
    assert output.count("\n") == 1
    assert json.loads(output) == msgspec.to_builtins(REPORT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"failing_since_s": -7501}, ["\tfailing for 2 h 5 min, trying\t"]),
        (
            {"failing_since_s": -7501, "next_try_s": 3601},
            ["\tfailing for 2 h 5 min, next try in "],
        ),
        ({"failing_since_s": -7501, "next_try_s": 0, "backlog": 0}, ["\tfailing for 2 h 5 min\t"]),
        ({"configured": False}, ["\tnot configured\t"]),
        ({"backlog": None, "oldest_s": None, "dead_letters": None}, ["web\tok\t\t\t1\t2\t\t"]),
    ],
)
def test_state_of_an_output(
    changes: dict[str, Any], words: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """Times are given as seconds from now on."""
    times = {
        name: time.time() + value
        for name, value in changes.items()
        if name.endswith("_s") and value is not None
    }
    output = msgspec.structs.replace(WEB, **{**changes, **times})
    with answering(tmp_path, msgspec.structs.replace(REPORT, outputs=[output])) as command:
        assert falcocore(*command) == 0
    said = capsys.readouterr().out
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"outbox": None}, "no outbox: alerts go straight to the outputs"),
        (
            {"outbox": OutboxReport(path="/o", limit_bytes=1, error="it was removed")},
            "outbox /o can't be read now: it was removed",
        ),
        ({"field_failures": {"ka.verb": 7}}, "ka.verb\t7"),
    ],
)
def test_line(changes: dict[str, Any], line: str, tmp_path: Path, capsys: Capture) -> None:
    with answering(tmp_path, msgspec.structs.replace(REPORT, **changes)) as command:
        assert falcocore(*command) == 0
    assert line in capsys.readouterr().out.splitlines()


def test_process_of_another_version_is_told(tmp_path: Path, capsys: Capture) -> None:
    with answering(tmp_path, {"version": "9"}) as command:
        assert falcocore(*command) == 1
        said = capsys.readouterr().err
        assert falcocore(*command, "--format", "json") == 0
    assert said.startswith("Error: the answer of the running process is not understood: Object missing")
    assert capsys.readouterr().out == '{"version":"9"}\n'


@pytest.mark.parametrize("configured", ["option", "file", "default"])
def test_directory_without_a_process_is_named(
    configured: str, tmp_path: Path, state_directory: Path, capsys: Capture
) -> None:
    directory = state_directory if configured == "default" else tmp_path / "state"
    (tmp_path / "f.yaml").write_text(f"outbox: {{path: {directory}}}")
    arguments = {
        "option": ["-o", f"outbox.path={directory}"],
        "file": ["-c", str(tmp_path / "f.yaml")],
        "default": [],
    }[configured]
    assert falcocore("status", *arguments) == 1
    output = capsys.readouterr()
    assert output.err == (
        f"Error: no falcocore is running with the state directory {directory}\n"
        "  name that of the running one with -o outbox.path=DIR, or its configuration with -c\n"
    )
    assert output.out == ""
    assert not directory.exists()
