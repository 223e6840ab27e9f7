"""`falcocore describe RULE --compiled`: the generated code, and what an event's key leaves of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site
from tests.support.rule_texts import rule

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with demo_site(tmp_path_factory.mktemp("site")):
        yield


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "rules.yaml"
    conditions = {"A": "demo.word in (a, b) and evt.num > 3", "B": "demo.word = b", "C": "demo.word = c"}
    file.write_text("".join(rule(text, name, source="demo") for name, text in conditions.items()))
    return str(file)


@pytest.mark.parametrize(
    ("arguments", "some", "others"),
    [
        (["--compiled"], ["dispatched on: demo.word", "compiled:", "{'a', 'b'}", "> 3"], ["left for"]),
        (["--key", "demo.word=a"], ["compiled:", "left for demo.word: a:"], ["nothing"]),
        (["--key", "demo.word=x"], ["left for demo.word: a value that no rule mentions:", "nothing:"], []),
        (["--key", "demo.word="], ["left for demo.word: absent:", "nothing:"], []),
        ([], [], ["compiled", "dispatched"]),
    ],
)
def test_code_of_a_rule_is_shown(
    arguments: list[str], some: list[str], others: list[str], rules: str, capsys: Capture
) -> None:
    assert falcocore("describe", "A", "-r", rules, *arguments) == 0
    shown = capsys.readouterr().out
    assert [text for text in some if text not in shown] == []
    assert [text for text in others if text in shown] == []


def test_what_the_key_decides_is_not_left(rules: str, capsys: Capture) -> None:
    assert falcocore("describe", "A", "-r", rules, "--key", "demo.word=a") == 0
    left = capsys.readouterr().out.partition("left for")[2]
    assert "> 3" in left
    assert "{'a', 'b'}" not in left


@pytest.mark.parametrize("key", ["demo.wrod=a", "demo.word", "evt.num=3"])
def test_key_that_is_none_is_named_with_those_that_are(key: str, rules: str, capsys: Capture) -> None:
    assert falcocore("describe", "A", "-r", rules, "--key", key) == 1
    said = capsys.readouterr().err
    assert f"--key {key}: " in said
    assert "fields are demo.word" in said
