"""Audit policy and webhook configuration, held against rules and webhook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore_k8s_audit.address import Address
from falcocore_k8s_audit.policy.webhook_config import webhook_config
from falcocore_k8s_audit.setup_files import POLICY, WEBHOOK, findings_about_file
from falcocore_k8s_audit.tokens import TokenFile
from falcocore_k8s_audit.webhook_options import Door
from tests.support.webhook_harness import RULES

ADDRESS = Address("10.0.0.5", 9765, "/k8s-audit")
URL = "http://10.0.0.5:9765/k8s-audit"
HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: "


def rules() -> RuleSet:
    tables = {"k8s_audit": PluginHost().fields_for("k8s_audit")}
    catalogue = Catalogue(tables, frozenset({"k8s_audit"}))
    return load([SourceFile("r.yaml", RULES)], catalogue, LoadSettings()).rule_sets["k8s_audit"]


def doors(folder: Path, tokens: str | None = None) -> list[Door]:
    if tokens is None:
        return [Door("/k8s-audit", "", None), Door("/other", "o", None)]
    (folder / "tokens").write_text(tokens)
    made = TokenFile(folder / "tokens")
    made.open()
    return [Door("/k8s-audit", "", made)]


def verdict(
    folder: Path, text: str, address: Address = ADDRESS, tokens: str | None = None
) -> tuple[Any, ...]:
    path = folder / "file.yaml"
    path.write_text(text)
    (found,) = findings_about_file(path, address, doors(folder, tokens), rules())
    assert found.ok or found.remedy
    return found.name, found.ok, found.detail


@pytest.mark.parametrize(
    ("text", "ok", "detail"),
    [
        (HEAD + "Metadata\n", True, "silences no rule"),
        (HEAD + "None\n", False, "1 of 1 rules can't fire: Created"),
        (HEAD + "Everything\n", False, "Everything"),
    ],
)
def test_a_policy(tmp_path: Path, text: str, ok: bool, detail: str) -> None:
    name, is_ok, said = verdict(tmp_path, text)
    assert (name, is_ok) == (POLICY, ok)
    assert detail in said


def test_a_policy_without_rules_to_hold_it_against(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(HEAD + "None\n")
    (found,) = findings_about_file(path, ADDRESS, doors(tmp_path), None)
    assert found.ok


@pytest.mark.parametrize(
    ("url", "address", "problem"),
    [
        (URL, ADDRESS, None),
        ("http://falcocore.example:9765/other", ADDRESS, None),
        ("http://10.0.0.5:9765/k8s-audit", Address("", 0, "/k8s-audit"), None),
        ("http://localhost:9765/k8s-audit", Address("127.0.0.1", 9765, "/k8s-audit"), None),
        ("https://10.0.0.5:9765/k8s-audit", ADDRESS, "is not http,"),
        ("http://10.0.0.5:9765/k8s-audit", Address("10.0.0.5", 9765, "/k8s-audit", True), "is not https"),
        ("http://10.0.0.5:8765/k8s-audit", ADDRESS, "leads to port 8765"),
        ("http://10.0.0.5/k8s-audit", ADDRESS, "leads to port 80,"),
        ("http://10.0.0.5:9765/audit", ADDRESS, "a path that the webhook doesn't serve"),
        (URL, Address("127.0.0.1", 9765, "/k8s-audit"), "which only this machine reaches"),
    ],
)
def test_where_a_webhook_configuration_leads(
    tmp_path: Path, url: str, address: Address, problem: str | None
) -> None:
    name, ok, detail = verdict(tmp_path, webhook_config(url, None, None), address)
    assert (name, ok) == (WEBHOOK, problem is None)
    assert (problem or "leads to this webhook") in detail


@pytest.mark.parametrize(
    ("shown", "problem"), [("abc", None), ("abd", "doesn't know its token"), (None, "shows no token")]
)
def test_the_token_of_a_webhook_configuration(tmp_path: Path, shown: str | None, problem: str | None) -> None:
    _, ok, detail = verdict(tmp_path, webhook_config(URL, None, shown), tokens="prod abc\n")
    assert ok == (problem is None)
    assert (problem or "leads to this webhook") in detail
    assert "abd" not in detail


@pytest.mark.parametrize(
    "change",
    [
        {"current-context": "another"},
        {"clusters": None},
        {"clusters": [{"name": "falcocore", "cluster": {"server": 5}}]},
        {"contexts": [7, {"name": "falcocore", "context": "x"}]},
        {"clusters": [{"name": "falcocore", "cluster": {"server": "http://x:y/k8s-audit"}}]},
    ],
)
def test_a_kubeconfig_that_leads_nowhere(tmp_path: Path, change: dict[str, Any]) -> None:
    document = {**yaml.safe_load(webhook_config(URL, None, None)), **change}
    name, ok, _ = verdict(tmp_path, yaml.safe_dump(document))
    assert (name, ok) == (WEBHOOK, False)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("kind: Pod\n", "is of kind Pod"),
        ("[1, 2]", "has no kind"),
        ("a: [", "can't be read"),
        ("", "has no kind"),
    ],
)
def test_a_file_that_is_neither(tmp_path: Path, text: str, detail: str) -> None:
    name, ok, said = verdict(tmp_path, text)
    assert (name, ok) == ("file", False)
    assert detail in said


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (found,) = findings_about_file(tmp_path / "no.yaml", ADDRESS, [], None)
    assert not found.ok
    assert "No such file" in found.detail
