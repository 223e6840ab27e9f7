"""`falcocore validate`: every mistake at its place, the verdict on each file, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule
from tests.support.every_falco_key import EVERY_KEY
from tests.support.plugin_site import Site

Capture = pytest.CaptureFixture[str]

GOOD = rule("Good")
WARNED = rule("Warned") + "- macro: unused\n  condition: evt.num = 1\n"
BROKEN = rule("Typo", "demo.wrod = x") + rule("No operator", "demo.word inn (a)")
FILES = {
    "good.yaml": GOOD,
    "other.yaml": rule("Other", "evt.num = 1"),
    "more.yml": rule("More", "shared and evt.num = 1"),
    "base.yaml": "- macro: shared\n  condition: demo.word = x\n",
    "warned.yaml": WARNED,
    "broken.yaml": BROKEN,
    "unclosed.yaml": "- rule: [\n",
    "empty.yaml": "",
    "falco.yaml": EVERY_KEY,
    "rules.txt": GOOD,
}


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The distribution with the source `demo`, and the current directory with files to validate."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "none").mkdir()
    (folder / "rules.d").mkdir()
    (folder / "rules.d" / "1.yaml").write_text(FILES["base.yaml"])
    (folder / "rules.d" / "2.yaml").write_text(FILES["more.yml"])
    monkeypatch.chdir(folder)
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.mark.parametrize(
    ("arguments", "status", "verdicts"),
    [
        (["good.yaml"], 0, ["good.yaml: Ok"]),
        (["empty.yaml"], 0, ["empty.yaml: Ok"]),
        (["warned.yaml"], 0, ["warned.yaml: Ok, with warnings (1 warning)"]),
        (["broken.yaml"], 1, ["broken.yaml: Invalid (2 errors)"]),
        (["unclosed.yaml"], 1, ["unclosed.yaml: Invalid (1 error)"]),
        # Every file gets its verdict, also behind one that is broken.
        (
            ["broken.yaml", "good.yaml", "warned.yaml"],
            1,
            ["broken.yaml: Invalid (2 errors)", "good.yaml: Ok", "warned.yaml: Ok"],
        ),
        # A file may need what stands in another, in whichever order they are given.
        (["base.yaml", "more.yml"], 0, ["base.yaml: Ok", "more.yml: Ok"]),
        (["more.yml"], 1, ["more.yml: Invalid (1 error)"]),
        (["rules.d"], 0, ["rules.d/1.yaml: Ok", "rules.d/2.yaml: Ok"]),
        (["good.yaml", "good.yaml"], 0, ["good.yaml: Ok"]),
        # Warnings change nothing, unless that is asked for.
        (["--strict", "good.yaml"], 0, ["good.yaml: Ok"]),
        (["--strict", "warned.yaml"], 1, ["warned.yaml: Ok, with warnings (1 warning)"]),
        (["broken.yaml", "--strict"], 1, ["broken.yaml: Invalid (2 errors)"]),
    ],
)
def test_each_file_gets_a_verdict(
    arguments: list[str], status: int, verdicts: list[str], capsys: Capture
) -> None:
    assert falcocore("validate", *arguments) == status
    output = capsys.readouterr()
    found = [line for line in output.out.splitlines() if ": Ok" in line or ": Invalid" in line]
    assert [line[: len(verdict)] for line, verdict in zip(found, verdicts, strict=True)] == verdicts
    assert output.err == ""


def test_every_mistake_is_shown_at_its_place(capsys: Capture) -> None:
    falcocore("validate", "broken.yaml")
    output = capsys.readouterr().out
    first, second, verdict = output.split("\n\n")
    assert first.startswith("broken.yaml:3:14: error: ")
    assert "did you mean `demo.word`" in first
    assert first.splitlines()[1:3] == ["  3 |   condition: demo.wrod = x", "    |              ^^^^^^^^^"]
    assert 'in rule "Typo"' in first
    assert second.startswith("broken.yaml:9:24: error: ")
    assert verdict == "broken.yaml: Invalid (2 errors)\n"


def test_the_bundled_pack_is_valid(capsys: Capture) -> None:
    assert falcocore("validate", "--strict", "pack:k8s_audit") == 0
    assert capsys.readouterr().out.rstrip().endswith(": Ok")


def test_a_pack_of_a_plugin_is_validated(site: Site, capsys: Capture) -> None:
    assert falcocore("validate", "pack:demo", "other.yaml") == 0
    assert capsys.readouterr().out == f"{site.folder}/demo_rules.yaml: Ok\nother.yaml: Ok\n"


def test_rules_of_every_installed_source_are_checked(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("A", "quiet.word = x", source="quiet") + rule("B", "demo.word = x", source="quiet"))
    assert falcocore("validate", str(file)) == 1
    output = capsys.readouterr().out
    assert f"{file}: Invalid (1 error)" in output
    assert f"{file}:9:14: error: source quiet has no field `demo.word`" in output


def test_a_configuration_given_by_mistake_is_recognised(capsys: Capture) -> None:
    assert falcocore("validate", "falco.yaml") == 1
    output = capsys.readouterr().out
    assert "hint: this looks like a configuration file: give it with -c" in output
    assert output.endswith("falco.yaml: Invalid (1 error)\n")


def test_a_rule_file_given_as_the_configuration_is_recognised(capsys: Capture) -> None:
    assert falcocore("validate", "good.yaml", "-c", "good.yaml") == 1
    assert "this looks like a rule file: give it with -r" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good.yaml", "missing.yaml"], "Error: rule file missing.yaml does not exist\n"),
        ([""], "Error: rule file  does not exist\n"),
        (["rules.txt"], "Error: rules.txt is not named like a rule file\n"),
        (["none"], "Error: there is no rule file in none\n"),
        (["pack:dmo"], "Error: there is no rule pack 'dmo'\n  did you mean demo? installed: demo, "),
        (["good.yaml", "-c", "missing.yaml"], "Error: configuration missing.yaml does not exist\n"),
        (["good.yaml", "-c", ""], "Error: configuration . can't be read: Is a directory"),
        (["good.yaml", "-o", "priority=loud"], "Error: priority: 'loud' is not a priority"),
        (["good.yaml", "-o", "json_output"], "Error: -o json_output: there is no `=`\n"),
    ],
)
def test_what_cannot_be_read_is_an_error_without_a_verdict(
    arguments: list[str], message: str, capsys: Capture
) -> None:
    assert falcocore("validate", *arguments) == 1
    output = capsys.readouterr()
    assert output.err.startswith(message)
    assert output.out == ""


def test_a_file_that_is_not_utf_8_is_named_with_the_byte(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("- macro: ü\n".encode("latin-1"))
    assert falcocore("validate", str(file)) == 1
    assert capsys.readouterr().err == f"Error: rule file {file} is not UTF-8: byte 9 is 0xfc\n"


def test_rule_files_of_the_configuration_are_not_wanted(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("rules_files: [/etc/falco/missing.yaml]\njsn_output: true\n")
    assert falcocore("validate", "good.yaml", "-c", str(config)) == 0
    output = capsys.readouterr()
    assert output.out == "good.yaml: Ok\n"
    note = f"Warning: {config}:2:1: unknown key `jsn_output`: did you mean `json_output`?\n"
    assert output.err == note


def test_what_the_configuration_appends_is_checked(capsys: Capture) -> None:
    override = "append_output[].extra_output=%demo.nothing"
    assert falcocore("validate", "good.yaml", "-o", override) == 1
    assert "demo.nothing" in capsys.readouterr().out


def results(capsys: Capture, *arguments: str, status: int) -> list[dict[str, Any]]:
    assert falcocore("validate", *arguments, "-o", "json_output=true") == status
    output = capsys.readouterr()
    assert output.out.count("\n") == 1
    assert output.err == ""
    found: dict[str, list[dict[str, Any]]] = json.loads(output.out)
    assert list(found) == ["falco_load_results"]
    return found["falco_load_results"]


def test_json_has_falcos_object_for_a_good_file(capsys: Capture) -> None:
    assert results(capsys, "good.yaml", status=0) == [
        {
            "name": "good.yaml",
            "successful": True,
            "schema_valid": True,
            "schema_warnings": [],
            "errors": [],
            "warnings": [],
        }
    ]


def test_json_has_falcos_entries_for_what_was_said(capsys: Capture) -> None:
    files = {one["name"]: one for one in results(capsys, "broken.yaml", "warned.yaml", "good.yaml", status=1)}
    assert {name: one["successful"] for name, one in files.items()} == {
        "broken.yaml": False,
        "warned.yaml": True,
        "good.yaml": True,
    }
    entries = files["broken.yaml"]["errors"]
    assert [entry["code"] for entry in entries] == ["LOAD_ERR_COMPILE_CONDITION"] * 2
    assert set(entries[0]) == {"code", "codedesc", "message", "context"}
    assert "demo.wrod" in entries[0]["message"]
    locations = entries[0]["context"]["locations"]
    # Counted from 0, as Falco does, and the user's own line and column.
    assert locations[-1]["position"] == {"name": "broken.yaml", "line": 2, "column": 13, "offset": 36}
    assert set(locations[-1]) == {"item_type", "item_name", "position"}
    assert entries[0]["context"]["snippet"].splitlines()[0] == "  condition: demo.wrod = x"


def test_json_has_warnings_and_strict_counts_them(capsys: Capture) -> None:
    for arguments, status in ((["warned.yaml"], 0), (["warned.yaml", "--strict"], 1)):
        (file,) = results(capsys, *arguments, status=status)
        assert (file["successful"], file["errors"]) == (True, [])
        assert [entry["code"] for entry in file["warnings"]] == ["LOAD_UNUSED_MACRO"]


def test_json_tells_what_a_strict_schema_finds(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("R", priority="warning"))
    (found,) = results(capsys, str(file), status=0)
    assert (found["successful"], found["schema_valid"]) == (True, False)
    assert len(found["schema_warnings"]) == 1


def test_json_output_may_stand_in_the_configuration(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("json_output: true\n")
    assert falcocore("validate", "good.yaml", "-c", str(config)) == 0
    assert json.loads(capsys.readouterr().out)["falco_load_results"][0]["name"] == "good.yaml"


def test_format_json_has_places_that_count_from_one_beside_falcos(capsys: Capture) -> None:
    assert falcocore("validate", "broken.yaml", "--format", "json") == 1
    (found,) = json.loads(capsys.readouterr().out)["falco_load_results"]
    entry = found["errors"][0]
    assert entry["context"]["locations"][-1]["position"]["line"] == 2
    assert entry["place"] == {
        "file": "broken.yaml", "line": 3, "column": 14, "end_line": 3, "end_column": 23
    }  # fmt: skip
    assert "did you mean `demo.word`?" in entry["hint"]


def test_format_sarif_is_one_log(capsys: Capture) -> None:
    assert falcocore("validate", "broken.yaml", "warned.yaml", "--format", "sarif") == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["level"] for result in run["results"]] == ["error", "error"]


def test_format_text_is_for_people_whatever_the_configuration_says(capsys: Capture) -> None:
    assert falcocore("validate", "good.yaml", "--format", "text", "-o", "json_output=true") == 0
    assert capsys.readouterr().out == "good.yaml: Ok\n"


def test_what_is_suspicious_is_a_warning(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("First") + rule("Second", "demo.word = x"))
    for arguments, status in (([], 0), (["--strict"], 1), (["--strict", "-o", "rule_matching=all"], 0)):
        assert falcocore("validate", str(file), *arguments) == status
        assert ("LOAD_SHADOWED_RULE" in capsys.readouterr().out) is ("all" not in " ".join(arguments))
