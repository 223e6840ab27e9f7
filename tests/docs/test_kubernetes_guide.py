"""The guide to a cluster's audit: its commands are those that there are, its examples what is printed."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest
import yaml

from falcocore_k8s_audit.policy.commands import configure
from tests.support.command_line import falcocore

GUIDE = (Path(__file__).parents[2] / "docs" / "kubernetes.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(
    r"falcocore k8s-audit ([^>\n]+)", "".join(text for kind, text in BLOCKS if kind == "sh")
)


def test_the_guide_shows_each_command() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"policy", "webhook-config", "check"}


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_one(command: str) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    parser.parse_args(shlex.split(command))


def test_entry_is_one_of_the_policy_for_the_bundled_rules(capsys: pytest.CaptureFixture[str]) -> None:
    (entry,) = (text for kind, text in BLOCKS if kind == "yaml")
    assert falcocore("k8s-audit", "policy") == 0
    assert entry in capsys.readouterr().out


def test_findings_are_those_of_a_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = (text for kind, text in BLOCKS if kind == "")
    policy = tmp_path / "policy.yaml"
    rule = {"level": "Metadata", "omitStages": ["ResponseStarted"]}
    head = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"
    policy.write_text(head + yaml.safe_dump([rule]), "utf-8")
    assert falcocore("k8s-audit", "check", str(policy)) == 1
    said = capsys.readouterr().out.replace(str(policy), "policy.yaml").splitlines()
    assert [line for line in shown.splitlines() if line not in said] == []
