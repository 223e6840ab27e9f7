"""The wiring: what is requested and configured becomes sources, rules, outputs and an engine that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.app import Project, Request, Tables, assemble, open_project
from falcocore.config import loader
from falcocore.config.settings import SourceSettings
from falcocore.errors import ConfigError, FalcocoreError, PluginError
from tests.support.demo_distribution import demo_site, rule
from tests.support.plugin_site import Site


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.setattr(loader, "DEFAULT_FILE", folder / "none")
    with demo_site(folder) as site:
        yield site


class Opener:
    """Opens projects with a configuration file in a folder, and keeps what was warned of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)

    def open(self, config: str = "", **request: Any) -> Project:
        file = Path(self.write("falco.yaml", config))
        return open_project(Request(file, **request), self.notes.append, {"FALCO_HOSTNAME": "here"})


@pytest.fixture
def opener(tmp_path: Path) -> Opener:
    return Opener(tmp_path)


CONFIGURED = """
sources:
- {name: demo, target: a, options: {limit: 1}, restart: true}
- {name: demo, instance: b}
"""
FIRST = SourceSettings("demo", "demo", "a", {"limit": "1"}, True)


@pytest.mark.parametrize(
    ("requested", "sources"),
    [
        ((), [FIRST, SourceSettings("demo", "b")]),
        # The command line decides which run, with what the configuration has for them.
        (("demo",), [FIRST]),
        (("demo=x",), [SourceSettings("demo", "demo", "x", {"limit": "1"}, True)]),
        (("demo=x=y",), [SourceSettings("demo", "demo", "x=y", {"limit": "1"}, True)]),
        (("quiet",), [SourceSettings("quiet", "quiet")]),
        (
            ("quiet", "demo=x", "demo=y"),
            [
                SourceSettings("quiet", "quiet"),
                SourceSettings("demo", "demo", "x", {"limit": "1"}, True),
                SourceSettings("demo", "demo-2", "y", {"limit": "1"}, True),
            ],
        ),
    ],
)
def test_which_sources_run(opener: Opener, requested: tuple[str, ...], sources: list[SourceSettings]) -> None:
    assert list(opener.open(CONFIGURED, sources=requested).sources) == sources
    assert opener.notes == []


@pytest.mark.parametrize(
    ("config", "request_", "error", "message"),
    [
        (
            "",
            {"sources": ("dmo",)},
            PluginError,
            "there is no source 'dmo'\n  did you mean demo? installed: demo, ",
        ),
        (
            "sources: [{name: nope}]",
            {},
            PluginError,
            "there is no source 'nope'\n  installed: demo, ",
        ),
        (
            "",
            {"sources": ("demo=",)},
            ConfigError,
            "--source demo= names no target\n  write --source demo to run it live, or name what it reads",
        ),
        ("rules_files: [none.yaml]", {}, ConfigError, "rules_files names no rule file: none.yaml"),
        ("rules_files: []", {}, ConfigError, "rules_files names no rule file: it is empty"),
        ("", {"rules": ("none.yaml",)}, ConfigError, "rule file none.yaml does not exist"),
        ("", {"overrides": ("priority",)}, ConfigError, "-o priority: there is no `=`"),
        ("priority: loud", {}, ConfigError, "priority: 'loud' is not a priority"),
    ],
)
def test_what_cannot_be_opened_is_refused(
    opener: Opener, config: str, request_: dict[str, Any], error: type[FalcocoreError], message: str
) -> None:
    with pytest.raises(error) as caught:
        opener.open(config, **request_)
    assert str(caught.value).startswith(message)


def test_a_source_of_the_configuration_that_does_not_run_need_not_be_installed(opener: Opener) -> None:
    project = opener.open("sources: [{name: nope}]", sources=("demo",))
    assert [source.name for source in project.sources] == ["demo"]


def test_rule_files_come_from_the_command_line_or_the_configuration_or_packs(
    opener: Opener, site: Site
) -> None:
    ours, theirs = opener.write("ours.yaml", "[]"), opener.write("theirs.yaml", "[]")
    configured = f"rules_files: [{theirs}, missing.yaml]"
    pack = site.folder / "demo_rules.yaml"
    for config, request, files, notes in (
        (configured, {"rules": (ours,)}, [ours], []),
        (configured, {}, [theirs], ["rules_files: missing.yaml does not exist and is left out"]),
        (configured, {"rules": ("pack:demo", ours)}, [pack, ours], []),
        ("", {"rules": (ours, theirs)}, [ours, theirs], []),
        ("", {"sources": ("demo=x", "quiet", "demo=y")}, [pack], []),
        ("sources: [{name: demo}]", {}, [pack], []),
        ("", {"sources": ("quiet",)}, [], []),
        ("", {}, [], []),
    ):
        opener.notes.clear()
        project = opener.open(config, **request)
        assert (list(map(str, project.rule_files)), opener.notes) == (list(map(str, files)), notes)


