"""`falcocore init`: what it writes, what it keeps, and that what it wrote can be used as it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.config.keys import USED
from falcocore.config.loader import load_config
from falcocore.config.settings import read_settings
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site
from tests.support.plugin_site import Site, pack_plugin

Capture = pytest.CaptureFixture[str]
SYSCALL_FILES = ["syscall_incubating_rules.yaml", "syscall_rules.yaml"]
FILES = ["demo_rules.yaml", "falcocore.yaml", "k8s_audit_rules.yaml", *SYSCALL_FILES]
READ = ["demo_rules.yaml", "k8s_audit_rules.yaml", "syscall_rules.yaml"]
"""Those that the configuration names; the incubating rules are for those who ask for them."""


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_configuration_and_the_rules_of_the_packs_are_written(
    tmp_path: Path, site: Site, capsys: Capture
) -> None:
    folder = tmp_path / "new" / "folder"
    assert falcocore("init", str(folder)) == 0
    assert names(folder) == FILES
    assert (folder / "demo_rules.yaml").read_bytes() == (site.folder / "demo_rules.yaml").read_bytes()
    output = capsys.readouterr()
    assert output.err == ""
    assert {line for line in output.out.splitlines() if line.startswith("wrote")} == {
        f"wrote {folder / name}" for name in FILES
    }
    assert f"falcocore run -c {folder}/falcocore.yaml\n" in output.out


@pytest.mark.parametrize("folder", ["plain", "with blank: and #", 'quote"', "${HOME}", "ä"])
def test_what_was_written_runs_as_it_is(folder: str, tmp_path: Path, capsys: Capture) -> None:
    assert falcocore("init", str(tmp_path / folder)) == 0
    config = str(tmp_path / folder / "falcocore.yaml")
    rules = tmp_path / folder / "demo_rules.yaml"
    rules.write_text(rules.read_text("utf-8").replace("output: w", "output: edited"), "utf-8")
    capsys.readouterr()
    assert falcocore("run", "-c", config, "--source", "demo=hello") == 0
    output = capsys.readouterr()
    assert output.out.endswith(": Warning edited\n")
    assert "Warning: " not in output.err
    assert falcocore("validate", "--strict", "-c", config, str(rules)) == 0
    assert capsys.readouterr().err == ""


def test_without_arguments_the_configuration_runs_the_sources_that_have_rules(tmp_path: Path) -> None:
    assert falcocore("init", str(tmp_path)) == 0
    settings = read_settings(load_config(tmp_path / "falcocore.yaml", [], pytest.fail), pytest.fail)
    assert [source.name for source in settings.sources] == ["demo", "k8s_audit"]
    assert [output.type for output in settings.outputs] == ["stdout"]
    assert settings.rules_files == tuple(str(tmp_path / name) for name in READ)
    text = (tmp_path / "falcocore.yaml").read_text("utf-8")
    assert f'#  - "{tmp_path}/syscall_incubating_rules.yaml"\n' in text


def test_a_relative_folder_is_found_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    assert falcocore("init", "conf") == 0
    monkeypatch.chdir(tmp_path / "elsewhere")
    capsys.readouterr()
    assert falcocore("run", "-c", "../conf/falcocore.yaml", "--source", "demo=hello") == 0
    assert capsys.readouterr().out.endswith(": Warning w\n")


LEGACY = {"rules_file", "plugins", "load_plugins", "webserver"}
"""Keys that are read for the sake of a falco.yaml, and have a better way to say the same."""


def test_every_commented_line_is_one_to_use(tmp_path: Path) -> None:
    """Without the `#` of the lines to use, each key is there, known and of the right type."""
    assert falcocore("init", str(tmp_path)) == 0
    whole = tmp_path / "whole.yaml"
    text = re.sub(
        r"^#(?! |$)|^#(?=  )", "", (tmp_path / "falcocore.yaml").read_text("utf-8"), flags=re.MULTILINE
    )
    whole.write_text(text, "utf-8")
    config = load_config(whole, [], pytest.fail)
    assert set(config) == set(USED) - LEGACY
    settings = read_settings(config, pytest.fail)
    options = {source.name: dict(source.options) for source in settings.sources}
    assert options["demo"] == {"separator": ",", "limit": "99"}
    assert options["quiet"] == {}
    assert '#      separator: ","  # between words\n' in (tmp_path / "falcocore.yaml").read_text("utf-8")
    assert {output.name: output.type for output in settings.outputs} == {
        "stdout_output": "stdout",
        "my_file": "file",
        "my_http": "http",
        "my_program": "program",
        "my_stdout": "stdout",
        "my_syslog": "syslog",
    }


def test_nothing_is_overwritten(tmp_path: Path, capsys: Capture) -> None:
    for name in FILES:
        (tmp_path / name).write_text(f"mine: {name}", "utf-8")
    assert falcocore("init", str(tmp_path)) == 0
    assert {name: (tmp_path / name).read_text("utf-8") for name in names(tmp_path)} == {
        name: f"mine: {name}" for name in FILES
    }
    out = capsys.readouterr().out
    assert "wrote" not in out
    assert all(f"kept  {tmp_path / name}: it is there already" in out for name in FILES)


def test_what_is_missing_is_written_beside_what_is_there(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "falcocore.yaml").write_text("", "utf-8")
    assert falcocore("init", str(tmp_path)) == 0
    assert names(tmp_path) == FILES
    assert (tmp_path / "falcocore.yaml").read_text("utf-8") == ""
    rules = tmp_path / "demo_rules.yaml"
    hint = f"name {rules} under `rules_files` in {tmp_path}/falcocore.yaml to have it read"
    assert hint in capsys.readouterr().out


def test_files_of_the_same_name_in_two_packs_are_both_written(tmp_path: Path, site: Site) -> None:
    other = site.folder / "other"
    other.mkdir()
    (other / "demo_rules.yaml").write_text("- list: other\n  items: []\n", "utf-8")
    module = pack_plugin("other").replace(
        "'/rules/b.yaml'), Path('/rules/a.yaml'", f"{str(other / 'demo_rules.yaml')!r}"
    )
    site.install("other", {"rules.other": "other_pack"}, other_pack=module)
    assert falcocore("init", str(tmp_path)) == 0
    assert names(tmp_path) == sorted([*FILES, "other_demo_rules.yaml"])
    assert "list: other" in (tmp_path / "other_demo_rules.yaml").read_text("utf-8")


@pytest.mark.parametrize(("user_id", "chosen"), [(0, "machine"), (1000, "user/falcocore")])
def test_without_a_folder_root_writes_for_the_machine_and_others_for_themselves(
    user_id: int, chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    places = {"machine": tmp_path / "machine", "user": tmp_path / "user"}
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: user_id)
        assert falcocore("init", **places) == 0
    assert names(tmp_path / chosen) == FILES
    assert "run: falcocore run\n" in capsys.readouterr().out, "it is found without -c"
    assert falcocore("run", "--source", "demo=hello", **places) == 0
    output = capsys.readouterr()
    assert output.out.endswith(": Warning w\n")
    assert falcocore("list", "rules", **places) == 0
    assert "From the pack\t" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    for folder, message in (
        ("file", "file is no folder"),
        ("file/below", "falcocore.yaml can't be written: "),
    ):
        assert falcocore("init", str(tmp_path / folder)) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert message in output.err
        assert "falcocore init DIR" in output.err


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("raise KeyError", "plugin rules.broken of broken 1.0 can't be imported"),
        (pack_plugin("broken"), "rule pack broken: /rules/b.yaml can't be read: No such file or directory"),
    ],
)
def test_a_broken_plugin_leaves_nothing_half_done(
    module: str, message: str, tmp_path: Path, site: Site, capsys: Capture
) -> None:
    site.install("broken", {"rules.broken": "broken_pack"}, broken_pack=module)
    assert falcocore("init", str(tmp_path / "new")) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
