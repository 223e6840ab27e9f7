"""The hooks for repositories of rules: which files they take, and what they run there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.command_line import falcocore

HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook
    for hook in yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text("utf-8"))
}
RULE = "- rule: A\n  desc: d\n  condition: ka.verb = {}\n  output: o\n  priority: INFO\n  source: k8s_audit\n"
CASE = "- {name: a, events: [{event: {verb: get}}], expect: [A]}\n"
TEST = f"source: k8s_audit\nrules: [my_rules.yaml]\ncases:\n{CASE}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_rules.yaml").write_text(RULE.format("get"))
    (tmp_path / "my_rules.test.yaml").write_text(TEST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(hook: dict[str, Any], *files: str) -> int:
    program, *arguments = shlex.split(hook["entry"])
    assert program == "falcocore"
    return falcocore(*arguments, *(files if hook.get("pass_filenames", True) else ()))


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("my_rules.yaml", True),
        ("rules.yml", True),
        ("falco/custom-rules.yaml", True),
        ("my_rules.test.yaml", False),
        ("rules/values.yaml", False),
        ("my_rules.json", False),
    ],
)
def test_rule_files_are_validated(name: str, taken: bool) -> None:
    hook = HOOKS["falcocore-validate"]
    fits = re.search(hook["files"], name) is not None and re.search(hook["exclude"], name) is None
    assert fits is taken


def test_hooks_pass_what_is_good_and_stop_what_is_not(folder: Path) -> None:
    assert set(HOOKS) == {"falcocore-validate", "falcocore-test"}
    for hook in HOOKS.values():
        assert run(hook, "my_rules.yaml") == 0
    (folder / "my_rules.yaml").write_text(RULE.format("list"))
    assert run(HOOKS["falcocore-test"]) == 1
    (folder / "my_rules.yaml").write_text(RULE.format("get") + "- list: unused\n  items: []\n")
    assert run(HOOKS["falcocore-validate"], "my_rules.yaml") == 1
