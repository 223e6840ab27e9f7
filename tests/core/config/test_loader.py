"""The merged configuration: which files are read, in which order, and what wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcocore.config import loader
from falcocore.config.loader import load_config
from falcocore.errors import ConfigError


class Files:
    """Configuration files in a folder; `{}` in a text or override stands for the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []

    def write(self, **texts: str) -> None:
        for name, text in texts.items():
            (self.folder / name).write_text(text.replace("{}", str(self.folder)), "utf-8")

    def load(self, *overrides: str, main: str | None = "main", **environment: str) -> dict[str, Any]:
        path = self.folder / main if main else None
        given = [text.replace("{}", str(self.folder)) for text in overrides]
        config = load_config(path, given, self.notes.append, environment)
        config.pop("config_files", None)
        return config


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    monkeypatch.setattr(loader, "DEFAULT_FILE", tmp_path / "default")
    return Files(tmp_path)


MAIN = "rules_files: [m1, m2]\nfile_output: {enabled: true, filename: m}\npriority: error\nplugins: []\n"
OTHER = "rules_files: [o]\nfile_output: {enabled: false}\nrule_matching: all\nplugins: o\n"


@pytest.mark.parametrize(
    ("entry", "config"),
    [
        # Lists are put together; everything else is replaced whole, maps too.
        (
            "'{}/other'",
            {
                "rules_files": ["m1", "m2", "o"],
                "file_output": {"enabled": "false"},
                "priority": "error",
                "plugins": "o",
                "rule_matching": "all",
            },
        ),
        (
            "{path: '{}/other', strategy: override}",
            {
                "rules_files": ["o"],
                "file_output": {"enabled": "false"},
                "priority": "error",
                "plugins": "o",
                "rule_matching": "all",
            },
        ),
        (
            "{path: '{}/other', strategy: add-only}",
            {
                "rules_files": ["m1", "m2"],
                "file_output": {"enabled": "true", "filename": "m"},
                "priority": "error",
                "plugins": [],
                "rule_matching": "all",
            },
        ),
    ],
)
def test_an_included_file_is_merged_by_its_strategy(files: Files, entry: str, config: dict[str, Any]) -> None:
    files.write(main=f"{MAIN}config_files: [{entry}]\n", other=OTHER)
    assert files.load() == config
    assert files.notes == []


@pytest.mark.parametrize("strategy", ["append", "", "~"])
def test_append_is_the_strategy_where_none_is_named(files: Files, strategy: str) -> None:
    entry = f"{{path: '{{}}/other', strategy: {strategy}}}"
    files.write(main=f"rules_files: [m]\nconfig_files: [{entry}]\n", other="rules_files: [o]\n")
    assert files.load() == {"rules_files": ["m", "o"]}


def test_included_files_are_merged_in_order(files: Files) -> None:
    files.write(
        main="config_files: ['{}/a', '{}/b', {path: '{}/c', strategy: add-only}]\nrules_files: [m]",
        a="rules_files: [a]\npriority: debug",
        b="rules_files: [b]\npriority: error",
        c="rules_files: [c]\npriority: alert\nrule_matching: all",
    )
    assert files.load() == {"rules_files": ["m", "a", "b"], "priority": "error", "rule_matching": "all"}


def test_of_a_directory_every_plain_file_is_read_sorted_and_none_below(files: Files) -> None:
    for name in ("b.yaml", "a.conf", "c", "sub/d.yaml"):
        file = files.folder / "d" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"rules_files: [{name}]\n")
    files.write(main="config_files: '{}/d'\n")
    assert files.load() == {"rules_files": ["a.conf", "b.yaml", "c"]}


@pytest.mark.parametrize("entry", ["'{}/other'", "{path: '{}/other'}"])
@pytest.mark.parametrize("form", ["config_files: %s\n", "config_files: [%s]\n"])
def test_a_single_entry_needs_no_list(files: Files, form: str, entry: str) -> None:
    files.write(main=form % entry, other="priority: error\n")
    assert files.load() == {"priority": "error"}


