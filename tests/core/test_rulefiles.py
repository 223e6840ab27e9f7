"""Which rule files are read: those of `-r`, of `rules_files`, and the packs of the running sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.errors import ConfigError, PluginError
from falcocore.host import PluginHost
from falcocore.rulefiles import configured_files, default_files, named_files, read_files
from tests.support.plugin_site import open_site, pack_plugin

PACK_FILES = [Path("/rules/b.yaml"), Path("/rules/a.yaml")]


@pytest.fixture
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluginHost]:
    """A host with the packs `one` and `two`, whose files have the same names."""
    with open_site(tmp_path_factory.mktemp("site")) as site:
        points = {"rules.one": "pack_one", "rules.two": "pack_two"}
        site.install("packs", points, pack_one=pack_plugin("one"), pack_two=pack_plugin("two"))
        yield site.host()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: rule files, others, directories, and links."""
    for name in (
        "a.yaml",
        "b.yml",
        "rules.txt",
        "none/readme.txt",
        "d/2.yaml",
        "d/10.yml",
        "d/1.yaml",
        "d/x.YAML",
        "d/readme.md",
        "d/old.yaml~",
        "d/sub/3.yaml",
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    (tmp_path / "d" / "dir.yaml").mkdir()
    (tmp_path / "d" / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d" / "link.yaml").symlink_to(tmp_path / "rules.txt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


IN_D = [Path("d/1.yaml"), Path("d/10.yml"), Path("d/2.yaml"), Path("d/link.yaml")]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("names", "files"),
    [
        ([], []),
        (["a.yaml"], [Path("a.yaml")]),
        (["b.yml", "a.yaml"], [Path("b.yml"), Path("a.yaml")]),
        # A directory: its rule files, sorted, and nothing below it.
        (["d"], IN_D),
        (["d/"], IN_D),
        (["pack:one"], PACK_FILES),
        (["a.yaml", "pack:one", "d", "b.yml"], [Path("a.yaml"), *PACK_FILES, *IN_D, Path("b.yml")]),
        # One that is empty takes nothing from the others.
        (["none", "a.yaml"], [Path("a.yaml")]),
    ],
)
def test_named_files_are_found_in_the_order_of_the_names(
    names: list[str], files: list[Path], host: PluginHost
) -> None:
    assert named_files(names, host) == files
    notes: list[str] = []
    if names:
        assert configured_files(names, host, notes.append) == files
        assert notes == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("names", "message", "hint"),
    [
        (["missing.yaml"], "rule file missing.yaml does not exist", "or name a pack with pack:NAME"),
        (["a.yaml", "missing"], "rule file missing does not exist", "or name a pack with pack:NAME"),
        ([""], "rule file  does not exist", None),
        (["x" * 300], f"rule file {'x' * 300} does not exist", None),
        (["rules.txt"], "rules.txt is not named like a rule file", "ends in .yaml or .yml"),
        (["d/x.YAML"], "d/x.YAML is not named like a rule file", "ends in .yaml or .yml"),
        (["/dev/null"], "/dev/null is not named like a rule file", "ends in .yaml or .yml"),
        (["d/gone.yaml"], "rule file d/gone.yaml does not exist", None),
        (["none"], "there is no rule file in none", "ends in .yaml or .yml"),
        (["none", "none/"], "there is no rule file in none, none/", None),
    ],
)
def test_a_named_file_that_cannot_be_used_is_an_error(
    names: list[str], message: str, hint: str | None, host: PluginHost
) -> None:
    with pytest.raises(ConfigError) as caught:
        named_files(names, host)
    assert caught.value.message == message
    assert (hint or "") in str(caught.value.hint)


def test_a_pack_that_is_not_installed_is_named_with_those_that_are(host: PluginHost) -> None:
    for find in (named_files, lambda names, host: configured_files(names, host, list[str]().append)):
        with pytest.raises(PluginError) as caught:
            find(["pack:on"], host)
        assert str(caught.value) == "there is no rule pack 'on'\n  did you mean one? installed: one, two"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("names", "notes"),
    [
        (["missing.yaml", "a.yaml"], ["rules_files: missing.yaml does not exist and is left out"]),
        (["a.yaml", "missing.d"], ["rules_files: missing.d does not exist and is left out"]),
        (["a.yaml", ""], ["rules_files:  does not exist and is left out"]),
        (["a.yaml", "x" * 300], [f"rules_files: {'x' * 300} does not exist and is left out"]),
        (["rules.txt", "a.yaml"], ["rules_files: rules.txt does not end in .yaml or .yml and is left out"]),
        (["a.yaml", "none"], []),
    ],
)
def test_an_entry_of_the_configuration_that_is_missing_is_a_warning(
    names: list[str], notes: list[str], host: PluginHost
) -> None:
    said: list[str] = []
    assert configured_files(names, host, said.append) == [Path("a.yaml")]
    assert said == notes


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "rules_files names no rule file: it is empty"),
        (["none"], "rules_files names no rule file: none"),
        (["missing.yaml", "rules.txt"], "rules_files names no rule file: missing.yaml, rules.txt"),
    ],
)
def test_a_configuration_that_leads_to_no_rule_file_is_an_error(
    names: list[str], message: str, host: PluginHost
) -> None:
    with pytest.raises(ConfigError) as caught:
        configured_files(names, host, list[str]().append)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("sources", "files"),
    [
        ([], []),
        (["one"], PACK_FILES),
        (["other"], []),
        (["two", "other", "one", "two"], [*PACK_FILES, *PACK_FILES]),
    ],
)
def test_by_default_the_packs_of_the_running_sources_are_read(
    sources: list[str], files: list[Path], host: PluginHost
) -> None:
    assert default_files(sources, host) == files


def test_files_are_read_in_order_and_each_once(tmp_path: Path) -> None:
    first, second = tmp_path / "1.yaml", tmp_path / "2.yaml"
    first.write_text("- é\n", "utf-8")
    second.write_text("- x\n", "utf-8-sig")
    files = read_files([second, first, second, tmp_path / "." / "1.yaml"])
    assert [(file.name, file.text) for file in files] == [(str(second), "- x\n"), (str(first), "- é\n")]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"- a\xff\n")
    for path, reason in (
        (tmp_path / "missing.yaml", "can't be read: No such file or directory"),
        (tmp_path, "can't be read: Is a directory"),
        (broken, "is not UTF-8: byte 3 is 0xff"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_files([path])
        assert caught.value.message == f"rule file {path} {reason}"
