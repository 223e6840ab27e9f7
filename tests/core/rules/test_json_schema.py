"""The schema of rule files: it takes what loads, and marks what is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcocore.lang.text import SourceFile
from falcocore.rules.items import KEYS
from falcocore.rules.json_schema import rules_schema
from falcocore.yamltree.nodes import read_documents
from falcocore.yamltree.plain import plain_value
from tests.support.json_schema import problems

ROOT = Path(__file__).parents[3]
UPSTREAM = ROOT.parent / "shared" / "conformance"
FILES = [
    *sorted((ROOT / "rules").rglob("*_rules.yaml")),
    *sorted((UPSTREAM / "upstream-rules").glob("*.yaml")),
    *sorted((UPSTREAM / "k8s_audit" / "rules").rglob("*.yaml")),
]


def wrong(text: str) -> list[str]:
    schema = rules_schema(["k8s_audit"])
    found: list[str] = []
    for root in read_documents(SourceFile("r.yaml", text)):
        value: Any = plain_value(root)
        found += problems(value, schema, schema)
    return found


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_whole_files_are_taken(path: Path) -> None:
    assert wrong(path.read_text("utf-8")) == []


RULE = "- rule: A\n  desc: d\n  condition: c\n  output: o\n  priority: INFO\n"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        (RULE, True),
        (RULE.replace("INFO", "warning"), True),
        (RULE.replace("INFO", "loud"), False),
        (RULE.replace("  desc: d\n", ""), False),
        (RULE.replace("  output: o\n", ""), False),
        (RULE + "  source: mine\n  tags: [a, 1]\n  enabled: no\n  capture_duration: 5\n", True),
        (RULE + "  tags: a\n", False),
        (RULE + "  enabled: perhaps\n", False),
        (RULE + "  capture_duration: -5\n", False),
        (RULE + "  unknown: 1\n", False),
        ("- rule: A\n  enabled: false\n", True),
        ("- rule: A\n", False),
        ("- rule: A\n  condition: or b\n  override: {condition: append}\n", True),
        ("- rule: A\n  condition: or b\n  append: true\n", True),
        ("- rule: A\n  source: b\n  override: {source: replace}\n", False),
        ("- rule: A\n  priority: INFO\n  override: {priority: append}\n", False),
        ("- rule: A\n  override: {}\n", False),
        ("- macro: m\n  condition: c\n", True),
        ("- macro: m\n  condition: c\n  source: s\n", False),
        ("- list: l\n  items: [a, 1, true]\n", True),
        ("- list: l\n  items: [[a]]\n", False),
        ("- list: l\n", False),
        ("- required_engine_version: 11\n- required_engine_version: 0.31.0\n", True),
        ("- required_engine_version: new\n", False),
        ("- required_plugin_versions:\n  - {name: a, version: 1.2.3, alternatives: []}\n", True),
        ("- required_plugin_versions:\n  - {name: a}\n", False),
        ("- something: else\n", False),
        ("rules: []\n", False),
        (RULE + "  exceptions:\n  - {name: e, fields: a.b, comps: in, values: [x, 1]}\n", True),
        (RULE + "  exceptions:\n  - {name: e, fields: [a.b, c.d], values: [[x, [y, z]]]}\n", True),
        (RULE + "  exceptions:\n  - {name: e, fields: a.b, comps: startswith anyof}\n", True),
        (RULE + "  exceptions:\n  - {name: e, fields: a.b, comps: liek}\n", False),
        (RULE + "  exceptions:\n  - {name: e, fields: []}\n", False),
        (RULE + "  exceptions:\n  - {name: e, fields: a.b, value: [x]}\n", False),
        (RULE + "  exceptions:\n  - {fields: a.b}\n", False),
    ],
)
def test_items(text: str, good: bool) -> None:
    assert (wrong(text) == []) is good


def test_every_key_is_there_and_described() -> None:
    definitions = rules_schema([])["$defs"]
    for kind, keys in KEYS.items():
        properties = definitions[kind]["properties"]
        assert set(properties) == set(keys)
        assert all(schema["description"] for schema in properties.values())
