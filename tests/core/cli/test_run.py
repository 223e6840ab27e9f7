"""`falcocore run`, as far as it shows in one process: start lines, warnings, errors, exit statuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.app import Request, assemble, open_project
from falcocore.cli.run import start_lines
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule
from tests.support.plugin_site import Site

Capture = pytest.CaptureFixture[str]

TIME = re.compile(r"^(?:\w{3} \w{3} \d{2} [\d:]{8} \d{4}|[\d-]{10}T[\d:.]{18}\+0000): ")


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """A rule file with one rule, which shows its word."""
    file = tmp_path / "rules.yaml"
    file.write_text(rule("R", output="word=%demo.word"))
    return str(file)


def log_lines(error: str) -> list[str]:
    """The texts of the log lines, each of which begins with the time."""
    lines = error.splitlines()
    assert [line for line in lines if not TIME.match(line)] == []
    return [TIME.sub("", line) for line in lines]


def test_a_run_prints_alerts_on_stdout_and_the_rest_on_stderr(rules: str, capsys: Capture) -> None:
    assert falcocore("run", "--source", "demo=a,b", "-r", rules) == 0
    output = capsys.readouterr()
    alerts = [line.partition(": ")[2] for line in output.out.splitlines()]
    assert alerts == ["Warning word=a", "Warning word=b"]
    start, totals = log_lines(output.err)
    assert start == "demo: reading 2 words with 1 rule"
    assert re.fullmatch(r"2 events, 2 alerts \(Warning 2\) in \d+\.\d s", totals)


def test_iso_time_is_for_alerts_and_log_lines(rules: str, capsys: Capture) -> None:
    override = "time_format_iso_8601=true"
    assert falcocore("run", "--source", "demo=a", "-r", rules, "-o", override) == 0
    output = capsys.readouterr()
    assert output.out == "1970-01-01T00:00:00.000000000+0000: Warning word=a\n"
    assert all(line[10] == "T" for line in output.err.splitlines())


def test_alerts_may_be_json(rules: str, capsys: Capture) -> None:
    assert falcocore("run", "--source", "demo=a", "-r", rules, "-o", "json_output=true") == 0
    alert = json.loads(capsys.readouterr().out)
    assert (alert["rule"], alert["output_fields"]["demo.word"]) == ("R", "a")


def test_a_configuration_alone_is_enough(rules: str, tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "c.yaml"
    alerts = tmp_path / "alerts.txt"
    config.write_text(
        f"rules_files: [{rules}]\nsources: [{{name: demo, target: a}}, {{name: quiet}}]\n"
        f"file_output: {{enabled: true, filename: {alerts}}}\nlog_stderr: false\n"
    )
    assert falcocore("run", "-c", str(config)) == 0
    assert alerts.read_text().endswith(": Warning word=a\n")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1, "the totals, which are no log line"
    assert "1 events" in shown.err


def test_the_default_packs_of_the_sources_are_loaded(capsys: Capture) -> None:
    assert falcocore("run", "--source", "demo=a") == 0
    output = capsys.readouterr()
    assert output.out.endswith(": Warning w\n")
    assert "demo: reading 1 words with 1 rule" in output.err


@pytest.mark.parametrize(
    ("sources", "lines"),
    [
        (("demo=a,b",), ["demo: reading 2 words with 2 rules"]),
        # A live source says what to do next.
        (("demo",), ["demo: reading 1 words with 2 rules. Say something"]),
        (
            ("quiet", "demo=a", "demo=b,c"),
            [
                "quiet: reading quiet with 1 rule",
                "demo: reading 1 words with 2 rules",
                "demo-2: reading 2 words with 2 rules",
            ],
        ),
    ],
)
def test_each_source_has_a_start_line(sources: tuple[str, ...], lines: list[str], tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rule("A") + rule("B") + rule("Q", "quiet.word = x", source="quiet"))
    config = tmp_path / "c.yaml"
    config.touch()
    project = open_project(Request(config, sources=sources, rules=(str(file),)), list[str]().append)
    application = assemble(project, project.load_rules())
    assert start_lines(application) == lines


def test_a_source_without_rules_says_so(rules: str, capsys: Capture) -> None:
    assert falcocore("run", "--source", "quiet", "-r", rules) == 0
    assert log_lines(capsys.readouterr().err)[0] == "quiet: reading quiet with 0 rules"


@pytest.mark.parametrize("arguments", [[], ["-o", "priority=error"], ["-r", "pack:demo"]])
def test_a_run_without_a_source_is_wrong_usage(arguments: list[str], capsys: Capture) -> None:
    assert falcocore("run", *arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    first, second = output.err.splitlines()
    assert first == "falcocore run: no source is given"
    assert "use --source NAME or --source NAME=TARGET" in second
    assert "sources: demo, " in second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "dmo"], "there is no source 'dmo'\n  did you mean demo? installed: demo, "),
        (["--source", "demo="], "--source demo= names no target\n"),
        (["--source", "demo", "-c", "missing.yaml"], "configuration missing.yaml does not exist\n"),
        (["--source", "demo", "-r", "missing.yaml"], "rule file missing.yaml does not exist\n"),
        (["--source", "demo", "-r", ""], "rule file  does not exist\n"),
        (["--source", "demo", "-r", "pack:dmo"], "there is no rule pack 'dmo'\n  did you mean demo?"),
        (["--source", "demo", "-o", "priority=loud"], "priority: 'loud' is not a priority"),
        (["--source", "demo", "-o", "rules_files[]=missing.yaml"], "Warning: rules_files: missing.yaml does"),
        (["--source", "demo", "-o", "stdout_output.enabled=false"], "no output is enabled\n"),
        (["--source", "demo", "-o", "outputs.o.type=kafka"], "there is no output 'kafka'\n"),
        (["--source", "demo", "-o", "outputs.o.type=file"], "output o needs the option `filename`\n"),
        (["-o", "sources[]={name: demo, options: {limti: 1}}"], "source demo has no option `limti`\n"),
        (["-o", "sources[]={target: x}"], "sources[0].name is missing\n"),
    ],
)
def test_what_cannot_run_is_an_error_with_status_1(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert falcocore("run", *arguments) == 1
    output = capsys.readouterr()
    assert output.err.removeprefix("Error: ").startswith(message)
    assert "Traceback" not in output.err
    assert output.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "k8s_audit=missing.log"], "source k8s_audit: missing.log can't be read: "),
        (
            ["--source", "demo=a", "-o", "outputs.o={type: file, options: {filename: no/where}}"],
            "no/where can't be opened: ",
        ),
    ],
)
def test_what_cannot_be_opened_is_an_error_with_status_1(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert falcocore("run", *arguments) == 1
    output = capsys.readouterr()
    errors = [line for line in output.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert errors[0].startswith(f"Error: {message}")
    assert output.out == ""


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (rule("Bad", "demo.wrod = x"), "1 mistake"),
        (rule("Bad", "demo.wrod = x") + rule("Worse", "demo.word inn x"), "2 mistakes"),
        ("- rule: [\n", "1 mistake"),
    ],
)
def test_rules_with_mistakes_do_not_run(text: str, count: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("Good") + text)
    assert falcocore("run", "--source", "demo=a", "-r", str(file)) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines()[0] == f"Error: the rules have {count}:"
    assert f"{file}:" in output.err.splitlines()[1]


def test_notes_on_the_configuration_are_not_lost_when_it_cannot_be_used(capsys: Capture) -> None:
    override = "file_output={enabled: true, filenam: x}"
    assert falcocore("run", "--source", "demo", "-o", override) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"Warning: -o {override}: unknown key `file_output.filenam`: did you mean `file_output.filename`?",
        "Error: file_output.filename is missing",
        "  add `filename:`",
    ]


def test_what_is_odd_is_logged_and_the_run_goes_on(tmp_path: Path, capsys: Capture) -> None:
    unused = "".join(f"- macro: m{n}\n  condition: evt.num = 1\n" for n in (1, 2))
    file = tmp_path / "r.yaml"
    file.write_text(f"{rule('R')}{rule('X', 'a = b', source='unknown')}{unused}- list: l\n  items: []\n")
    arguments = ("-o", "jsn_output=1", "-o", "rules[].disable.rule=Q", "-o", "log_level=info")
    assert falcocore("run", "--source", "demo=a", "-r", str(file), *arguments) == 0
    said = [TIME.sub("", line) for line in capsys.readouterr().err.splitlines() if TIME.match(line)]
    assert said[0] == "Warning: -o jsn_output=1: unknown key `jsn_output`: did you mean `json_output`?"
    assert f"{file}:7:" in said[1]
    assert "source `unknown` is not installed: rule `X` is left out" in said[1]
    # Warnings that come in dozens are given by their number.
    assert said[2:] == [
        "2 macros are not used (`falcocore validate` shows more)",
        "1 list is not used (`falcocore validate` shows more)",
        "Warning: `rules` in the configuration: `disable {rule: Q}` fits no rule",
        "demo: reading 1 words with 1 rule",
        said[-1],
    ]


def test_the_log_level_decides_what_is_said(rules: str, capsys: Capture) -> None:
    arguments = ("-o", "log_level=error", "-o", "jsn_output=1")
    assert falcocore("run", "--source", "demo=a", "-r", rules, *arguments) == 0
    assert capsys.readouterr().err == ""