@pytest.mark.parametrize(
    "missing", ["'{}/none'", "{path: '{}/none', strategy: override}", "''", f"'{'x' * 300}'"]
)
def test_an_included_file_that_is_missing_is_skipped(files: Files, missing: str) -> None:
    files.write(main=f"config_files: [{missing}, '{{}}/other']\n", other="priority: error\n")
    assert files.load() == {"priority": "error"}
    assert files.notes == []


@pytest.mark.parametrize(
    ("main", "message"),
    [
        ("config_files: ['{}/main']", "config_files: {}/main includes itself"),
        ("config_files: ['{}/../{name}/main']", "config_files: {}/../{name}/main includes itself"),
        ("config_files: ['{}/nested']", "{}/nested: an included file can't include others (config_files)"),
        ("config_files: [{path: '{}/x', strategy: merge}]", "config_files: `merge` is no strategy"),
        ("config_files: [{strategy: append}]", "an entry of config_files is a path, or {path: ..."),
        ("config_files: [[x]]", "an entry of config_files is a path, or {path: ..."),
        ("config_files: ['{}/rules']", "{}/rules holds no configuration"),
        ("config_files: ['{}/broken']", "{}/broken:1:4: this is not YAML"),
    ],
)
def test_an_include_that_cannot_be_used_is_refused(files: Files, main: str, message: str) -> None:
    name = files.folder.name
    files.write(main=main.replace("{name}", name))
    files.write(nested="config_files: []", rules="- rule: x", broken="a: ]")
    with pytest.raises(ConfigError) as caught:
        files.load()
    assert str(caught.value).startswith(message.replace("{name}", name).replace("{}", str(files.folder)))


def test_a_directory_with_the_main_file_in_it_is_refused(files: Files) -> None:
    files.write(main="config_files: ['{}']")
    with pytest.raises(ConfigError, match="main includes itself"):
        files.load()


def test_variables_are_put_in_everywhere_but_in_overrides(files: Files) -> None:
    files.write(
        main="config_files: ['{}/${NAME}']\npriority: ${LEVEL}\n",
        other="rules_files: ['${LEVEL}', '${MISSING}']\n",
    )
    assert files.load("rule_matching=${LEVEL}", NAME="other", LEVEL="error") == {
        "priority": "error",
        "rules_files": ["error", ""],
        "rule_matching": "${LEVEL}",
    }


def test_overrides_come_last_and_in_order(files: Files) -> None:
    files.write(main="config_files: ['{}/other']\npriority: debug\n")
    files.write(other="priority: error\nrules_files: [o]\n")
    config = files.load("priority=alert", "rules_files[]=x", "priority=notice", "rules_files[0]=y")
    assert config == {"priority": "notice", "rules_files": ["y", "x"]}


@pytest.mark.parametrize(
    ("overrides", "priority"),
    [
        (["config_files={}/b"], "b"),
        (["config_files[]={}/b"], "b"),
        (["config_files[0]={}/b"], "b"),
        (["config_files[].path={}/b"], "b"),
        (["config_files[]={path: '{}/b', strategy: add-only}"], "a"),
        (["config_files[1].path={}/b", "config_files[1].strategy=add-only"], "a"),
        # They are looked at before everything else, wherever they stand.
        (["priority=x", "config_files[]={}/b"], "x"),
    ],
)
def test_overrides_of_config_files_decide_what_is_included(
    files: Files, overrides: list[str], priority: str
) -> None:
    files.write(main="config_files: ['{}/a']\n", a="priority: a\n", b="priority: b\n")
    assert files.load(*overrides) == {"priority": priority}


