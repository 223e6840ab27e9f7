"""The rules that a plugin's command gets: those that a run with the same arguments would match."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from falcocore.api import ConfigError, PluginError
from falcocore.toolkit import active_rules, add_rule_arguments
from tests.support.rule_texts import rule

RULES = (
    rule("ka.verb = get", "First", source="k8s_audit")
    + rule("ka.verb = list", "Second", source="k8s_audit")
    + rule("evt.type = open", "Elsewhere", source="syscall")
)


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("falcocore.config.loader.DEFAULT_FILE", tmp_path / "none.yaml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_rule_arguments(parser)
    return parser.parse_args(arguments)


def names(source: str, *arguments: str) -> list[str]:
    return [found.name for found in active_rules(options(*arguments), source)]


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, "utf-8")
    return str(path)


def test_rules_of_the_source_in_order(rules: str) -> None:
    assert names("k8s_audit", "-r", rules) == ["First", "Second"]


def test_the_pack_of_the_source_where_nothing_is_named() -> None:
    assert "Create Privileged Pod" in names("k8s_audit")


def test_configuration_selects(rules: str) -> None:
    assert names("k8s_audit", "-r", rules, "-o", "rules[].disable.rule=First") == ["Second"]


def test_rules_files_of_the_configuration(rules: str, tmp_path: Path) -> None:
    configuration = tmp_path / "falco.yaml"
    configuration.write_text(f"rules_files: [{rules}]\n", "utf-8")
    assert names("k8s_audit", "-c", str(configuration)) == ["First", "Second"]


def test_rules_with_mistakes_are_no_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rule("ka.verbb = get", source="k8s_audit"), "utf-8")
    with pytest.raises(ConfigError, match="the rules can't be used"):
        names("k8s_audit", "-r", str(path))
    assert f"{path}:2:14: error:" in capsys.readouterr().err


def test_a_source_that_is_not_there(rules: str) -> None:
    with pytest.raises(PluginError, match="there is no source 'walrus'"):
        names("walrus", "-r", rules)
