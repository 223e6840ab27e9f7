"""`falcocore` itself: help, versions, unknown words, and what becomes of errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore import __version__
from falcocore.cli.main import BUILT_IN
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site
from tests.support.plugin_site import Site

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with demo_site(tmp_path) as site:
        yield site


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [],
            ["usage: falcocore", *BUILT_IN, "--version"],
        ),
        (
            ["--help"],
            ["usage: falcocore", *BUILT_IN, "--version"],
        ),
        (["-h"], ["usage: falcocore"]),
        (["run", "--help"], ["usage: falcocore run", "--source", "-r", "-c", "-o", "pack:NAME"]),
        (["validate", "-h"], ["usage: falcocore validate", "FILE", "--strict", "-o"]),
        (["run", "-h"], ["$XDG_CONFIG_HOME/falcocore/falcocore.yaml", "/etc/falcocore/falcocore.yaml"]),
        (["describe", "-h"], ["usage: falcocore describe", "RULE", "--format", "-r", "-c", "-o"]),
        (["init", "-h"], ["usage: falcocore init", "DIR", "/etc/falcocore"]),
        (["new", "-h"], ["usage: falcocore new", "source,fields,output", "NAME", "--dir", "--for"]),
        (["schema", "-h"], ["usage: falcocore schema", "config"]),
        (["list", "-h"], ["usage: falcocore list", "sources", "rules", "--format"]),
        (["status", "-h"], ["usage: falcocore status", "--format", "-c", "-o"]),
        (["outbox", "-h"], ["usage: falcocore outbox", "list", "show", "retry", "purge"]),
        (["outbox", "list", "-h"], ["--output", "--dead", "--limit", "--format", "-c", "-o"]),
        (["outbox", "purge", "-h"], ["ID", "--all", "--dead", "--output", "--yes", "-c", "-o"]),
        (["output", "test", "-h"], ["usage: falcocore output test", "NAME", "-c", "-o"]),
    ],
)
def test_help_is_printed(arguments: list[str], words: list[str], capsys: Capture) -> None:
    assert falcocore(*arguments) == 0
    output = capsys.readouterr()
    assert [word for word in words if word not in output.out] == []
    assert output.err == ""


def test_the_version_is_printed(capsys: Capture) -> None:
    assert falcocore("--version") == 0
    assert capsys.readouterr().out == f"falcocore {__version__}\n"


COMMANDS = (
    "commands are run, validate, test, explain, profile, list, describe, init, new, schema, status, outbox, "
    "output, doctor, demo-say"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], f"there is no command 'rnu': did you mean run? {COMMANDS}"),
        (["qqqq"], f"there is no command 'qqqq': {COMMANDS}"),
        (["demo-sya"], "there is no command 'demo-sya': did you mean demo-say? commands are"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["run", "--sorce", "x"], "unrecognized arguments: --sorce x"),
        (["run", "events.json"], "unrecognized arguments: events.json"),
        (["run", "-c"], "argument -c: expected one argument"),
        (["validate"], "the following arguments are required: FILE"),
        (["list"], "the following arguments are required: what"),
        (["new", "source"], "the following arguments are required: NAME"),
        (["new", "rules", "x"], "invalid choice: 'rules'"),
        (["schema"], "the following arguments are required: what"),
        (["schema", "alerts"], "invalid choice: 'alerts'"),
        (["describe", "a", "b"], "unrecognized arguments: b"),
        (["list", "everything"], "invalid choice: 'everything'"),
        (["list", "fields", "--format", "xml"], "invalid choice: 'xml'"),
        (["outbox"], "the following arguments are required: COMMAND"),
        (["outbox", "show"], "the following arguments are required: ID"),
        (["outbox", "list", "--limit", "many"], "argument --limit: invalid int value: 'many'"),
        (["output"], "the following arguments are required: COMMAND"),
    ],
)
@pytest.mark.usefixtures("site")
def test_wrong_usage_gives_2_and_says_what_is_wrong(
    arguments: list[str], message: str, capsys: Capture
) -> None:
    assert falcocore(*arguments) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert "usage: falcocore" in output.err
    assert output.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "missing.yaml"],
        ["validate", "missing.yaml", "-c", "missing.yaml"],
        ["list", "rules", "-r", "missing.yaml"],
        ["list", "rules", "--source", "missing"],
        ["list", "fields", "missing"],
        ["--list", "missing"],
        ["run", "--source", "missing"],
        ["run", "--source", "k8s_audit", "-o", "priority=loud"],
    ],
)
def test_an_error_gives_1_and_one_message_without_a_traceback(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert falcocore(*arguments) == 1
    output = capsys.readouterr()
    assert output.err.startswith("Error: ")
    assert "Traceback" not in output.err
    assert output.out == ""


def test_the_hint_stands_on_a_line_of_its_own(capsys: Capture) -> None:
    assert falcocore("validate", "missing.yaml") == 1
    assert capsys.readouterr().err == (
        "Error: rule file missing.yaml does not exist\n  check the path, or name a pack with pack:NAME\n"
    )


@pytest.mark.usefixtures("site")
def test_a_command_of_a_plugin_gets_its_arguments_and_gives_its_status(capsys: Capture) -> None:
    assert falcocore("demo-say", "a", "b", "--status", "7") == 7
    assert capsys.readouterr().out == "said a b\n"
    assert falcocore("demo-say", "--help") == 0
    assert capsys.readouterr().out.startswith("usage: falcocore demo-say ")
    assert falcocore("demo-say", "--bogus") == 2


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        ("message", 1, ["Error: it is broken\n  mend it\n"]),
        ("surprise", 1, ["Traceback", "RuntimeError: surprise", "Error: this is a defect"]),
        ("interrupt", 128 + signal.SIGINT, []),
    ],
)
@pytest.mark.usefixtures("site")
def test_exceptions_become_messages_and_statuses(
    failure: str, status: int, words: list[str], capsys: Capture
) -> None:
    assert falcocore("demo-say", "--fail", failure) == status
    error = capsys.readouterr().err
    assert [word for word in words if word not in error] == []
    assert bool(error) is bool(words)


@pytest.mark.parametrize("arguments", [["list", "fields"], ["list", "sources"], ["--help"], ["--version"]])
def test_a_reader_that_has_gone_ends_the_command_quietly(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "falcocore", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_python_runs_the_package() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "falcocore", "validate", "missing.yaml"], capture_output=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Error: rule file missing.yaml does not exist\n")