def test_a_key_that_only_begins_like_config_files_is_none(files: Files) -> None:
    files.write(main="")
    assert files.load("config_filesx=y") == {"config_filesx": "y"}
    assert files.notes == ["-o config_filesx=y: unknown key `config_filesx`: did you mean `config_files`?"]


@pytest.mark.parametrize(
    ("override", "key", "near"),
    [
        ("jsn_output=true", "jsn_output", "json_output"),
        ("file_output.enabeld=true", "file_output.enabeld", "file_output.enabled"),
        ("file_output={filenam: x}", "file_output.filenam", "file_output.filename"),
        ("rules[].disable.tags=x", "rules[].disable.tags", "rules[].disable.tag"),
        ("sources[]={name: x, tagret: y}", "sources[].tagret", "sources[].target"),
    ],
)
def test_overrides_of_unknown_keys_are_warned_of(files: Files, override: str, key: str, near: str) -> None:
    files.load(override, main=None)
    assert files.notes == [f"-o {override}: unknown key `{key}`: did you mean `{near}`?"]


def test_unknown_keys_of_included_files_are_named_with_their_file(files: Files) -> None:
    files.write(main="config_files: ['{}/other']\n", other="priority: debug\njsn_output: true\n")
    files.load()
    place = f"{files.folder}/other:2:1"
    assert files.notes == [f"{place}: unknown key `jsn_output`: did you mean `json_output`?"]


def test_no_file_is_needed(files: Files) -> None:
    assert files.load("priority=error", main=None) == {"priority": "error"}


def test_the_default_file_is_read_where_it_is_there_and_no_other_is_named(files: Files) -> None:
    files.write(default="priority: error\n", main="priority: alert\n")
    assert files.load(main=None) == {"priority": "error"}
    assert files.load(main="main") == {"priority": "alert"}


@pytest.mark.parametrize("name", ["none", "x" * 300])
def test_a_file_that_was_named_has_to_be_there(files: Files, name: str) -> None:
    files.write(default="priority: error\n")
    with pytest.raises(ConfigError) as caught:
        files.load(main=name)
    assert caught.value.message == f"configuration {files.folder / name} does not exist"
    assert caught.value.hint == "check the path given with -c"


def test_includes_work_without_a_main_file(files: Files) -> None:
    files.write(other="priority: error\n")
    assert files.load("config_files[]={}/other", main=None) == {"priority": "error"}


@pytest.mark.parametrize(
    ("there", "environment", "read"),
    [
        ({"xdg", "home", "machine"}, {"XDG_CONFIG_HOME": "{}/xdg", "HOME": "{}/home"}, "xdg"),
        # Where the variable is set, the home's folder is no place to look at.
        ({"home", "machine"}, {"XDG_CONFIG_HOME": "{}/xdg", "HOME": "{}/home"}, "machine"),
        ({"home", "machine"}, {"HOME": "{}/home"}, "home"),
        ({"home"}, {"XDG_CONFIG_HOME": "xdg", "HOME": "{}/home"}, "home"),
        ({"home"}, {"XDG_CONFIG_HOME": "", "HOME": "{}/home"}, "home"),
        ({"machine"}, {"HOME": "home"}, "machine"),
        ({"machine"}, {}, "machine"),
        (set(), {"HOME": "{}/home"}, None),
    ],
)
def test_without_c_the_users_configuration_comes_before_the_machines(
    there: set[str],
    environment: dict[str, str],
    read: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = {
        "xdg": tmp_path / "xdg" / "falcocore" / "falcocore.yaml",
        "home": tmp_path / "home" / ".config" / "falcocore" / "falcocore.yaml",
        "machine": tmp_path / "etc" / "falcocore.yaml",
    }
    for name in there:
        places[name].parent.mkdir(parents=True)
        places[name].write_text(f"priority: {name}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loader, "DEFAULT_FILE", places["machine"])
    given = {key: value.format(tmp_path) for key, value in environment.items()}
    assert load_config(None, [], pytest.fail, given).get("priority") == read
