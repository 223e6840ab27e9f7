"""The schema of test files takes what is read without a mistake, and nothing else."""

from __future__ import annotations

import pytest

from falcocore.lang.text import SourceFile
from falcocore.ruletest.reading import read_case_file
from falcocore.ruletest.schema import case_file_schema
from falcocore.yamltree.nodes import read_documents
from falcocore.yamltree.plain import plain_value
from tests.support.json_schema import problems

CASE = "source: s\ncases:\n- {name: a, events: [{event: 1}], expect: none"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (f"{CASE}}}\n", True),
        (f"{CASE}, only: [R], source: t}}\n", True),
        (CASE.replace("none", "[R, {rule: S, count: 2, fields: {a: null}}]") + "}\n", True),
        (f"{CASE}}}\nrules: [a]\nrule_matching: all\nuncovered: [{{rule: R, reason: r}}]\n", True),
        (
            CASE.replace("event: 1", "base: b, set: {/a: 1}, remove: [/b]") + "}\nbases: {b: {file: f}}\n",
            True,
        ),
        ("source: s\n", False),
        (f"{CASE}, onyl: [R]}}\n", False),
        (f"{CASE}, name: ''}}\n".replace("name: a, ", ""), False),
        (CASE.replace("none", "some") + "}\n", False),
        (CASE.replace("none", "[{count: 2}]") + "}\n", False),
        (CASE.replace("none", "[{rule: R, count: -1}]") + "}\n", False),
        (CASE.replace("event: 1", "event: 1, file: f") + "}\n", False),
        (CASE.replace("event: 1", "event: 1, set: {a: 1}") + "}\n", False),
        (CASE.replace("{event: 1}", "") + "}\n", False),
        (f"{CASE}}}\nrule_matching: both\n", False),
        (f"{CASE}}}\nuncovered: [{{rule: R}}]\n", False),
    ],
)
def test_schema_and_reader_agree(text: str, good: bool) -> None:
    file = SourceFile("f.test.yaml", text)
    schema = case_file_schema()
    value = plain_value(next(read_documents(file)))
    assert (problems(value, schema, schema) == []) is good
    assert (read_case_file(file).diagnostics == []) is good


def test_every_key_is_described() -> None:
    definitions = case_file_schema()["$defs"].values()
    assert all(inner["description"] for one in definitions for inner in one["properties"].values())
    assert all(one["description"] for one in definitions)
