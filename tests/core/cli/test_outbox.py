"""`falcocore outbox` where no process runs; where one does, see tests/e2e/test_control.py."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from falcocore.state import StateDirectory
from tests.support.command_line import falcocore
from tests.support.control_service import serving
from tests.support.kept_alerts import keep, samples

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def state(state_directory: Path) -> StateDirectory:
    """Three alerts for web and pager; web has refused the second, an output that is gone the third."""
    state = StateDirectory(state_directory)
    keep(state.outbox, *samples(3), outputs=("web", "pager", "gone"), dead={"gone": {3: "gone"}})
    keep(state.outbox, outputs=("web", "pager"), dead={"web": {2: "answered\n400"}})
    return state


@pytest.fixture(autouse=True)
def _nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


def rows(capsys: Capture, *arguments: str) -> list[list[str]]:
    assert falcocore("outbox", "list", *arguments) == 0
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()]


def left(capsys: Capture) -> list[str]:
    return [f"{row[1]} {row[0]}" for row in rows(capsys)]


EVERYTHING = ["web 1", "web 3", "web d2", "pager 1", "pager 2", "pager 3", "gone d1"]


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        ([], EVERYTHING, ""),
        (["--output", "web"], ["web 1", "web 3", "web d2"], ""),
        (["--dead"], ["web d2", "gone d1"], ""),
        (["--dead", "--output", "gone"], ["gone d1"], ""),
        (
            ["--limit", "1"],
            ["web 1", "web d2", "pager 1", "gone d1"],
            "3 more are waiting; --limit shows more of each output\n",
        ),
    ],
)
def test_list(arguments: list[str], expected: list[str], said: str, capsys: Capture) -> None:
    assert falcocore("outbox", "list", *arguments) == 0
    output = capsys.readouterr()
    found = [line.split("\t") for line in output.out.splitlines()]
    assert [f"{row[1]} {row[0]}" for row in found] == expected
    assert output.err == said


@pytest.mark.usefixtures("state")
def test_row_tells_rule_priority_and_reason(capsys: Capture) -> None:
    waiting, _, dead = rows(capsys, "--output", "web")
    assert [*waiting[:3], *waiting[4:]] == ["1", "web", "waiting", "Warning", "Rule 1", "", ""]
    assert [*dead[:3], *dead[4:6], dead[7]] == ["d2", "web", "dead", "Warning", "Rule 2", "answered 400"]


@pytest.mark.usefixtures("state")
def test_list_as_json(capsys: Capture) -> None:
    assert falcocore("outbox", "list", "--dead", "--output", "web", "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["refused_s"] >= row["accepted_s"]
    del row["refused_s"], row["accepted_s"]
    assert row == {
        "id": "d2",
        "output": "web",
        "state": "dead",
        "alert_id": samples(2)[1].id,
        "rule": "Rule 2",
        "priority": "Warning",
        "reason": "answered\n400",
    }


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("letter", "outputs", "rule", "reason"),
    [("1", ["web", "pager"], "Rule 1", None), ("d2", ["web"], "Rule 2", "answered\n400")],
)
def test_show(letter: str, outputs: list[str], rule: str, reason: str | None, capsys: Capture) -> None:
    assert falcocore("outbox", "show", letter) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["outputs"], shown["reason"]) == (letter, outputs, reason)
    assert (shown["alert"]["rule"], shown["alert"]["priority"]) == (rule, "Warning")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "status", "out", "err", "after"),
    [
        (
            [],
            1,
            "output web: 1 dead letter put back into the queue\n",
            "left as they are: 1 dead letter of output gone, which is not configured\n",
            ["web 1", "web 3", "web 4", *EVERYTHING[3:]],
        ),
        (
            ["--output", "web"],
            0,
            "output web: 1 dead letter put back into the queue\n",
            "",
            ["web 1", "web 3", "web 4", *EVERYTHING[3:]],
        ),
        (["d9", "1"], 1, "", "2 ids name no dead letter\n", EVERYTHING),
        (["--output", "pager"], 0, "", "", EVERYTHING),
    ],
)
def test_retry(
    arguments: list[str], status: int, out: str, err: str, after: list[str], capsys: Capture
) -> None:
    assert falcocore("outbox", "retry", *arguments) == status
    output = capsys.readouterr()
    assert output.out == out + "no falcocore is running; what waits is delivered when it starts\n"
    assert output.err == err
    assert left(capsys) == after


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "status", "out", "after"),
    [
        (["--all"], 0, "5 waiting alerts and 2 dead letters removed\n", []),
        (["--dead"], 0, "0 waiting alerts and 2 dead letters removed\n", [*EVERYTHING[:2], *EVERYTHING[3:6]]),
        (
            ["--output", "pager"],
            0,
            "3 waiting alerts and 0 dead letters removed\n",
            [*EVERYTHING[:3], "gone d1"],
        ),
        (
            ["3", "d2"],
            0,
            "2 waiting alerts and 1 dead letter removed\n",
            ["web 1", *EVERYTHING[3:5], "gone d1"],
        ),
        (["77"], 1, "0 waiting alerts and 0 dead letters removed\n", EVERYTHING),
    ],
)
def test_purge(arguments: list[str], status: int, out: str, after: list[str], capsys: Capture) -> None:
    assert falcocore("outbox", "purge", *arguments, "--yes") == status
    assert capsys.readouterr().out == out
    assert left(capsys) == after


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "falcocore outbox purge: say what is to be removed: ids, --output NAME, --dead, or --all\n"),
        (["1", "--all"], 2, "falcocore outbox purge: ids and --all are given: which is meant?\n"),
        (
            ["--all"],
            1,
            "Error: 5 waiting alerts and 2 dead letters would be removed for good\n  say --yes to do so\n",
        ),
        (["--all", "--yes", "--output", "pgr"], 1, "Error: the outbox knows no output 'pgr'\n  did you mean"),
        (["one", "--yes"], 1, "Error: 'one' is no id: one is a number, or d and a number"),
    ],
)
def test_nothing_is_purged_by_mistake(
    arguments: list[str], status: int, message: str, capsys: Capture
) -> None:
    assert falcocore("outbox", "purge", *arguments) == status
    assert capsys.readouterr().err.startswith(message)
    assert left(capsys) == EVERYTHING


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("answer", "status", "after"),
    [
        (b"y\n", 0, []),
        (b"YES\n", 0, []),
        (b"\n", 1, EVERYTHING),
        (b"n\n", 1, EVERYTHING),
        (b"\x04", 1, EVERYTHING),
    ],
)
def test_purge_asks_on_a_terminal(answer: bytes, status: int, after: list[str], capsys: Capture) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "falcocore", "outbox", "purge", "--all"],
        stdin=slave,
        stdout=subprocess.PIPE,
        env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"Remove"
        os.write(master, answer)
        said = process.stdout.read().decode()
        assert process.wait() == status
    os.close(master)
    os.close(slave)
    assert said.startswith(" 5 waiting alerts and 2 dead letters for good? [y/N]")
    assert left(capsys) == after


@pytest.mark.parametrize(
    "command", [["list"], ["show", "1"], ["retry"], ["purge", "--all"], ["purge", "1", "--yes"]]
)
def test_missing_outbox_is_told_and_not_made(
    command: list[str], state_directory: Path, capsys: Capture
) -> None:
    assert falcocore("outbox", *command) == 1
    assert capsys.readouterr().err == (
        f"Error: there is no outbox in {state_directory}\n"
        "  name its directory with -o outbox.path=DIR, or the configuration with -c\n"
    )
    assert not state_directory.exists()


def test_directory_is_owned_meanwhile_and_free_afterwards(state: StateDirectory, capsys: Capture) -> None:
    assert falcocore("outbox", "list") == 0
    assert sorted(path.name for path in state.path.iterdir()) == ["outbox.db"]
    state.own()  # As a process does that has no socket.
    capsys.readouterr()
    assert falcocore("outbox", "list") == 1
    assert capsys.readouterr().err.startswith(f"Error: the state directory {state.path} is used by another")
    state.release()


def test_process_of_another_version_is_told(state: StateDirectory, capsys: Capture) -> None:
    with serving(state.path, {"outbox.list": lambda _arguments: {"letters": 1}}):
        assert falcocore("outbox", "list") == 1
    assert capsys.readouterr().err.startswith(
        "Error: the answer of the running process is not understood: Expected `array`, got `int`"
    )
