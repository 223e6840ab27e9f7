"""`falcocore describe`: what rules, macros and lists say, for people and as Falco's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.lang.grammar import parse_condition
from falcocore.lang.text import Text
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule

Capture = pytest.CaptureFixture[str]

RULES = """\
- required_engine_version: 0.31.0
- required_plugin_versions:
  - name: k8saudit
    version: 0.7.0
    alternatives: [{name: k8saudit-eks, version: 0.4.0}]
- list: greetings
  items: [hello, "good day"]
- list: polite
  items: [greetings, please]
- list: idle
  items: []
- macro: greeted
  condition: demo.word in (polite)
- macro: said
  condition: (greeted or demo.word startswith "x y")
- macro: unused
  condition: evt.num > 3
- rule: Somebody Spoke
  desc: >
    A word
    was said.
  condition: said and not tolower(demo.word) in (bye, idle)
  output: Spoken (word=%10demo.word low=%tolower(demo.word) at=%evt.time)
  priority: NOTICE
  source: demo
  tags: [talk, a]
  exceptions:
    - name: quiet_words
      fields: [demo.word, evt.num]
      comps: [startswith, ">"]
      values: [[hush, 3], [psst, 4]]
    - name: numbers
      fields: evt.num
      values: [1, 2]
    - name: none_yet
      fields: [evt.source]
