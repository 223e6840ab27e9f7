"""`falcocore doctor`: whom it asks, what it tells them, and how it shows what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.control.report import Alerts, Report, Rules, SourceReport
from tests.support.command_line import falcocore
from tests.support.control_service import serving
from tests.support.plugin_site import Site, open_site
from tests.support.terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]

SICK = """
from typing import Annotated

class Sick(Source):
    name = "sick"
    def __init__(self, target=None, *, mood: Annotated[str, "how it is"] = "bad"):
        self.mood = mood
    def diagnose(self, circumstances):
        if self.mood == "lost":
            raise SourceError("it can't tell", hint="ask again")
        if self.mood == "silent":
            return
        remedy = "" if self.mood == "good" else "laugh\\na little"
        yield Finding("mood", self.mood in ("good", "tired"), self.mood, remedy)
        rules, files = circumstances.rules, [file.name for file in circumstances.files]
        told = f"{rules and len(rules.rules)} rules, {circumstances.events} events, files {files}"
        yield Finding("told", True, told)

class Needy(Source):
    name = "needy"
    def __init__(self, target: Annotated[str, "a thing"]):
        pass

@hookimpl
def register_sources(registry):
    registry.add(Sick)
    registry.add(Needy)
"""
RULE = """\
- rule: R
  desc: d
  condition: evt.num > 0
  output: x
  priority: INFO
  source: sick
"""


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as site:
        site.install("sick", {"source.sick": "sick_plugin", "source.needy": "sick_plugin"}, sick_plugin=SICK)
        yield site


def rules(folder: Path, text: str = RULE) -> list[str]:
    (folder / "rules.yaml").write_text(text)
    return ["-r", str(folder / "rules.yaml")]


def found(capsys: Capture, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and findings."""
    status = falcocore("doctor", "--json", *arguments)
    output = capsys.readouterr()
    assert output.err == ""
    return status, json.loads(output.out)


def of(findings: list[dict[str, Any]], source: str) -> dict[str, tuple[bool, str]]:
    return {it["name"]: (it["ok"], it["detail"]) for it in findings if it["source"] == source}


def config(folder: Path, **options: str) -> list[str]:
    sources = [{"name": "sick", "options": options}]
    (folder / "falcocore.yaml").write_text(json.dumps({"sources": sources}))
    return ["-c", str(folder / "falcocore.yaml")]


def test_a_source_that_is_well(tmp_path: Path, capsys: Capture) -> None:
    status, findings = found(capsys, *config(tmp_path, mood="good"), *rules(tmp_path), "a/policy.yaml")
    assert status == 0
    assert of(findings, "falcocore") == {
        "rules": (True, "1 rule"),
        "process": (True, "none is running with this state directory"),
    }
    assert of(findings, "sick") == {
        "mood": (True, "good"),
        "told": (True, "1 rules, None events, files ['policy.yaml']"),
    }


def test_a_source_that_is_not(tmp_path: Path, capsys: Capture) -> None:
    status, findings = found(capsys, "--source", "sick", *rules(tmp_path))
    assert status == 1
    (mood,) = (it for it in findings if it["name"] == "mood")
    expected = {"source": "sick", "name": "mood", "ok": False, "detail": "bad", "remedy": "laugh\na little"}
    assert mood == expected


@pytest.mark.parametrize(
    ("mood", "status", "expected"),
    [
        ("lost", 1, {"diagnosis": (False, "it can't tell")}),
        ("silent", 0, {"options": (True, "it has nothing more to look at")}),
    ],
)
def test_a_source_that_has_nothing_to_say(
    tmp_path: Path, capsys: Capture, mood: str, status: int, expected: object
) -> None:
    got, findings = found(capsys, *config(tmp_path, mood=mood), *rules(tmp_path))
    assert (got, of(findings, "sick")) == (status, expected)


