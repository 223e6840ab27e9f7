"""The guide for rule authors: its example runs, and what it shows is what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from falcocore.lang.diagnostics import Code
from falcocore.lang.text import SourceFile
from falcocore.ruletest.events import description_of
from falcocore.ruletest.reading import read_case_file
from tests.support.command_line import falcocore

TEXT = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
BLOCKS: dict[str, str] = dict(
    re.findall(r"^<!-- (\S+) -->\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
)
SYSTEM_CALLS = "passwords.test.yaml"
"""A test of the bundled rules, which covers only some of them."""
SHOWN = [
    [line[4:] for line in block.splitlines()] for block in re.findall(r"(?:^    .*\n)+", TEXT, re.MULTILINE)
]
"""The indented blocks: commands, and what they print."""

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in BLOCKS.items():
        if name != SYSTEM_CALLS:
            (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(start: str) -> list[str]:
    """The block that begins so."""
    return next(block for block in SHOWN if block[0].startswith(start))


def test_the_example_is_valid_passes_and_is_covered(capsys: Capture) -> None:
    assert falcocore("validate", "--strict", "my_rules.yaml") == 0
    assert falcocore("test", ".", "--coverage", "--fail-under", "100") == 0
    assert "coverage: 100.00 %" in capsys.readouterr().out


def test_the_example_of_a_site_is_valid_after_the_pack() -> None:
    assert falcocore("validate", "--strict", "pack:k8s_audit", "my_site.yaml") == 0


def test_the_example_of_system_calls_passes(folder: Path) -> None:
    (folder / SYSTEM_CALLS).write_text(BLOCKS[SYSTEM_CALLS])
    assert falcocore("test", SYSTEM_CALLS) == 0


def test_a_typo_fails_as_it_is_shown(folder: Path, capsys: Capture) -> None:
    (folder / "my_rules.yaml").write_text(BLOCKS["my_rules.yaml"].replace("ci-bot", "ci-bto"))
    assert falcocore("test", ".") == 1
    assert "\n".join(shown("--- ")) in capsys.readouterr().out


def test_an_event_is_explained_as_it_is_shown(folder: Path, capsys: Capture) -> None:
    file = read_case_file(SourceFile("my_rules.test.yaml", BLOCKS["my_rules.test.yaml"]))
    case = next(placed.case for placed in file.cases if placed.case.name == "trusted users may read")
    event = description_of(case.events[0], file.content.bases, folder)
    whole = {"kind": "Event", "auditID": "test-1", "stageTimestamp": "2024-01-01T00:00:00Z", **event}
    (folder / "audit.log").write_text(json.dumps(whole))
    command = shown("falcocore explain")[0]
    assert command.endswith('--rule "Secret Read by Unknown User"')
    arguments = [*command.split()[1:-5], "Secret Read by Unknown User"]
    assert falcocore(*arguments) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == shown("event 1 at ")


@pytest.mark.parametrize("command", [block[0] for block in SHOWN if block[0].startswith("falcocore ")])
def test_every_command_is_understood(command: str, folder: Path, capsys: Capture) -> None:
    (folder / "audit.log").write_text("")
    words = re.findall(r'"[^"]*"|\S+', command.partition(" > ")[0])
    assert falcocore(*(word.strip('"') for word in words[1:])) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", re.findall(r"`(LOAD_\w+)`", TEXT))
def test_every_code_is_one(code: str) -> None:
    assert Code(code).value == code