"""


@pytest.fixture(autouse=True)
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with demo_site(tmp_path_factory.mktemp("site")):
        yield


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "r.yaml"
    file.write_text(RULES, "utf-8")
    return str(file)


def described(capsys: Capture, *arguments: str) -> str:
    assert falcocore("describe", *arguments) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def as_json(capsys: Capture, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(capsys, *arguments, "--format", "json"))
    return found


def test_a_rule_is_described_with_all_that_it_is_made_of(rules: str, capsys: Capture) -> None:
    assert described(capsys, "-r", rules, "Somebody Spoke") == (
        "Somebody Spoke\n"
        "  description: A word was said.\n"
        "  priority:    Notice\n"
        "  source:      demo\n"
        "  tags:        a, talk\n"
        "  runs:        yes\n"
        f"  defined in:  {rules}:18\n"
        "  output:      Spoken (word=%10demo.word low=%tolower(demo.word) at=%evt.time)\n"
        "  fields:      demo.word, evt.num, evt.time\n"
        "  condition:\n"
        "    said and not tolower(demo.word) in (bye, idle)\n"
        "  macros:\n"
        "    said:\n"
        '      greeted or demo.word startswith "x y"\n'
        "    greeted:\n"
        "      demo.word in (polite)\n"
        "  lists:\n"
        "    idle: (it is empty)\n"
        "    polite: greetings, please\n"
        "    greetings: hello, good day\n"
        "  exceptions:\n"
        "    quiet_words: not where demo.word startswith ... and evt.num > ...\n"
        "      hush, 3\n"
        "      psst, 4\n"
        "    numbers: not where evt.num in ...\n"
        "      1, 2\n"
        "    none_yet: not where evt.source = ...\n"
        "      (no values yet)\n"
    )


def test_long_texts_are_broken_into_lines(tmp_path: Path, capsys: Capture) -> None:
    checks = [f"demo.word = word{number}" for number in range(20)]
    file = tmp_path / "r.yaml"
    file.write_text(rule("Long", " or ".join(checks), desc="many words " * 30), "utf-8")
    lines = described(capsys, "-r", str(file), "Long").splitlines()
    assert max(len(line) for line in lines if "defined in" not in line) <= 110
    assert [line for line in lines if "demo.word =" in line] == [
        f"    {'or ' if number else ''}{check}" for number, check in enumerate(checks)
    ]


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ([], "yes"),
        (["--source", "demo"], "yes"),
        (["--source", "quiet"], "no: source demo is not running"),
        (["-o", "rules[].disable.tag=talk"], "no: the configuration's `rules` say disable {tag: talk}"),
        (["-o", "priority=error"], "no: its priority Notice is less severe than `priority: error`"),
    ],
)
def test_whether_a_rule_runs_is_said_with_the_reason(
    arguments: list[str], runs: str, rules: str, capsys: Capture
) -> None:
    text = described(capsys, "-r", rules, *arguments, "Somebody Spoke")
    assert f"  runs:        {runs}\n" in text


def test_the_configuration_names_the_rules(rules: str, tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(f"rules_files: [{rules}]\n", "utf-8")
    assert described(capsys, "-c", str(config), "Somebody Spoke") == described(
        capsys, "-r", rules, "Somebody Spoke"
    )


def test_without_a_rule_all_rules_macros_and_lists_are_shown(rules: str, capsys: Capture) -> None:
    assert [line.split("\t") for line in described(capsys, "-r", rules).splitlines()] == [
        ["rule", "Somebody Spoke", "A word was said."],
        ["macro", "greeted", "demo.word in (polite)"],
        ["macro", "said", '(greeted or demo.word startswith "x y")'],
        ["macro", "unused", "evt.num > 3"],
        ["list", "greetings", "hello, good day"],
        ["list", "polite", "greetings, please"],
        ["list", "idle", ""],
    ]


def test_without_rule_files_the_packs_are_described(capsys: Capture) -> None:
    assert "rule\tFrom the pack\t" in described(capsys)
    assert "Attach/Exec Pod\n" in described(capsys, "Attach/Exec Pod")


def test_json_has_falcos_shape(rules: str, capsys: Capture) -> None:
    found = as_json(capsys, "-r", rules)
    assert list(found) == ["required_engine_version", "required_plugin_versions", "rules", "macros", "lists"]
    assert found["required_engine_version"] == "0.31.0"
    assert found["required_plugin_versions"] == [
        {
            "name": "k8saudit",
            "version": "0.7.0",
            "alternatives": [{"name": "k8saudit-eks", "version": "0.4.0"}],
        }
    ]
    (one,) = found["rules"]
    assert one["info"] == {
        "name": "Somebody Spoke",
        "condition": "said and not tolower(demo.word) in (bye, idle)",
        "priority": "Notice",
        "output": "Spoken (word=%10demo.word low=%tolower(demo.word) at=%evt.time)",
        "description": "A word was said.",
        "enabled": True,
        "source": "demo",
        "capture": False,
        "capture_duration": 0,
        "tags": ["a", "talk"],
    }
    details = one["details"]
    compiled = details.pop("condition_compiled")
    assert compiled.startswith(
        '(((demo.word in (hello, "good day", please) or demo.word startswith "x y") and '
    )
    parse_condition(Text.plain(compiled))
    assert details == {
        "macros": ["said"],
        "lists": ["idle"],
        "condition_operators": ["in", "startswith", ">"],
        "condition_fields": ["demo.word", "evt.num"],
        "output_fields": ["demo.word", "evt.time"],
        "exception_fields": ["demo.word", "evt.num", "evt.source"],
        "exception_names": ["quiet_words", "numbers", "none_yet"],
        "exception_operators": ["startswith", ">", "in", "="],
        "events": [],
        "output_compiled": "Spoken (word=%10demo.word low=%tolower(demo.word) at=%evt.time)",
        "plugins": ["demo"],
    }


def test_json_of_macros_and_lists(rules: str, capsys: Capture) -> None:
    found = as_json(capsys, "-r", rules)
    macros = {one["info"]["name"]: one for one in found["macros"]}
    assert {name: one["details"]["used"] for name, one in macros.items()} == {
        "greeted": True,
        "said": True,
        "unused": False,
    }
    assert macros["said"] == {
        "info": {"name": "said", "condition": '(greeted or demo.word startswith "x y")'},
        "details": {
            "used": True,
            "macros": ["greeted"],
            "lists": [],
            "condition_operators": ["in", "startswith"],
            "condition_fields": ["demo.word"],
            "events": [],
            "condition_compiled": '(demo.word in (hello, "good day", please) or demo.word startswith "x y")',
            "plugins": [],
        },
    }
    assert found["lists"][1] == {
        "info": {"name": "polite", "items": ["please"]},
        "details": {
            "used": True,
            "lists": ["greetings"],
            "items_compiled": ["hello", "good day", "please"],
            "plugins": [],
        },
    }


def test_json_of_one_rule_has_that_rule_only(rules: str, capsys: Capture) -> None:
    found = as_json(capsys, "-r", rules, "Somebody Spoke")
    assert found == {"rules": as_json(capsys, "-r", rules)["rules"]}


def test_what_the_configuration_adds_to_alerts_is_described(
    rules: str, tmp_path: Path, capsys: Capture
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "append_output: [{extra_output: n=%evt.num, extra_fields: [{at: 'time %evt.time'}]}]\n", "utf-8"
    )
    details = as_json(capsys, "-r", rules, "-c", str(config), "Somebody Spoke")["rules"][0]["details"]
    assert details["output_compiled"].endswith("low=%tolower(demo.word) at=%evt.time) n=%evt.num")
    assert details["extra_output_formatted_fields"] == {"at": "time %evt.time"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Somebody Spok", "did you mean `Somebody Spoke`?"),
        ("somebody spoke", "did you mean `Somebody Spoke`?"),
        ("SOMEBODY", "did you mean `Somebody Spoke`?"),
        ("zzz", "`falcocore list rules` shows the names"),
    ],
)
def test_an_unknown_rule_is_an_error_with_the_nearest_name(
    name: str, hint: str, rules: str, capsys: Capture
) -> None:
    assert falcocore("describe", "-r", rules, name) == 1
    output = capsys.readouterr()
    assert output.err == f"Error: there is no rule `{name}`\n  {hint}\n"
    assert output.out == ""


@pytest.mark.parametrize("arguments", [[], ["--format", "json"]])
@pytest.mark.parametrize(
    "condition",
    ["demo.wrod = x", "demo.word =", "nothing and demo.word exists", "circle and demo.word exists"],
)
def test_rules_with_mistakes_are_described_and_the_mistakes_shown(
    condition: str, arguments: list[str], tmp_path: Path, capsys: Capture
) -> None:
    file = tmp_path / "r.yaml"
    circle = "- macro: circle\n  condition: circle\n- macro: circle\n  condition: circle or demo.word = a\n"
    file.write_text(
        (circle if "circle" in condition else "") + rule("Bad", condition) + rule("Good"), "utf-8"
    )
    for name in ([], ["Bad"], ["Good"]):
        assert falcocore("describe", "-r", str(file), *name, *arguments) == 1
        output = capsys.readouterr()
        assert ": error: " in output.err
        assert (name or ["Bad"])[0] in output.out
    assert falcocore("describe", "-r", str(file), "Bad") == 1
    out = capsys.readouterr().out
    assert "runs:        no: it has errors\n" in out
    assert f"condition:\n    {condition}\n" in out


def test_a_rule_of_a_source_that_is_not_installed_is_described(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("Stranger", "other.field = x", source="other"), "utf-8")
    text = described(capsys, "-r", str(file), "Stranger")
    assert "runs:        no: source other is not installed\n" in text
    assert "fields:      other.field\n" in text
    details = as_json(capsys, "-r", str(file), "Stranger")["rules"][0]["details"]
    assert (details["plugins"], details["condition_fields"]) == ([], ["other.field"])


def test_a_condition_as_deep_as_may_be_is_described(tmp_path: Path, capsys: Capture) -> None:
    condition = "demo.word = a"
    for number in range(90):
        condition = f"({condition}) {'and' if number % 2 else 'or'} demo.word = w{number}"
    file = tmp_path / "r.yaml"
    file.write_text(rule("Deep", condition), "utf-8")
    assert "demo.word = w89" in described(capsys, "-r", str(file), "Deep")


def test_a_source_that_leaves_out_nothing_early(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(RULES)
    assert falcocore("describe", "--push-down", "-r", str(path)) == 0
    assert capsys.readouterr().out == "No source with rules leaves out events early.\n"