def test_overrides_and_the_environment_reach_the_settings(opener: Opener) -> None:
    settings = opener.open("json_output: false", overrides=("json_output=true",)).settings
    assert settings.format.json_output
    assert settings.format.hostname == "here"


BOTH = rule("D") + rule("Q", "quiet.word exists", source="quiet") + rule("X", "x = y", source="unknown")


@pytest.mark.parametrize(
    ("sources", "running"),
    [
        (("demo",), {"demo": ["D"]}),
        (("demo", "quiet", "demo=x"), {"demo": ["D"], "quiet": ["Q"]}),
        # Where no source is named it is as if every installed one ran.
        ((), {"demo": ["D"], "quiet": ["Q"]}),
    ],
)
def test_each_running_source_gets_its_rules(
    opener: Opener, sources: tuple[str, ...], running: dict[str, list[str]]
) -> None:
    loaded = opener.open(sources=sources, rules=(opener.write("r.yaml", BOTH),)).load_rules()
    assert loaded.errors == []
    found = {source: [r.name for r in rules.rules] for source, rules in loaded.rule_sets.items()}
    assert {source: names for source, names in found.items() if names} == running
    assert not sources or set(found) == {source.partition("=")[0] for source in sources}
    assert [one.definition.name for one in loaded.rules] == ["D", "Q", "X"]


def test_the_settings_have_their_say_in_loading(opener: Opener) -> None:
    rules = opener.write("r.yaml", rule("A", priority="ERROR") + rule("B") + rule("C", priority="DEBUG"))
    config = "priority: warning\nrules: [{disable: {rule: A}}]\nrule_matching: all"
    loaded = opener.open(config, sources=("demo",), rules=(rules,)).load_rules()
    assert [r.name for r in loaded.rule_sets["demo"].rules] == ["B"]


def test_field_tables_are_made_when_they_are_asked_for(opener: Opener, site: Site) -> None:
    project = opener.open("static_fields: {zone: z}")
    tables = project.tables
    assert isinstance(tables, Tables)
    assert {"demo", "quiet"} <= set(tables)
    assert len(tables) == len(list(tables))
    assert site.imported() == set()
    table = tables["demo"]
    assert site.imported() == {"demo_distribution_module"}
    assert {"demo.word", "static.zone", "evt.time"} <= {field.name for field in table}
    assert "quiet.word" not in table
    assert tables["demo"] is table
    with pytest.raises(KeyError):
        tables["unknown"]


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        ("sources: [{name: demo, options: {limti: 1}}]", ConfigError, "source demo has no option `limti`"),
        ("sources: [{name: demo, options: {limit: x}}]", ConfigError, "source demo: option `limit`: "),
        (
            "sources: [{name: demo, instance: i, options: {limti: 1}}]",
            ConfigError,
            "source i has no option `limti`",
        ),
        ("outputs: {kafka: {}}", PluginError, "there is no output 'kafka'"),
        ("outputs: {o: {type: file}}", ConfigError, "output o needs the option `filename`"),
        ("outputs: {o: {type: stdout, options: {x: y}}}", ConfigError, "output o has no option `x`"),
    ],
)
def test_what_cannot_be_assembled_is_refused(
    opener: Opener, config: str, error: type[FalcocoreError], message: str
) -> None:
    project = opener.open(config)
    with pytest.raises(error) as caught:
        assemble(project, project.load_rules())
    assert str(caught.value).startswith(message)


def test_an_application_runs_two_instances_of_a_source_into_two_outputs(opener: Opener) -> None:
    config = f"""
    sources:
    - {{name: demo, target: 'a,b,c', options: {{limit: 2}}}}
    - {{name: demo, instance: second, target: d;e, options: {{separator: ;}}}}
    outputs:
      all: {{type: file, options: {{filename: {opener.folder}/all.txt}}}}
    file_output: {{enabled: true, filename: {opener.folder}/file.txt}}
    """
    rules = opener.write("r.yaml", rule("R", output="w=%demo.word from %evt.hostname"))
    project = opener.open(config, rules=(rules,))
    application = assemble(project, project.load_rules())
    assert [source.banner() for source in application.sources] == ["reading 2 words", "reading 2 words"]
    application.engine.open()
    assert asyncio.run(application.engine.run()) == 0
    assert application.counters.events == {"demo": 2, "second": 2}
    assert application.counters.alerts == {"R": 4}
    for name in ("all.txt", "file.txt"):
        lines = (opener.folder / name).read_text("utf-8").splitlines()
        assert sorted(line.partition("Warning ")[2] for line in lines) == [f"w={w} from here" for w in "abde"]
