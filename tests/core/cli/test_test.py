"""`falcocore test`: what it prints, and its exit status."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule
from tests.support.terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]

HEAD = "source: demo\nrules: [r.yaml]\ncases:\n"
GOOD = "- {name: it alerts, events: [{event: hi}], expect: [Hi]}\n"
BAD = "- {name: it fails, events: [{event: ho}], expect: [Hi]}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("files")
    macro = "- macro: greeted\n  condition: demo.word in (hi, hello)\n"
    (folder / "r.yaml").write_text(macro + rule("Hi", "greeted"))
    (folder / "good.test.yaml").write_text(HEAD + GOOD)
    (folder / "bad.test.yaml").write_text(HEAD + GOOD + BAD)
    (folder / "broken.test.yaml").write_text("case: []\n")
    monkeypatch.chdir(folder)
    with demo_site(tmp_path_factory.mktemp("site")):
        yield folder


def lines(capsys: Capture) -> list[str]:
    """What was printed, with times taken out."""
    return [re.sub(r"in \d+\.\d\d s", "in T", line) for line in capsys.readouterr().out.splitlines()]


def test_good_tests_are_dots(capsys: Capture) -> None:
    assert falcocore("test", "good.test.yaml") == 0
    assert lines(capsys) == ["good.test.yaml .", "1 passed in T"]


def test_a_failure_shows_the_check_that_decided_and_its_value(capsys: Capture) -> None:
    assert falcocore("test", "bad.test.yaml", "good.test.yaml") == 1
    assert lines(capsys) == [
        "bad.test.yaml .F",
        "good.test.yaml .",
        "",
        "--- it fails (bad.test.yaml:5) ---",
        "rule `Hi` alerted 0 times instead of 1",
        "  event 1:",
        "    Hi: does not match",
        "      false greeted:",
        "      false   demo.word in (hi, hello)   is ho",
        "1 failed, 2 passed in T",
    ]


def test_a_broken_file_does_not_keep_others_from_running(capsys: Capture) -> None:
    assert falcocore("test", ".") == 1
    found = lines(capsys)
    assert found[:3] == ["bad.test.yaml .F", "broken.test.yaml E", "good.test.yaml ."]
    assert "--- broken.test.yaml can't be run ---" in found
    assert any("`case` is no key here" in line for line in found)
    assert found[-1] == "1 failed, 2 passed, 1 file broken in T"


@pytest.mark.parametrize(
    ("arguments", "status", "last"),
    [
        (["-k", "alerts"], 0, "1 passed, 1 left out in T"),
        (["-k", "FAILS"], 1, "1 failed, 1 left out in T"),
        (["-k", "alerts", "-k", "fails"], 1, "1 failed, 1 passed in T"),
        (["-k", "nothing"], 1, "2 left out in T"),
    ],
)
def test_keywords(arguments: list[str], status: int, last: str, capsys: Capture) -> None:
    assert falcocore("test", "bad.test.yaml", *arguments) == status
    assert lines(capsys)[-1] == last


def test_coverage_lists_the_gaps(folder: Path, capsys: Capture) -> None:
    assert falcocore("test", "good.test.yaml", "--coverage") == 0
    assert lines(capsys)[1:] == [
        "",
        "coverage: 66.67 % (1 of 1 rules alerted, gaps: 1, and 0 with a reason)",
        "  Hi",
        "    never false  demo.word in (hi, hello)  r.yaml:2:14",
        "1 passed in T",
    ]
    reasons = "uncovered: [{rule: Hi, reason: no need}, {rule: Ho, reason: gone}]\n"
    (folder / "good.test.yaml").write_text(HEAD + GOOD + reasons)
    assert falcocore("test", "good.test.yaml", "--coverage", "--fail-under", "100") == 0
    assert lines(capsys)[2:] == [
        "coverage: 100.00 % (1 of 1 rules alerted, gaps: 0, and 1 with a reason)",
        "  `uncovered` speaks of what is covered, or not there: Ho",
        "  Hi: never false  demo.word in (hi, hello) (no need)",
        "1 passed in T",
    ]


@pytest.mark.parametrize(("percent", "status"), [("66", 0), ("66.7", 1), ("100", 1)])
def test_too_little_coverage_is_a_failure(percent: str, status: int, capsys: Capture) -> None:
    assert falcocore("test", "good.test.yaml", "--fail-under", percent) == status
    assert ("less than the" in lines(capsys)[-1]) is bool(status)


def test_junit_has_the_explanation(folder: Path, capsys: Capture) -> None:
    assert falcocore("test", "bad.test.yaml", "--junit", "j.xml") == 1
    printed = lines(capsys)
    failure = ET.parse(folder / "j.xml").getroot()[0][1][0]
    assert failure.attrib["message"] == "rule `Hi` alerted 0 times instead of 1"
    assert (failure.text or "").splitlines() == printed[3:-1]


def test_a_terminal_gets_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_a_terminal(monkeypatch, "test", "good.test.yaml")
    assert [re.sub(r"in .*", "in T", line.strip()) for line in found] == [
        "good.test.yaml .",
        "1 passed in T",
    ]


def test_a_path_that_is_not_there_is_an_error(capsys: Capture) -> None:
    assert falcocore("test", "missing.yaml") == 1
    assert capsys.readouterr().err.startswith("Error: missing.yaml does not exist\n")


def test_a_test_file_beside_rules_is_not_read_as_rules(capsys: Capture) -> None:
    assert falcocore("validate", ".") == 0
    assert lines(capsys) == ["r.yaml: Ok"]
    assert falcocore("validate", "good.test.yaml") == 1
    assert "this looks like a test file: run it with `falcocore test`" in capsys.readouterr().out
