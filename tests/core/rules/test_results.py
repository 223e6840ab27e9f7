"""The JSON objects of `falco_load_results` (rules-language, section 7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from falcocore.lang.diagnostics import Code
from falcocore.rules.additions import Addition
from falcocore.rules.loader import LoadResult
from falcocore.rules.results import file_results
from tests.support.marked import unmark
from tests.support.rule_texts import rule

Load = Callable[..., LoadResult]

ENTRY_KEYS = ["code", "codedesc", "message", "context"]


def short(result: dict[str, Any]) -> tuple[bool, set[str], set[str]]:
    """(successful, codes of errors, codes of warnings) without the common beginning."""
    errors, warnings = (
        {entry["code"].removeprefix("LOAD_") for entry in result[kind]} for kind in ("errors", "warnings")
    )
    return result["successful"], errors, warnings


def test_file_without_a_mistake(load_texts: Load) -> None:
    assert file_results(load_texts(rule("t.str = a"))) == [
        {
            "name": "0.yaml",
            "successful": True,
            "schema_valid": True,
            "schema_warnings": [],
            "errors": [],
            "warnings": [],
        }
    ]


def test_error_has_its_place_counted_from_zero_and_its_source_line(load_texts: Load) -> None:
    marked = unmark("# é\n" + rule("t.str = a and «t.nmu» = 1", "A b"))
    (result,) = file_results(load_texts(marked.text))
    (entry,) = result["errors"]
    start, _ = marked.places[0]
    line, column = 2, len("  condition: t.str = a and ")
    assert list(entry) == ENTRY_KEYS
    assert entry["code"] == "LOAD_ERR_COMPILE_CONDITION"
    assert "no field `t.nmu`" in entry["message"]
    assert "did you mean `t.num`?" in entry["message"]
    assert entry["context"]["locations"] == [
        {
            "item_type": "rules content",
            "item_name": "",
            "position": {"name": "0.yaml", "line": 0, "column": 0, "offset": 0},
        },
        {
            "item_type": "rule",
            "item_name": "A b",
            "position": {"name": "0.yaml", "line": line, "column": column, "offset": start},
        },
    ]
    shown, carets, end = entry["context"]["snippet"].split("\n")
    assert shown == "  condition: t.str = a and t.nmu = 1"
    assert carets.startswith(" " * column + "^")
    assert carets.strip("^ ") == end == ""


@pytest.mark.parametrize(
    ("text", "item_type", "item_name"),
    [
        (rule("t.nope = 1", "'A \"b\"'"), "rule", 'A "b"'),
        ("- macro: m\n  condition: t.str =\n", "macro", "m"),
        ("- list: l\n  items: ['\"a']\n" + rule("t.str in (l)"), "list", "l"),
        ("- abc\n", "rules content item", ""),
    ],
)
def test_error_names_the_item(text: str, item_type: str, item_name: str, load_texts: Load) -> None:
    (result,) = file_results(load_texts(text))
    (entry,) = result["errors"]
    last = entry["context"]["locations"][-1]
    assert (last["item_type"], last["item_name"]) == (item_type, item_name)


@pytest.mark.parametrize(
    ("text", "successful", "errors", "warnings"),
    [
        ("", True, set(), set()),
        (rule("t.str = a"), True, set(), set()),
        ("- macro: m\n  condition: t.num = 1\n", True, set(), {"UNUSED_MACRO"}),
        ("- list: l\n  items: [a]\n", True, set(), {"UNUSED_LIST"}),
        (rule("x.y = 1", source="nope"), True, set(), {"UNKNOWN_SOURCE"}),
        (rule("t.x = 1", "A", "skip-if-unknown-filter: true"), True, set(), {"UNKNOWN_FILTER"}),
        ("- foo: 1\n", True, set(), {"UNKNOWN_ITEM"}),
        (rule("t.str = a", "A", "foo: 1"), True, set(), {"UNKNOWN_KEY"}),
        (rule("t.str = t.str2"), True, set(), {"COMPILE_CONDITION"}),
        (rule("t.str = a") + "- rule: A\n  enabled: true\n", True, set(), {"DEPRECATED_ITEM"}),
        ("a: [", False, {"ERR_YAML_PARSE"}, set()),
        ("a: 1", False, {"ERR_YAML_VALIDATE"}, set()),
        (rule("t.str ="), False, {"ERR_COMPILE_CONDITION"}, set()),
        (rule("t.str = a", output="'%t.x'"), False, {"ERR_COMPILE_OUTPUT"}, set()),
        (rule("nope"), False, {"ERR_VALIDATE"}, set()),
        (rule("t.str = t.str2 and nope", "A", "foo: 1"), False, {"ERR_VALIDATE"},
         {"COMPILE_CONDITION", "UNKNOWN_KEY"}),
    ],
)  # fmt: skip
def test_warnings_alone_leave_a_file_successful(
    text: str, successful: bool, errors: set[str], warnings: set[str], load_texts: Load
) -> None:
    (result,) = file_results(load_texts(text))
    assert short(result) == (successful, errors, warnings)
    assert all(list(entry) == ENTRY_KEYS for entry in (*result["errors"], *result["warnings"]))


def test_each_file_has_what_stands_in_it_in_the_order_given(load_texts: Load) -> None:
    loaded = load_texts(
        "- macro: m\n  condition: t.str =\n",
        rule("m", "Fine"),
        rule("t.nope = 1", "B", "foo: 1"),
        "- rule: B\n  condition: and t.no = 1\n  override: {condition: append}\n",
    )
    results = file_results(loaded)
    assert [result["name"] for result in results] == ["0.yaml", "1.yaml", "2.yaml", "3.yaml"]
    assert [short(result) for result in results] == [
        (False, {"ERR_COMPILE_CONDITION"}, set()),
        (True, set(), set()),
        (False, {"ERR_COMPILE_CONDITION"}, {"UNKNOWN_KEY"}),
        (False, {"ERR_COMPILE_CONDITION"}, set()),
    ]


def test_mistake_of_the_configuration_belongs_to_the_last_file(load_texts: Load) -> None:
    loaded = load_texts(rule("t.str = a"), "", additions=(Addition(output="%t.nope"),))
    first, last = file_results(loaded)
    assert short(first) == (True, set(), set())
    assert short(last) == (False, {"ERR_COMPILE_OUTPUT"}, set())
    assert last["errors"][0]["context"]["locations"][-1]["position"] == {
        "name": "append_output[0].extra_output",
        "line": 0,
        "column": 1,
        "offset": 1,
    }


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        (rule("t.str = a"), {"schema_valid": True, "schema_warnings": []}),
        # Neither of these has anything to check.
        ("", {"schema_warnings": []}),
        ("a: [", {"schema_warnings": []}),
        # The schema is stricter than loading, and alone takes no rule away.
        (
            rule("t.str = a").replace("INFO", "info"),
            {"schema_valid": False, "schema_warnings": ["line 5: priority is one of "]},
        ),
    ],
)
def test_schema_is_told_apart_from_success(text: str, schema: dict[str, Any], load_texts: Load) -> None:
    (result,) = file_results(load_texts(text))
    found = {key: value for key, value in result.items() if key.startswith("schema")}
    found["schema_warnings"] = [line.partition("ALERT")[0] for line in found["schema_warnings"]]
    assert found == schema
    assert result["successful"] == (text != "a: [")


def test_every_code_has_a_short_text_of_its_own(load_texts: Load) -> None:
    (result,) = file_results(load_texts(rule("t.str = t.str2 and nope", "A", "foo: 1")))
    texts = {e["code"]: e["codedesc"] for e in (*result["errors"], *result["warnings"])}
    assert len(set(texts.values())) == len(texts) == 3
    assert set(texts) <= {code.value for code in Code}
    assert all(text and "_" not in text for text in texts.values())


def test_results_are_plain_json(load_texts: Load) -> None:
    results = file_results(load_texts(rule("t.str = é and t.nope = 1"), "- abc\n"))
    assert json.loads(json.dumps(results)) == results
