"""Results as JUnit XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from falcocore.errors import ConfigError
from falcocore.ruletest.expectation import Problem
from falcocore.ruletest.junit import write_junit
from falcocore.ruletest.running import Outcome
from falcocore.ruletest.session import FileOutcome


def outcome(name: str, *problems: str) -> Outcome:
    return Outcome(name, Path("a.test.yaml"), 7, tuple(map(Problem, problems)), 0.25, {})


FILES = [
    FileOutcome(Path("a.test.yaml"), [], [outcome("good"), outcome("b<a>d \x1b", "wrong\x00", "more")]),
    FileOutcome(Path("b.test.yaml"), ["no YAML", "at all"], []),
]


def test_the_document_has_suites_cases_failures_and_errors(tmp_path: Path) -> None:
    write_junit(tmp_path / "j.xml", FILES, lambda case: f"{case.name}:\n{len(case.problems)} problems")
    root = ET.parse(tmp_path / "j.xml").getroot()
    assert root.tag == "testsuites"
    first, second = root
    assert first.attrib == {
        "name": "a.test.yaml", "tests": "2", "failures": "1", "errors": "0", "time": "0.500"
    }  # fmt: skip
    good, bad = first
    assert good.attrib == {
        "classname": "a.test.yaml", "name": "good", "file": "a.test.yaml", "line": "7", "time": "0.250"
    }  # fmt: skip
    assert list(good) == []
    assert bad.attrib["name"] == "b<a>d \ufffd"
    assert bad[0].tag == "failure"
    assert bad[0].attrib == {"message": "wrong\ufffd"}
    assert bad[0].text == "b<a>d \ufffd:\n2 problems"
    assert (second.attrib["tests"], second.attrib["errors"]) == ("1", "1")
    assert second[0][0].tag == "error"
    assert second[0][0].text == "no YAML\n\nat all"


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be written: Is a directory"):
        write_junit(tmp_path, FILES, str)
