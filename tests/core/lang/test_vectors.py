"""The tables of conditions whose results were confirmed on the reference engine."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from falcocore.lang.bound import BoundNode
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import Code, ConditionError, Report
from falcocore.lang.evaluate import evaluate

SPEC = Path(__file__).parents[4] / "shared" / "spec"
TABLES = [SPEC / "condition-vectors.yaml", SPEC / "condition-vectors-2.yaml"]
DEVIATIONS = yaml.safe_load((Path(__file__).parents[2] / "vector-deviations.yaml").read_text("utf-8"))[
    "conditions"
]


def vectors() -> list[dict[str, Any]]:
    found = []
    for table in TABLES:
        if table.exists():
            found += yaml.safe_load(table.read_text("utf-8"))["vectors"]
    return found


def value(name: str, given: Any) -> Any:
    """A vector's value as the field's Python type."""
    prefix = name.partition(".")[0]
    if prefix in {"lip", "lnet"}:
        return [address(one) for one in given]
    if prefix in {"ip", "net"}:
        return address(given)
    return bytes.fromhex(given) if prefix == "buf" else given


def address(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def filled(vector: dict[str, Any], text: str) -> str:
    rep = vector.get("rep", {})
    for name, key in (("<rep>", "char"), ("<open>", "open"), ("<close>", "close")):
        if key in rep:
            text = text.replace(name, rep[key] * rep["times"])
    return text


class _Rule:
    def __init__(self, condition: BoundNode) -> None:
        self.condition = condition
        self.captures = ()


def outcome(vector: dict[str, Any], bind: Callable[..., tuple[BoundNode | None, Report]]) -> str | bool:
    try:
        bound, report = bind(filled(vector, vector["c"]))
    except ConditionError:
        return "parse"
    if bound is None:
        syntax = any("expected a number" in d.message for d in report.errors)
        assert all(d.code in {Code.COMPILE_CONDITION, Code.VALIDATE} for d in report.errors)
        return "parse" if syntax else "compile"
    event = {
        name: value(name, filled(vector, v) if isinstance(v, str) else v)
        for name, v in vector.get("f", {}).items()
    }
    slow = evaluate(bound, lambda field: field.getter(event))
    fast = bool(Program([_Rule(bound)], first=True).link()(event, None))
    assert fast == slow, "generated code and plain evaluation differ"
    return fast


@pytest.mark.skipif(not SPEC.exists(), reason="the specification is not beside the project")
@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: str(vector["id"]))
def test_condition_vector(
    vector: dict[str, Any], bind: Callable[..., tuple[BoundNode | None, Report]]
) -> None:
    holds = outcome(vector, bind) == vector["r"]
    if vector.get("quirk") or vector["id"] in DEVIATIONS:
        assert not holds, "the entry in vector-deviations.yaml excuses nothing"
    else:
        assert holds, f"{outcome(vector, bind)} instead of {vector['r']}"
