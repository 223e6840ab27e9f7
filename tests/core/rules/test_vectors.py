"""The table of rule files whose results were confirmed on the reference engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundNode
from falcocore.lang.check import check_condition
from falcocore.lang.diagnostics import Code, Report
from falcocore.lang.grammar import parse_condition
from falcocore.lang.text import Text
from falcocore.rules.loader import Catalogue, LoadResult
from falcocore.rules.schema import schema_problems

TABLE = Path(__file__).parents[4] / "shared" / "spec" / "rules-vectors.yaml"
DEVIATIONS = yaml.safe_load((Path(__file__).parents[2] / "vector-deviations.yaml").read_text("utf-8"))[
    "rules"
]
CASES = yaml.safe_load(TABLE.read_text("utf-8"))["cases"] if TABLE.exists() else []

Load = Callable[..., LoadResult]


def codes(entries: list[Any]) -> list[str]:
    return sorted({d.code.value for d in entries})


def result_of(diagnostics: list[Any]) -> dict[str, list[str]]:
    """What the table holds of one file: codes, each once."""
    return {
        "errors": codes([d for d in diagnostics if d.is_error]),
        "warnings": codes([d for d in diagnostics if not d.is_error]),
    }


def differences(case: dict[str, Any], result: LoadResult, table: FieldTable) -> list[str]:
    found = []
    if case.get("fatal"):
        return [] if [d.code for d in result.errors] == [Code.PLUGIN_VERSION] else ["not fatal"]
    wanted_results = case["results"] + case["results"][-1:] * (len(result.files) - len(case["results"]))
    for file, wanted in zip(result.files, wanted_results, strict=True):
        expected = {} if wanted == "ok" else wanted
        have = result_of(result.of(file))
        found += [
            f"{file.name}: {kind} {have[kind]}, wanted {expected.get(kind, [])}"
            for kind in ("errors", "warnings")
            if have[kind] != sorted(set(expected.get(kind, [])))
        ]
        if (not schema_problems(file)) != expected.get("schema_valid", True):
            found.append(f"{file.name}: schema {schema_problems(file)}")
    rules = {loaded.definition.name: loaded for loaded in result.rules}
    active = {rule.name: rule for rules in result.rule_sets.values() for rule in rules.rules}
    for name, condition in case.get("compiled", {}).items():
        if name in active and _shape(active[name].condition) != _shape(_bound(condition, table)):
            found.append(f"{name} is not {condition}")
        if name not in rules:
            found.append(f"{name} is missing")
    for name, info in case.get("info", {}).items():
        definition = rules[name].definition
        have_info = {
            "enabled": definition.enabled,
            "tags": list(definition.tags),
            "output": definition.output.value,
            "priority": definition.priority.label,
        }
        found += [f"{name}.{key}: {have_info[key]}" for key, value in info.items() if have_info[key] != value]
    return found


def _bound(condition: str, table: FieldTable) -> BoundNode:
    bound = check_condition(parse_condition(Text.plain(condition)), table, Report(), "vector")
    assert bound is not None
    return bound


def _shape(node: Any) -> Any:
    """A bound tree with what tells it from another, places left out."""
    if hasattr(node, "operator"):
        right = getattr(node.right, "label", node.right)
        if isinstance(right, frozenset):
            # The table prints a literal with a comma without quotes; it can't be told from two.
            right = {piece for constant in right for piece in str(constant).split(",")}
        return (
            getattr(node.left, "label", None) or node.left.transformer.name,
            node.operator.name,
            node.modifier,
            right,
        )
    if hasattr(node, "child"):
        return ("not", _shape(node.child))
    return (type(node).__name__, [_shape(child) for child in node.children])


@pytest.mark.skipif(not TABLE.exists(), reason="the specification is not beside the project")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_rule_vector(case: dict[str, Any], load_texts: Load, catalogue: Catalogue) -> None:
    found = differences(case, load_texts(*case["files"]), catalogue.tables["t"])
    if case["name"] in DEVIATIONS or case.get("quirk"):
        assert found, "the entry in vector-deviations.yaml excuses nothing"
    else:
        assert not found
