"""`falcocore new`: what it writes works as it is, and what can't be written is refused."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.testing import receiver
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site
from tests.support.plugin_site import Site

Capture = pytest.CaptureFixture[str]
KINDS = ("source", "fields", "output")


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def python(*arguments: str, folder: Path) -> str:
    """Run Python in the folder; what it printed, where it succeeded."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def new(folder: Path, kind: str, name: str, *more: str) -> Path:
    """Write a plugin; its folder."""
    assert falcocore("new", kind, name, "--dir", str(folder), *more) == 0
    return folder / f"falcocore-{name}"


def install(site: Site, plugin: Path) -> None:
    """Put the distribution on the path, with what its pyproject.toml says."""
    project = tomllib.loads((plugin / "pyproject.toml").read_text("utf-8"))["project"]
    (module,) = plugin.glob("*.py")
    (site.folder / module.name).write_bytes(module.read_bytes())
    site.install(project["name"], project["entry-points"]["falcocore"], project["version"])


def readme_yaml(plugin: Path) -> str:
    """The YAML that the README shows."""
    return (plugin / "README.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_four_files_are_written_and_named(kind: str, tmp_path: Path, capsys: Capture) -> None:
    plugin = new(tmp_path / "a" / "b", kind, "my_tool")
    found = {str(path.relative_to(plugin)) for path in plugin.rglob("*") if path.is_file()}
    assert found == {"README.md", "pyproject.toml", "falcocore_my_tool.py", "tests/test_my_tool.py"}
    output = capsys.readouterr()
    assert {line for line in output.out.splitlines() if line.startswith("wrote")} == {
        f"wrote {plugin / name}" for name in found
    }
    next_steps = [
        f"pip install -e '{plugin}[test]'",
        f"python -m pytest {plugin}\n",
        "falcocore run --source ",
    ]
    assert [step for step in next_steps if step not in output.out] == []
    assert output.err == ""


def test_the_folder_is_made_here_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert falcocore("new", "output", "pager") == 0
    assert (tmp_path / "falcocore-pager" / "falcocore_pager.py").is_file()
    assert f"{Path('falcocore-pager', 'README.md')} says more" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_test_passes_and_ruff_has_nothing_to_say(kind: str, tmp_path: Path) -> None:
    plugin = new(tmp_path, kind, "pager")
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(plugin), folder=tmp_path)
    python("-m", "ruff", "check", "--isolated", "--extend-select", "B,I,UP", ".", folder=plugin)
    python("-m", "ruff", "format", "--isolated", "--check", ".", folder=plugin)


