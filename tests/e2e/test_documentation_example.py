"""What Falco's documentation of Kubernetes audit events shows: its event, and its rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.falcocore_process import WEBHOOK, Running, falcocore, post
from tests.support.time_zone import KOLKATA, NEW_YORK

EVENT = Path(__file__).parents[1] / "data" / "k8s_audit" / "falco_docs_event.json"
RULE = """\
- macro: kevt
  condition: jevt.value[/stage] = ResponseComplete

- macro: configmap
  condition: ka.target.resource = configmaps

- macro: contains_private_credentials
  condition: >
    (ka.req.configmap.obj contains "aws_access_key_id" or
     ka.req.configmap.obj contains "password")

- rule: Configmap With Credentials
  desc: A configmap was written that holds credentials.
  condition: kevt and configmap and modify and contains_private_credentials
  output: configmap with credentials (user=%ka.user.name verb=%ka.verb)
  priority: WARNING
  source: k8s_audit
"""


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ("UTC", "00:18:28.428398000"),
        (KOLKATA, "05:48:28.428398000"),
        (NEW_YORK, "20:18:28.428398000"),  # summer time, on the day before
    ],
)
def test_event_of_the_documentation_raises_its_alert(zone: str, time: str) -> None:
    with Running("run", "--source", WEBHOOK, TZ=zone) as running:
        assert post(running.url(), EVENT.read_bytes()).status == 200
        ended = running.end()
    assert ended.status == 0
    (line,) = ended.alerts
    assert line.startswith(
        f"{time}: Warning K8s configmap with private credential (user=minikube-user verb=create "
    )
    assert r'config={"access.properties":"aws_access_key_id = MY-ID\n' in line


def test_event_of_the_documentation_raises_its_alert_in_json() -> None:
    line = json.dumps(json.loads(EVENT.read_text())).encode()
    ended = falcocore("run", "--source", "k8s_audit=-", "-o", "json_output=true", stdin=line)
    assert ended.status == 0
    (alert,) = map(json.loads, ended.alerts)
    assert alert["time"] == "2018-10-20T00:18:28.428398000Z"
    assert alert["priority"] == "Warning"
    assert alert["source"] == "k8s_audit"
    config = json.loads(alert["output_fields"]["ka.req.configmap.obj"])
    assert config["access.properties"].startswith("aws_access_key_id = MY-ID\n")


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "documented.yaml"
    path.write_text(RULE)
    return path


def place_of(path: Path, word: str) -> str:
    """FILE:LINE:COLUMN of the only place of a word."""
    (found,) = [
        (number, line.index(word) + 1)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word in line
    ]
    return f"{path}:{found[0]}:{found[1]}"


@pytest.mark.parametrize("command", ["validate", "run"])
def test_macro_that_the_documentation_leaves_out_is_named_with_its_place(command: str, rule: Path) -> None:
    arguments = [str(rule)] if command == "validate" else ["--source", "k8s_audit=-", "-r", str(rule)]
    ended = falcocore(command, *arguments, stdin=EVENT.read_bytes())
    assert ended.status == 1
    shown = ended.out if command == "validate" else ended.err
    assert f"{place_of(rule, 'modify and')}: error: " in shown
    assert "`modify`" in shown
    # The line, with the word marked, and what to add.
    line, marks = (text[text.index("|") + 1 :] for text in shown.splitlines() if " | " in text + " ")
    assert line[marks.index("^") : marks.rindex("^") + 1] == "modify"
    assert "- macro: modify" in shown
    if command == "run":
        assert ended.out == ""


def test_rule_of_the_documentation_works_with_the_macro_added(rule: Path) -> None:
    modify = "- macro: modify\n  condition: (ka.verb in (create, update, patch))\n\n"
    rule.write_text(modify + RULE)
    line = json.dumps(json.loads(EVENT.read_text())).encode()
    ended = falcocore("run", "--source", "k8s_audit=-", "-r", str(rule), stdin=line)
    assert (ended.status, ended.out) == (
        0,
        "00:18:28.428398000: Warning configmap with credentials (user=minikube-user verb=create)\n",
    )
