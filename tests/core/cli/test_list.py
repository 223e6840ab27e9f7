"""`falcocore list`: what is installed, and which rules run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule
from tests.support.plugin_site import Site
from tests.support.terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def rows(capsys: Capture, *arguments: str) -> list[list[str]]:
    """The listing as text, whose columns are split by tabs where stdout is no terminal."""
    assert falcocore("list", *arguments) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return [line.split("\t") for line in output.out.splitlines()]


def objects(capsys: Capture, *arguments: str) -> list[dict[str, Any]]:
    """The listing as JSON, on one line."""
    assert falcocore("list", *arguments, "--format", "json") == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.count("\n") == 1
    found: list[dict[str, Any]] = json.loads(output.out)
    return found


DEMO = {"name": "demo", "description": "Words, from the target.", "options": "separator: str, limit: int"}


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        (["sources"], DEMO),
        (["sources"], {"name": "quiet", "description": "", "options": ""}),
        (
            ["fields"],
            {
                "source": "demo",
                "field": "demo.word",
                "argument": "",
                "type": "CHARBUF",
                "description": "The word.",
                "needs": "",
            },
        ),
    ],
)
def test_listings_have_the_same_rows_in_text_and_json(
    arguments: list[str], row: dict[str, str], capsys: Capture
) -> None:
    text, found = rows(capsys, *arguments), objects(capsys, *arguments)
    assert row in found
    assert text == [list(one.values()) for one in found]


def test_outputs_are_listed_with_their_options(capsys: Capture) -> None:
    found = {row["name"]: row for row in objects(capsys, "outputs")}
    assert "filename: str" in found["file"]["options"]
    assert found["stdout"]["options"] == ""
    assert all(row["description"] for row in found.values())


def test_fields_of_one_source_are_those_of_its_plugins_and_the_generic_ones(capsys: Capture) -> None:
    found = objects(capsys, "fields", "demo")
    assert {row["source"] for row in found} == {"demo"}
    names = [row["field"] for row in found]
    assert "demo.word" in names
    assert "evt.time" in names
    assert "quiet.word" not in names
    everything = objects(capsys, "fields")
    assert [row for row in everything if row["source"] == "demo"] == found
    assert {"demo", "quiet"} <= {row["source"] for row in everything}


@pytest.mark.parametrize(("source", "arguments"), [("demo", ["--list", "demo"]), (None, ["--list"])])
def test_the_old_option_lists_fields_too(source: str | None, arguments: list[str], capsys: Capture) -> None:
    expected = rows(capsys, "fields", *([source] if source else []))
    for form in (arguments, [f"--list={source}"] if source else arguments):
        assert falcocore(*form) == 0
        assert [line.split("\t") for line in capsys.readouterr().out.splitlines()] == expected


def test_fields_of_the_bundled_source_tell_type_list_and_argument(capsys: Capture) -> None:
    assert falcocore("--list", "k8s_audit") == 0
    table = {line.split("\t")[1]: line.split("\t") for line in capsys.readouterr().out.splitlines()}
    assert table["ka.verb"][2:4] == ["", "CHARBUF"]
    assert table["ka.req.pod.containers.image"][2:4] == ["([index])", "LIST(CHARBUF)"]
    assert table["jevt.value"][2:4] == ["[key]", "CHARBUF"]
    assert all(row[4] for row in table.values()), "every field has a description"


@pytest.mark.parametrize(
    ("name", "hint"), [("dmo", "did you mean demo?"), ("zzzz", "sources with fields: demo, ")]
)
@pytest.mark.parametrize("command", [["list", "fields"], ["--list"]])
def test_fields_of_an_unknown_source_are_an_error(
    command: list[str], name: str, hint: str, capsys: Capture
) -> None:
    assert falcocore(*command, name) == 1
    assert capsys.readouterr().err.startswith(f"Error: there is no source {name!r}\n  {hint}")


@pytest.mark.parametrize("what", ["sources", "rules", "outputs", "plugins"])
def test_only_fields_take_the_name_of_a_source(what: str, capsys: Capture) -> None:
    assert falcocore("list", what, "demo") == 2
    output = capsys.readouterr()
    assert output.err.startswith(f"falcocore list {what}: 'demo' is one argument too many\n")
    assert output.out == ""


RULES = (
    rule("Runs", tags="[b, a]")
    + rule("Elsewhere", "quiet.word exists", source="quiet")
    + rule("Unknown", "evt.num > 0", source="syscal")
    + rule("Switched off", enabled="false")
    + rule("Harmless", priority="NOTICE")
    + rule("Tagged", tags="[noisy]")
    + rule("Named away")
    + rule("Skipped", "demo.nothing exists", **{"skip-if-unknown-filter": "true"})
)
SELECTION = (
    "-o", "priority=warning", "-o", "rules[].disable.tag=noisy", "-o", "rules[].disable.rule=Named*",
)  # fmt: skip


def test_rules_are_listed_with_the_reason_why_they_do_not_run(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(RULES)
    found = objects(capsys, "rules", "-r", str(file), "--source", "demo", *SELECTION)
    assert found[0] == {
        "rule": "Runs",
        "source": "demo",
        "priority": "Warning",
        "tags": "a, b",
        "runs": "yes",
        "why not": "",
    }
    assert {row["rule"]: row["why not"] for row in found} == {
        "Runs": "",
        "Elsewhere": "source quiet is not running",
        "Unknown": "source syscal is not installed",
        "Switched off": "its rule file says `enabled: false`",
        "Harmless": "its priority Notice is less severe than `priority: warning`",
        "Tagged": "the configuration's `rules` say disable {tag: noisy}",
        "Named away": "the configuration's `rules` say disable {rule: Named*}",
        "Skipped": "no plugin offers demo.nothing (skip-if-unknown-filter)",
    }
    assert all((row["runs"] == "yes") is (row["why not"] == "") for row in found)
    text = rows(capsys, "rules", "-r", str(file), "--source", "demo", *SELECTION)
    assert text == [list(row.values()) for row in found]


def test_without_a_source_rules_are_listed_as_if_all_ran(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(RULES)
    reasons = {row["rule"]: row["why not"] for row in objects(capsys, "rules", "-r", str(file))}
    assert (reasons["Runs"], reasons["Elsewhere"]) == ("", "")


def test_the_configuration_names_the_rules_to_list(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "r.yaml").write_text(rule("From the configuration"))
    config = tmp_path / "c.yaml"
    config.write_text(f"rules_files: [{tmp_path}/r.yaml]\nsources: [{{name: quiet}}]\n")
    assert rows(capsys, "rules", "-c", str(config)) == [
        ["From the configuration", "demo", "Warning", "", "no", "source demo is not running"]
    ]


@pytest.mark.parametrize(
    ("arguments", "some", "others"),
    [
        # Without anything all packs; otherwise the packs of the sources.
        ([], {"From the pack", "Attach/Exec Pod"}, set()),
        (["--source", "demo"], {"From the pack"}, {"Attach/Exec Pod"}),
        (["-r", "pack:k8s_audit"], {"Attach/Exec Pod"}, {"From the pack"}),
    ],
)
def test_the_rules_of_packs_are_listed(
    arguments: list[str], some: set[str], others: set[str], capsys: Capture
) -> None:
    names = {row[0] for row in rows(capsys, "rules", *arguments)}
    assert some <= names
    assert not others & names


def test_an_empty_directory_lists_nothing_but_an_error(tmp_path: Path, capsys: Capture) -> None:
    assert falcocore("list", "rules", "-r", str(tmp_path)) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"Error: there is no rule file in {tmp_path}\n")


def test_rules_with_mistakes_are_listed_and_the_mistakes_shown(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("Good") + rule("Bad", "demo.wrod = x"))
    assert falcocore("list", "rules", "-r", str(file)) == 1
    output = capsys.readouterr()
    assert f"{file}:9:14: error: " in output.err
    assert [line.split("\t")[0::4] for line in output.out.splitlines()] == [["Good", "yes"], ["Bad", "no"]]


def test_what_is_odd_about_the_configuration_is_said_on_stderr(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("R"))
    status = falcocore(
        "list", "rules", "-r", str(file), "-o", "jsn_output=true", "-o", "rules[].disable.rule=Q"
    )
    assert status == 0
    output = capsys.readouterr()
    assert output.out.startswith("R\tdemo\t")
    assert output.err.splitlines() == [
        "Warning: -o jsn_output=true: unknown key `jsn_output`: did you mean `json_output`?",
        "Warning: `rules` in the configuration: `disable {rule: Q}` fits no rule",
    ]


def test_a_terminal_gets_a_table_with_a_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_a_terminal(monkeypatch, "list", "fields", "demo")
    assert lines[0].split() == ["source", "field", "type", "description"]
    assert any(line.split() == ["demo", "demo.word", "CHARBUF", "The", "word."] for line in lines)
