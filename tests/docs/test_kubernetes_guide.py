"""The guide to a cluster's audit: its commands are those that there are, its examples what is printed."""

from __future__ import annotations

import argparse
import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from falcocore.config.settings import read_settings
from falcocore.config.tree import parse_tree
from falcocore.lang.text import SourceFile
from falcocore.options import build
from falcocore_k8s_audit.policy.commands import configure
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.source import K8sAuditSource
from tests.support.certificates import Certificates
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


HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"


def test_configuration_is_one_of_the_webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (text for kind, text in BLOCKS if kind == "yaml" and text.startswith("sources:"))
    config = parse_tree(SourceFile("falcocore.yaml", text), pytest.fail, {})
    (source,) = read_settings(config, pytest.fail).sources
    certificates = Certificates.in_folder(tmp_path)
    certificates.server("tls")
    (tmp_path / "tokens").write_text("prod secret\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    made = build(K8sAuditSource, source.options, "source", target="https://127.0.0.1:0/k8s-audit")
    assert source.target == "https://10.0.0.5:9765/k8s-audit"
    made.open()
    made.stop()
    asyncio.run(drained(made))


async def drained(source: K8sAuditSource) -> None:
    batches = source.batches()
    assert isinstance(batches, AsyncIterator)
    assert [batch async for batch in batches] == []


def test_entry_is_one_of_a_policy() -> None:
    (entry,) = (text for kind, text in BLOCKS if kind == "yaml" and "- level" in text)
    assert len(read_policy(SourceFile("policy.yaml", HEAD + entry)).rules) == 1


def test_findings_are_those_of_a_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = (text for kind, text in BLOCKS if kind == "")
    policy = tmp_path / "policy.yaml"
    rule = {"level": "Metadata", "omitStages": ["ResponseStarted"]}
    policy.write_text(HEAD + yaml.safe_dump([rule]), "utf-8")
    assert falcocore("k8s-audit", "check", str(policy)) == 1
    said = capsys.readouterr().out.replace(str(policy), "policy.yaml").splitlines()
    assert [line for line in shown.splitlines() if line not in said] == []
