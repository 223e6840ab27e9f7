"""`falcocore explain`: trees for people, objects for tools, and what it says where it can't."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule
from tests.support.terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]
RECORDED = Path(__file__).parents[2] / "data" / "k8s_audit" / "recorded"

RULES = (
    "- list: greetings\n  items: [hello, hi]\n"
    "- macro: greeted\n  condition: demo.word in (greetings)\n"
    + rule("Greeted", "greeted and evt.num > 1")
    + rule("Anything", "demo.word exists")
    + rule("Off", "tolower(demo.word) = hi", enabled="false")
)


@pytest.fixture(autouse=True)
def rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("files") / "r.yaml"
    file.write_text(RULES)
    with demo_site(tmp_path_factory.mktemp("site")):
        yield str(file)


def test_every_rule_is_shown_as_a_tree(rules: str, capsys: Capture) -> None:
    assert falcocore("explain", "--source", "demo=hi,hi,bye", "-r", rules) == 0
    first, second, third = capsys.readouterr().out.strip().split("\n\n")
    assert first.splitlines() == [
        "event 1 at 1970-01-01T00:00:00.000000000+0000, key 0",
        "  alerts: Anything",
        "  Greeted: does not match",
        "    false and",
        "    true    greeted:",
        "    true      demo.word in (greetings)   is hi   greetings: hello, hi",
        "    false   evt.num > 1   is 1",
        "  Anything: matches and alerts",
        "    true  demo.word exists   is hi",
    ]
    assert second.splitlines()[1:4] == [
        "  alerts: Greeted",
        "  hidden, because only the first rule that matches alerts: Anything",
        "  Greeted: matches and alerts",
    ]
    assert "  Anything: matches, hidden by an earlier rule" in second.splitlines()
    # What was not come to has no outcome and no value.
    assert "    -       evt.num > 1" in third.splitlines() or "    -     evt.num > 1" in third.splitlines()


def test_a_rule_is_explained_whether_it_runs_or_not(rules: str, capsys: Capture) -> None:
    assert falcocore("explain", "--source", "demo=HI", "-r", rules, "--rule", "Off") == 0
    assert capsys.readouterr().out.splitlines()[2:4] == [
        "  Off: matches, and does not run (its rule file says `enabled: false`)",
        "    true  tolower(demo.word) = hi   tolower(demo.word) is hi, demo.word is HI",
    ]


def test_in_brief_only_what_decided_is_shown(rules: str, capsys: Capture) -> None:
    assert falcocore("explain", "--source", "demo=hi", "-r", rules, "--rule", "Greeted", "--brief") == 0
    assert capsys.readouterr().out.splitlines()[2:5] == [
        "  Greeted: does not match",
        "    false and",
        "    false   evt.num > 1   is 1",
    ]


def test_rule_matching_all_hides_nothing(rules: str, capsys: Capture) -> None:
    arguments = ["--source", "demo=x,hi", "-r", rules, "-o", "rule_matching=all"]
    assert falcocore("explain", *arguments) == 0
    assert "  alerts: Greeted, Anything" in capsys.readouterr().out


def test_json_has_an_object_for_each_event(rules: str, capsys: Capture) -> None:
    assert falcocore("explain", "--source", "demo=x,hi", "-r", rules, "--json", "--rule", "Greeted") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["key"], first["alerts"], first["hidden"]) == (1, "0", ["Anything"], [])
    assert (second["event"], second["alerts"], second["hidden"]) == (2, ["Greeted"], ["Anything"])
    (one,) = first["rules"]
    assert {key: one[key] for key in ("rule", "fate", "not_running")} == {
        "rule": "Greeted",
        "fate": "no match",
        "not_running": None,
    }
    assert one["condition"]["kind"] == "and"
    macro, check = one["condition"]["parts"]
    assert (macro["kind"], macro["name"], macro["outcome"]) == ("macro", "greeted", False)
    assert macro["parts"] == [
        {
            "kind": "check",
            "text": "demo.word in (greetings)",
            "outcome": False,
            "values": [{"name": "demo.word", "value": "x", "absent": False}],
            "place": {"file": rules, "line": 4, "column": 14},
        }
    ]
    assert (check["outcome"], check["values"]) == (None, [])


def test_a_terminal_gets_the_same_lines(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_a_terminal(monkeypatch, "explain", "--source", "demo=hi", "-r", rules, "--rule", "Anything")
    assert lines[-1].rstrip() == "    true  demo.word exists   is hi"


def test_a_value_cannot_write_to_the_terminal(rules: str, capsys: Capture) -> None:
    assert falcocore("explain", "--source", "demo=\x1b[31m" + "x" * 200, "-r", rules) == 0
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert f"is \\u001b[31m{'x' * 90}..." in output


def test_events_come_from_stdin_without_a_target() -> None:
    event = (RECORDED / "exec_pod.json").read_bytes()
    for given in ("k8s_audit", "k8s_audit=-"):
        done = subprocess.run(
            [sys.executable, "-m", "falcocore", "explain", "--source", given, "--rule", "Attach/Exec Pod"],
            input=event,
            capture_output=True,
            check=True,
        )
        assert b"  Attach/Exec Pod: matches and alerts\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Error: no source is given\n"),
        (["--source", "dmo=x"], "Error: there is no source 'dmo'\n"),
        (["--source", "demo=x", "--rule", "Gretted"], "Error: there is no rule `Gretted` for the sources"),
    ],
)
def test_what_cannot_be_explained(arguments: list[str], message: str, rules: str, capsys: Capture) -> None:
    assert falcocore("explain", "-r", rules, *arguments) == 1
    assert capsys.readouterr().err.startswith(message)


def test_broken_rules_are_reported_and_not_explained(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(rule("Broken", "demo.wrod = x"))
    assert falcocore("explain", "--source", "demo=x", "-r", str(file)) == 1
    output = capsys.readouterr()
    assert "demo.wrod" in output.err
    assert output.out == ""
