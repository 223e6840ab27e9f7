"""Field `who.kind` for the source k8s_audit, a rule pack that uses it, and the command `falcocore who`."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from falcocore import api


def kind_of(user: str) -> str:
    """`person`, or the second word of a name such as `system:node:worker-1`."""
    return user.split(":")[1] if user.startswith("system:") else "person"


def _who_kind(event: Any) -> str | None:
    user = event.find(("user", "username"))
    return None if user is None else kind_of(json.loads(bytes(user)))


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("user")


def _run(options: Namespace) -> int:
    print(kind_of(options.user))  # noqa: T201 - what the command is for
    return 0


@api.hookimpl
def register_fields(registry: api.FieldRegistry) -> None:
    """Offer the field."""
    registry.add("k8s_audit", [api.Field("who.kind", api.FieldType.STRING, "Kind of user.", _who_kind)])


@api.hookimpl
def register_rules(registry: api.RuleRegistry) -> None:
    """Offer the rule pack `who`."""
    registry.add("who", "1.0.0", [Path(__file__).with_name("rules.yaml")])


@api.hookimpl
def register_commands(registry: api.CommandRegistry) -> None:
    """Offer the command."""
    registry.add("who", "show what kind of user a name belongs to", _configure, _run)