def test_options_that_can_t_be_used(tmp_path: Path, capsys: Capture) -> None:
    status, findings = found(capsys, *config(tmp_path, moood="good"), *rules(tmp_path))
    assert status == 1
    ((ok, detail),) = of(findings, "sick").values()
    assert not ok
    assert "moood" in detail


def test_without_a_configuration_all_that_are_installed_are_asked(tmp_path: Path, capsys: Capture) -> None:
    status, findings = found(capsys, *rules(tmp_path))
    assert status == 1
    sources = {it["source"] for it in findings}
    assert {"falcocore", "sick", "k8s_audit"} <= sources
    assert "needy" not in sources, "nobody has asked for it, and it can't be without a target"


def test_a_source_that_was_asked_for_and_lacks_its_target(tmp_path: Path, capsys: Capture) -> None:
    status, findings = found(capsys, "--source", "needy", *rules(tmp_path))
    assert status == 1
    assert [it["name"] for it in findings if it["source"] == "needy"] == ["options"]


def test_rules_with_mistakes(tmp_path: Path, capsys: Capture) -> None:
    text = RULE.replace("evt.num > 0", "evt.num >")
    status, findings = found(capsys, *config(tmp_path, mood="good"), *rules(tmp_path, text))
    assert status == 1
    ok, detail = of(findings, "falcocore")["rules"]
    assert not ok
    assert detail.startswith("1 mistake; the first: ")
    assert of(findings, "sick")["told"] == (True, "None rules, None events, files []")


@pytest.mark.parametrize(("instance", "events"), [("sick", "7"), ("another", "None")])
def test_what_a_running_process_tells(tmp_path: Path, capsys: Capture, instance: str, events: str) -> None:
    report = Report(
        version="1",
        pid=77,
        directory="d",
        started_s=1.0,
        uptime_s=1.0,
        sources=[SourceReport(instance=instance, source="sick", doing="", events=7, rejected=0, rules=1)],
        rules=Rules(count=1, generation=1),
        alerts=Alerts(total=0, by_priority={}, by_rule={}, second_copies=0),
        field_failures={},
        outputs=[],
        outbox=None,
    )
    with serving(tmp_path / "state", {"status": lambda _arguments: report}) as directory:
        arguments = [*config(tmp_path, mood="good"), *rules(tmp_path), "-o", f"outbox.path={directory.path}"]
        _, findings = found(capsys, *arguments)
    assert of(findings, "falcocore")["process"] == (True, "process 77 is running")
    assert of(findings, "sick")["told"] == (True, f"1 rules, {events} events, files []")


def test_a_process_that_is_not_understood(tmp_path: Path, capsys: Capture) -> None:
    with serving(tmp_path / "state", {"status": lambda _arguments: {"pid": "x"}}) as directory:
        arguments = [*config(tmp_path, mood="good"), *rules(tmp_path), "-o", f"outbox.path={directory.path}"]
        status, findings = found(capsys, *arguments)
    assert status == 1
    assert not of(findings, "falcocore")["process"][0]


def test_text_is_one_line_for_each_finding(tmp_path: Path, capsys: Capture) -> None:
    assert falcocore("doctor", "--source", "sick", *rules(tmp_path)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "falcocore\trules\tok: 1 rule\t",
        "falcocore\tprocess\tok: none is running with this state directory\t",
        "sick\tmood\tFAILS: bad\tlaugh a little",
        "sick\ttold\tok: 1 rules, None events, files []\t",
    ]


def test_what_could_be_better_is_no_failure(tmp_path: Path, capsys: Capture) -> None:
    assert falcocore("doctor", *config(tmp_path, mood="tired"), *rules(tmp_path)) == 0
    assert "sick\tmood\twarning: tired\tlaugh a little" in capsys.readouterr().out.splitlines()


def test_a_terminal_gets_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_a_terminal(monkeypatch, "doctor", *config(tmp_path, mood="good"), *rules(tmp_path))
    assert lines[0].split() == ["source", "check", "result"], "nothing is to be done"
    assert lines[3].split() == ["sick", "mood", "ok:", "good"]
