"""`falcocore k8s-audit` as its user runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.command_line import falcocore
from tests.support.rule_texts import rule

PODS = rule(
    "ka.stage = ResponseComplete and ka.verb = create and ka.target.resource = pods"
    " and ka.req.pod.host_network = true",
    "Pod in the host network",
    source="k8s_audit",
)
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(PODS, "utf-8")
    return str(path)


def test_policy_for_the_bundled_rules(capsys: Capture) -> None:
    assert falcocore("k8s-audit", "policy") == 0
    out = capsys.readouterr()
    assert out.err == ""
    assert yaml.safe_load(out.out)["kind"] == "Policy"
    assert re.search(r"^# Audit policy for \d\d rules", out.out)
    assert "Create Privileged Pod" in out.out


def test_policy_for_rules_of_a_file(rules: str, capsys: Capture) -> None:
    assert falcocore("k8s-audit", "policy", "-r", rules) == 0
    policy = yaml.safe_load(capsys.readouterr().out)
    assert policy["omitStages"] == ["RequestReceived", "ResponseStarted", "Panic"]
    assert policy["rules"][0] == {
        "level": "Request",
        "verbs": ["create"],
        "resources": [{"group": "", "resources": ["pods", "pods/*"]}],
    }


def test_policy_for_what_a_cluster_serves(rules: str, tmp_path: Path, capsys: Capture) -> None:
    served = tmp_path / "resources.txt"
    served.write_text("pods\npods.metrics.k8s.io\n", "utf-8")
    assert falcocore("k8s-audit", "policy", "-r", rules, "--api-resources", str(served)) == 0
    (entry,) = yaml.safe_load(capsys.readouterr().out)["rules"]
    assert [one["group"] for one in entry["resources"]] == ["", "metrics.k8s.io"]


def test_configuration_selects_among_the_rules(capsys: Capture) -> None:
    assert falcocore("k8s-audit", "policy", "-o", "rules[].disable.rule=*") == 0
    assert yaml.safe_load(capsys.readouterr().out)["rules"] == [{"level": "None"}]


def test_rules_that_can_not_be_used(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rule("ka.verbb = get", source="k8s_audit"), "utf-8")
    assert falcocore("k8s-audit", "policy", "-r", str(path)) == 1
    out = capsys.readouterr()
    assert out.out == ""
    assert "ka.verb" in out.err
    assert "Error: the rules can't be used" in out.err


POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: "


@pytest.mark.parametrize(
    ("level", "status", "said"),
    [
        ("Request", 0, "no rule is silenced"),
        ("Metadata", 1, "1 of 1 rules can't fire under it"),
    ],
)
def test_check(level: str, status: int, said: str, rules: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY + level, "utf-8")
    assert falcocore("k8s-audit", "check", str(path), "-r", rules) == status
    out = capsys.readouterr().out
    assert out.endswith(f"{path}: {said}\n")
    reason = f"  Pod in the host network\n    {path}:4:3 records level Metadata; Request is needed"
    assert (reason in out) is bool(status)


def test_check_of_what_is_no_policy(tmp_path: Path, rules: str, capsys: Capture) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY + "Everything", "utf-8")
    assert falcocore("k8s-audit", "check", str(path), "-r", rules) == 1
    assert f"{path}:4:10: error: `Everything` is no level" in capsys.readouterr().err


def test_a_policy_that_was_made_from_the_rules_passes_the_check(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "policy.yaml"
    assert falcocore("k8s-audit", "policy") == 0
    path.write_text(capsys.readouterr().out, "utf-8")
    assert falcocore("k8s-audit", "check", str(path)) == 0
    assert capsys.readouterr().out.endswith(f"{path}: no rule is silenced\n")


def test_rules_that_nothing_makes_fire_are_named_without_blame(tmp_path: Path, capsys: Capture) -> None:
    rules, policy = tmp_path / "rules.yaml", tmp_path / "policy.yaml"
    rules.write_text(rule("not jevt.rawtime exists", "Off", source="k8s_audit"), "utf-8")
    policy.write_text(POLICY + "Metadata", "utf-8")
    assert falcocore("k8s-audit", "check", str(policy), "-r", str(rules)) == 0
    assert "Rules that can't fire whatever is recorded:\n  Off\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "can't be read: No such file or directory"),
        ("latin", b"# \xe9", "is not UTF-8: byte 2 is 0xe9"),
    ],
)
def test_files_that_can_not_be_read(
    name: str, content: bytes | None, message: str, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert falcocore("k8s-audit", "check", str(path)) == 1
    assert message in capsys.readouterr().err


def test_list_of_resources_that_is_none(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "resources.txt"
    path.write_text("NAME  SHORTNAMES\n", "utf-8")
    assert falcocore("k8s-audit", "policy", "--api-resources", str(path)) == 1
    assert "line 1 is no resource" in capsys.readouterr().err


def test_webhook_config_with_a_token(tmp_path: Path, capsys: Capture) -> None:
    token = tmp_path / "token"
    token.write_text("abc\n", "utf-8")
    url = "https://10.0.0.5:9765/k8s-audit"
    assert falcocore("k8s-audit", "webhook-config", "--url", url, "--token", str(token), "--for", "k3s") == 0
    out = capsys.readouterr().out
    config = yaml.safe_load(out)
    assert config["users"][0]["user"] == {"token": "abc"}
    assert "kubeadm" not in out


@pytest.mark.parametrize(
    "arguments",
    [(), ("paint",), ("check",), ("webhook-config",), ("webhook-config", "--url", "u", "--for", "x")],
)
def test_wrong_usage(arguments: tuple[str, ...], capsys: Capture) -> None:
    assert falcocore("k8s-audit", *arguments) == 2
    assert "usage: falcocore k8s-audit" in capsys.readouterr().err
