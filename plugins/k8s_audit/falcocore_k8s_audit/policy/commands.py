"""`falcocore k8s-audit policy|webhook-config|check`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from falcocore.api import ConfigError
from falcocore.toolkit import SourceFile, active_rules, add_rule_arguments
from falcocore_k8s_audit.policy.check import Finding, findings_of, never_fire
from falcocore_k8s_audit.policy.document import policy_text
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.resources import BUILT_IN, ApiResources, Cluster, read_api_resources
from falcocore_k8s_audit.policy.webhook_config import DISTRIBUTIONS, webhook_config

SOURCE = "k8s_audit"
HELP = "set up the kube-apiserver's audit from the rules"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three commands and their arguments."""
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    about = "Print the smallest audit policy under which each rule fires as if everything were recorded."
    policy = commands.add_parser("policy", help="print an audit policy for the rules", description=about)
    _add_api_resources(policy)
    policy.add_argument(
        "--trust-group-names",
        action="store_true",
        help="take it that users in system:nodes are named system:node:*, and those in "
        "system:serviceaccounts system:serviceaccount:*, as Kubernetes names them",
    )
    add_rule_arguments(policy)
    about = "Print the file for --audit-webhook-config-file, with the flags to set in comments."
    config = commands.add_parser(
        "webhook-config", help="print the kubeconfig that leads to the webhook", description=about
    )
    config.add_argument("--url", required=True, help="where the webhook is: https://ADDRESS:9765/k8s-audit")
    config.add_argument("--ca", metavar="FILE", help="certificate that signed the webhook's (PEM)")
    config.add_argument("--token", metavar="FILE", help="file with the token that the webhook expects")
    config.add_argument(
        "--for",
        dest="distribution",
        choices=tuple(DISTRIBUTIONS),
        help="show the flags for this one only (default: for all)",
    )
    about = "Say which rules can't fire under an audit policy, and why; status 1 if there are any."
    check = commands.add_parser("check", help="say which rules a policy silences", description=about)
    check.add_argument("file", metavar="FILE", help="audit policy")
    _add_api_resources(check)
    add_rule_arguments(check)


def _add_api_resources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--api-resources",
        metavar="FILE",
        help="what the cluster serves, as `kubectl api-resources -o name` prints it; - is standard input "
        "(default: what comes with Kubernetes, and whatever else there may be)",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command that was asked for; returns the exit status."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "policy": _policy,
        "webhook-config": _webhook_config,
        "check": _check,
    }
    return commands[options.what](options)


def _policy(options: argparse.Namespace) -> int:
    cluster = Cluster(_resources(options) or BUILT_IN, options.trust_group_names)
    sys.stdout.write(policy_text(active_rules(options, SOURCE), cluster))
    return 0


def _webhook_config(options: argparse.Namespace) -> int:
    ca = None if options.ca is None else _read(options.ca)
    token = None if options.token is None else _read(options.token).decode("utf-8", "replace").strip()
    sys.stdout.write(webhook_config(options.url, ca, token, options.distribution))
    return 0


def _check(options: argparse.Namespace) -> int:
    policy = read_policy(SourceFile(options.file, _text(options.file)))
    rules, resources = active_rules(options, SOURCE), _resources(options)
    found = list(findings_of(rules, policy, resources))
    silent = [finding for finding in found if not finding.can_fire]
    never = [Finding(name, can_fire=False, reasons=()) for name in never_fire(rules, resources)]
    _show("can't fire under this policy", silent)
    _show("can fire, but what they show is not all recorded", [f for f in found if f.can_fire])
    _show("can't fire whatever is recorded", never)
    verdict = f"{len(silent)} of {len(rules)} rules can't fire under it" if silent else "no rule is silenced"
    print(f"{options.file}: {verdict}")  # noqa: T201
    return 1 if silent else 0


def _show(title: str, findings: list[Finding]) -> None:
    if not findings:
        return
    print(f"Rules that {title}:")  # noqa: T201
    for finding in findings:
        print(f"  {finding.rule}", *(f"    {reason}" for reason in finding.reasons), sep="\n")  # noqa: T201
    print()  # noqa: T201


def _resources(options: argparse.Namespace) -> ApiResources | None:
    name = options.api_resources
    if name is None:
        return None
    try:
        return read_api_resources(_text(name))
    except ValueError as error:
        hint = "make it with `kubectl api-resources -o name`"
        raise ConfigError(f"--api-resources {name}: {error}", hint=hint) from None


def _text(name: str) -> str:
    try:
        return _read(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{name} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
        ) from None


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name} can't be read: {error.strerror}") from None
