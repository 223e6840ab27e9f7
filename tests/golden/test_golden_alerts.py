"""Recorded events through the command line with the bundled rules, down to the last byte of each alert.

Where an alert is meant to change: look at the difference that the failing test shows, and put the new line
into tests/data/k8s_audit/alerts.txt or alerts.jsonl.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data" / "k8s_audit"
RECORDED = sorted((DATA / "recorded").glob("*.json"))
DOCUMENTED = DATA / "falco_docs_event.json"


def documented_line() -> str:
    """The documented EventList, which is written over many lines there, as one."""
    return json.dumps(json.loads(DOCUMENTED.read_text("utf-8"))) + "\n"


def alerts(events: str, tmp_path: Path, *options: str, zone: str = "UTC") -> subprocess.CompletedProcess[str]:
    """Run events through the bundled rules, with a fixed host name and zone and an empty configuration."""
    configuration = tmp_path / "empty.yaml"
    configuration.touch()
    command = ["run", "-c", str(configuration), "--source", "k8s_audit=-", "-r", "pack:k8s_audit"]
    return subprocess.run(
        [sys.executable, "-m", "falcocore", *command, *(word for o in options for word in ("-o", o))],
        input=events,
        capture_output=True,
        encoding="utf-8",
        env={"PATH": os.environ["PATH"], "TZ": zone, "FALCO_HOSTNAME": "golden"},
        check=True,
    )


@pytest.mark.parametrize(
    ("golden", "options"), [("alerts.txt", ()), ("alerts.jsonl", ("json_output=true",))], ids=["text", "json"]
)
def test_alerts_of_recorded_events(golden: str, options: tuple[str, ...], tmp_path: Path) -> None:
    events = "".join(path.read_text("utf-8") for path in RECORDED) + documented_line()
    done = alerts(events, tmp_path, *options)
    assert done.stdout == (DATA / golden).read_text("utf-8")
    assert "11 events" in done.stderr
    assert "10 alerts" in done.stderr


ALERT = (
    ": Warning K8s configmap with private credential (user=minikube-user verb=create configmap=my-config "
    r'config={"access.properties":"aws_access_key_id = MY-ID\naws_secret_access_key = MY-KEY\n",'
    r'"ui.properties":"color.good=purple\ncolor.bad=yellow\nallow.textmode=true\n"})'
)


@pytest.mark.parametrize(
    ("zone", "options", "time"),
    [
        ("UTC", (), "00:18:28.428398000"),
        ("XST+7", (), "17:18:28.428398000"),
        ("XST-5:30", (), "05:48:28.428398000"),
        ("XST-5:30", ("time_format_iso_8601=true",), "2018-10-20T00:18:28.428398000+0000"),
    ],
)
def test_documented_event_gives_the_documented_line(
    zone: str, options: tuple[str, ...], time: str, tmp_path: Path
) -> None:
    assert alerts(documented_line(), tmp_path, *options, zone=zone).stdout == f"{time}{ALERT}\n"