@pytest.mark.parametrize("kind", KINDS)
def test_the_module_is_short_and_imports_the_api_only(kind: str, tmp_path: Path) -> None:
    text = (new(tmp_path, kind, "pager") / "falcocore_pager.py").read_text("utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) < 30
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = [line for line in map(ast.unparse, imports) if "falcocore" in line]
    assert lines == ["from falcocore import api"]


# Words of the rule language are names as good as others.
@pytest.mark.parametrize("name", ["lines", "contains", "exists", "list", "v2_"])
def test_a_source_runs_with_the_rule_of_its_readme(
    name: str, tmp_path: Path, site: Site, capsys: Capture
) -> None:
    plugin = new(tmp_path, "source", name)
    install(site, plugin)
    rules, events = tmp_path / "rules.yaml", tmp_path / "events.txt"
    rules.write_text(readme_yaml(plugin), "utf-8")
    events.write_text("well\nan error\n", "utf-8")
    capsys.readouterr()
    assert falcocore("run", "--source", f"{name}={events}", "-r", str(rules)) == 0
    output = capsys.readouterr()
    assert output.out.endswith(": Warning A line speaks of an error (line=an error)\n")
    assert "2 events" in output.err


@pytest.mark.parametrize(("source", "more"), [("k8s_audit", []), ("demo", ["--for", "demo"])])
def test_fields_are_found_for_their_source(
    source: str, more: list[str], tmp_path: Path, site: Site, capsys: Capture
) -> None:
    plugin = new(tmp_path, "fields", "clock", *more)
    install(site, plugin)
    rules = tmp_path / "rules.yaml"
    rules.write_text(readme_yaml(plugin), "utf-8")
    capsys.readouterr()
    assert falcocore("list", "fields", source) == 0
    assert "clock.hour" in capsys.readouterr().out
    assert falcocore("validate", "--strict", str(rules)) == 0
    assert f"source: {source}\n" in rules.read_text("utf-8")


def test_an_output_gets_alerts_as_its_user_is_told(tmp_path: Path, site: Site, capsys: Capture) -> None:
    plugin = new(tmp_path, "output", "pager")
    assert "-o outputs.pager.options.url=URL\n" in capsys.readouterr().out
    install(site, plugin)
    config = tmp_path / "falcocore.yaml"
    run = ("run", "--source", "demo=a", "-r", "pack:demo", "-o", f"outbox.path={tmp_path}/state")
    with receiver() as server:
        option = f"outputs.pager.options.url={server.url}"
        assert falcocore(*run, "-o", option) == 0
        config.write_text(readme_yaml(plugin).replace("http://127.0.0.1:8000/", server.url), "utf-8")
        assert falcocore(*run, "-c", str(config)) == 0
    assert [len(json.loads(body)) for body in server.bodies] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["source", "My"], "'My' can't be the name of a plugin\n  it has small letters"),
        (["source", "my-logs"], "'my-logs' can't be"),
        (["output", "2go"], "'2go' can't be"),
        (["output", "_x"], "'_x' can't be"),
        (["fields", "größe"], "'größe' can't be"),
        (["fields", "a\n"], "'a\\n' can't be"),
        (["fields", ""], "'' can't be"),
        (["source", "in"], "'in' can't be"),
        (["source", "../x"], "'../x' can't be"),
        (["source", "demo"], "source 'demo' is installed already\n  choose another name\n"),
        (["output", "stdout"], "output 'stdout' is installed already"),
        (["source", "outputs"], "there is a module falcocore_outputs already"),
        (["source", "evt"], "there are fields evt.* of source evt already"),
        (["fields", "ka"], "there are fields ka.* of source k8s_audit already"),
        (["fields", "x", "--for", "k8s_adit"], "there is no source 'k8s_adit'\n  did you mean k8s_audit?"),
        (["source", "x", "--for", "demo"], "--for demo is of no use for a new source"),
    ],
)
def test_what_would_not_work_is_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: Capture
) -> None:
    assert falcocore("new", *arguments, "--dir", str(tmp_path / "made")) == 1
    output = capsys.readouterr()
    assert output.err.startswith(f"Error: {message}")
    assert output.out == ""
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("occupied", ["folder", "file"])
def test_nothing_is_overwritten(occupied: str, tmp_path: Path, capsys: Capture) -> None:
    plugin = tmp_path / "falcocore-pager"
    if occupied == "folder":
        plugin.mkdir()
    else:
        plugin.write_text("mine", "utf-8")
    assert falcocore("new", "output", "pager", "--dir", str(tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {plugin} is there already, and stays as it is\n  choose another name")
    assert list(plugin.iterdir()) == [] if plugin.is_dir() else plugin.read_text("utf-8") == "mine"


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("mine", "utf-8")
    assert falcocore("new", "output", "pager", "--dir", str(tmp_path / "file")) == 1
    assert capsys.readouterr().err.startswith(
        f"Error: {tmp_path / 'file' / 'falcocore-pager'} can't be made: Not a directory\n"
    )


def test_a_half_written_plugin_is_removed(tmp_path: Path, capsys: Capture) -> None:
    name = "a" * 243  # the folder's name is as long as can be, and the module's is too long
    assert falcocore("new", "output", name, "--dir", str(tmp_path)) == 1
    assert capsys.readouterr().err.endswith(
        " can't be written: File name too long\n  choose another --dir or name\n"
    )
    assert list(tmp_path.iterdir()) == []
