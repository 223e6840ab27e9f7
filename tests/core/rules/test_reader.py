"""Items as they are read from a file, and everything that can be wrong with their shape."""

from __future__ import annotations

import pytest

from falcocore.lang.diagnostics import Report
from falcocore.lang.text import SourceFile
from falcocore.rules.items import Broken, EngineVersion, Item, PluginVersion, Read, Requirement
from falcocore.rules.reader import ENGINE_VERSION, read_items
from falcocore.types import Priority
from tests.support.marked import unmark
from tests.support.rule_texts import codes

SHAPE = "ERR_YAML_VALIDATE"
RULE = "- rule: A\n  desc: d\n  condition: c\n  output: o\n  priority: INFO\n"


def read(text: str) -> tuple[list[Read], Report]:
    report = Report()
    return list(read_items(SourceFile("f.yaml", text), report)), report


def one(text: str) -> Item:
    (item,), report = read(text)
    assert isinstance(item, Item)
    assert not report.errors
    return item


def test_rule_is_read_with_all_its_keys() -> None:
    item = one(
        "- rule: A b\n  desc: d\n  condition: c\n  output: '  %x.y o\n    '\n  priority: warning\n"
        "  source: s\n  enabled: no\n  tags: [b, a]\n  warn_evttypes: off\n  skip-if-unknown-filter: Yes\n"
        "  capture: true\n  capture_duration: 4294967295\n  exceptions: []\n"
    )
    texts = {key: item.values[key].value for key in ("desc", "condition", "output")}
    assert (item.kind, item.name, item.how, item.label) == ("rule", "A b", "define", 'rule "A b"')
    assert texts == {"desc": "d", "condition": "c", "output": "%x.y o"}
    assert item.values["priority"] is Priority.WARNING
    assert [text.value for text in item.values["tags"]] == ["b", "a"]
    others = ("source", "enabled", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration")
    assert [item.values[key] for key in others] == ["s", False, False, True, True, 2**32 - 1]
    assert item.values["exceptions"] == ()


@pytest.mark.parametrize(
    ("text", "kind", "how", "overrides"),
    [
        ("- list: l\n  items: [a, 5, 'b c']", "list", "define", {}),
        ("- list: l\n  items: []\n  append: false", "list", "define", {}),
        ("- list: l\n  items: [a]\n  append: true", "list", "append", {}),
        ("- list: l\n  items: [a]\n  override: {items: append}", "list", "override", {"items": "append"}),
        ("- macro: m\n  condition: c", "macro", "define", {}),
        (
            "- macro: m\n  condition: c\n  override: {condition: replace}",
            "macro",
            "override",
            {"condition": "replace"},
        ),
        ("- rule: A\n  enabled: false", "rule", "switch", {}),
        ("- rule: A\n  enabled: false\n  tags: [x]", "rule", "switch", {}),
        ("- rule: A\n  condition: c\n  append: yes", "rule", "append", {}),
        (
            "- rule: A\n  tags: [x]\n  enabled: true\n  override: {tags: append, enabled: replace}",
            "rule",
            "override",
            {"tags": "append", "enabled": "replace"},
        ),
    ],
)
def test_item_says_what_is_to_be_done(text: str, kind: str, how: str, overrides: dict[str, str]) -> None:
    item = one(text)
    assert (item.kind, item.how, item.overrides) == (kind, how, overrides)


def test_items_of_all_documents_come_in_order_and_null_ones_are_skipped() -> None:
    items, report = read(
        "- list: a\n  items: []\n-\n- ~\n---\n---\n- list: b\n  items: []\n---\n- list: c\n  items: []"
    )
    assert [item.name for item in items if isinstance(item, Item)] == ["a", "b", "c"]
    assert report.diagnostics == []


def test_kind_is_the_first_of_falcos_order_not_of_the_files() -> None:
    (item,), report = read(RULE.replace("- rule: A", "- rule: A\n  list: l\n  items: [x]"))
    assert isinstance(item, Item)
    assert item.kind == "list"
    assert codes(report.diagnostics) == ["UNKNOWN_KEY"] * 5
    assert "begin another with `- rule:`" in str(report.diagnostics[0].hint)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        # the file and its items
        ("«a»: 1", SHAPE, "the file holds no list of rules"),
        ("«abc»", SHAPE, "the file holds no list of rules"),
        ("- «abc»", SHAPE, "an item of a rule file is a mapping"),
        ("- «[»a]", SHAPE, "an item of a rule file is a mapping"),
        ("- «r»ul: A", "UNKNOWN_ITEM", "this item is ignored; it has rul"),
        ("- list: l\n  items: [a]\n  «itms»: [b]", "UNKNOWN_KEY", "`itms` is no key of a list"),
        ("- macro: m\n  condition: c\n  «source»: k8s_audit", "UNKNOWN_KEY", "no key of a macro"),
        ("- macro: m\n  condition: c\n  «condition»: d", "UNKNOWN_KEY", "given twice: the first one counts"),
        # names
        ("- macro: «a-b»\n  condition: c", "INVALID_MACRO_NAME", "`a-b` is no name for a macro"),
        ("- macro: «1a»\n  condition: c", "INVALID_MACRO_NAME", "`1a` is no name"),
        ("- list: «a b»\n  items: []", "INVALID_LIST_NAME", "`a b` is no name for a list"),
        ("- list: «a,b»\n  items: []", "INVALID_LIST_NAME", "`a,b` is no name for a list"),
        ("- list:«» \n  items: []", SHAPE, "`list` is empty"),
        ("- list: «[»a]\n  items: []", SHAPE, "`list` is one text, not a list"),
        # required keys and values
        ("- list: «l»", SHAPE, 'list "l" has no `items`'),
        ("- list: l\n  items:«» ", SHAPE, "`items` is empty"),
        ("- list: l\n  items: «a»", SHAPE, "`items` is a list of texts, not a single value"),
        ("- list: l\n  items: [a, «[»b]]", SHAPE, "an entry of `items` is one text"),
        ("- list: l\n  items: [a, «~»]", SHAPE, "an entry of `items` is one text"),
        ("- macro: «m»", SHAPE, 'macro "m" has no `condition`'),
        ("- macro: m\n  condition:«» ", SHAPE, "`condition` is empty"),
        ("- macro: m\n  condition: «''»", SHAPE, "`condition` is empty"),
        ("- macro: m\n  condition: «{»a: b}", SHAPE, "`condition` is one text, not a mapping"),
        ("- rule: «A»\n  desc: d\n  condition: c\n  output: o", SHAPE, "has no `priority`"),
        ("- rule: «A»\n  tags: [x]", SHAPE, "has no `condition`, `output`, `desc` and `priority`"),
        (RULE.replace("INFO", "«warn»"), SHAPE, "'warn' is not a priority"),
        (RULE + "  enabled: «maybe»", SHAPE, "`enabled` is true or false"),
        (RULE + "  enabled: «tRue»", SHAPE, "`enabled` is true or false"),
        (RULE + "  tags: «x»", SHAPE, "`tags` is a list of texts"),
        (RULE + "  capture_duration: «-1»", SHAPE, "whole number of milliseconds"),
        (RULE + "  capture_duration: «4294967296»", SHAPE, "less than 4294967296"),
        (RULE + f"  capture_duration: «{'9' * 5000}»", SHAPE, "whole number"),
        # append and override
        ("- list: l\n  items: [a]\n  «append»: true", "DEPRECATED_ITEM", "`append: true` is deprecated"),
        ("- rule: «A»\n  enabled: true", "DEPRECATED_ITEM", "only `enabled` is deprecated"),
        (
            "- list: l\n  items: [a]\n  «append»: true\n  override: {items: append}",
            SHAPE,
            "exclude each other",
        ),
        ("- list: l\n  items: [a]\n  override: «{»}", SHAPE, "maps keys to append or replace"),
        ("- list: l\n  items: [a]\n  override: «append»", SHAPE, "maps keys to append or replace"),
        ("- list: l\n  items: [a]\n  override: {items: «prepend»}", SHAPE, "no override: there are"),
        ("- rule: A\n  priority: INFO\n  override: {«priority»: append}", SHAPE, "can't be appended"),
        ("- rule: A\n  source: t\n  override: {«source»: replace}", SHAPE, "can't be replaced"),
        ("- rule: A\n  override: {«condition»: append}", SHAPE, "the item gives none"),
        (
            "- rule: A\n  condition: c\n  «desc»: d\n  override: {condition: append}",
            SHAPE,
            "`override` does not name it",
        ),
        # versions
        ("- required_engine_version: «abc»", SHAPE, "`abc` is not a version"),
        ("- required_engine_version: «1.2»", SHAPE, "`1.2` is not a version"),
        ("- required_engine_version: «'²'»", SHAPE, "is not a version"),
        (f"- required_engine_version: «{'9' * 5000}»", SHAPE, "is not a version"),
        ("- required_engine_version: «0.64.0»", "ERR_VALIDATE", "needs Falco's engine version 0.64.0"),
        ("- required_engine_version: «64»", "ERR_VALIDATE", "engine version 64"),
        ("- required_engine_version: «1.0.0»", "ERR_VALIDATE", "engine version 1.0.0"),
        ("- required_engine_version: 31\n  «macro»: m", "UNKNOWN_KEY", "`macro` is no key of"),
        ("- required_plugin_versions: «json»", SHAPE, "is a list of {name, version}"),
        ("- required_plugin_versions: [«{»name: json}]", SHAPE, "has `name` and `version`"),
        ("- required_plugin_versions: [«json»]", SHAPE, "has `name` and `version`"),
        ("- required_plugin_versions: [{name: json, version: «1»}]", "ERR_VALIDATE", "`1` is not a version"),
        (
            "- required_plugin_versions: [{name: a, version: 1.2.3, alternatives: «{»name: b}}]",
            SHAPE,
            "`alternatives` is a list",
        ),
        (
            "- required_plugin_versions:\n  - «n»ame: a\n    version: 1.2.3\n    alternatives:\n"
            "    - name: a\n      version: 1.2.4",
            "ERR_VALIDATE",
            "a plugin is named twice",
        ),
    ],
)  # fmt: skip
def test_shape_that_is_wrong_is_reported_where_it_stands(text: str, code: str, message: str) -> None:
    marked = unmark(text)
    _, report = read(marked.text)
    diagnostic = next(d for d in report.diagnostics if message in d.message)
    assert codes([diagnostic]) == [code]
    assert diagnostic.span is not None
    assert diagnostic.span.start == marked.places[0][0]
    assert len(report.diagnostics) == 1
    assert len(diagnostic.message) < 200


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("- rul: A", "did you mean `rule`?"),
        ("- foo: A", "an item has one of required_engine_version, required_plugin_versions, list"),
        ("json_output: true", "this looks like a configuration file: give it with -c"),
        ("a: 1", "a rule file is a list of items"),
        ("- macro: m\n  condtion: c", "did you mean `condition`?"),
        ("- list: l\n  items: [a]\n  append: true", "write `override: {items: append}`"),
        ("- macro: m\n  condition: c\n  append: true", "write `override: {condition: append}`"),
        (RULE.replace("INFO", "WARNIN"), "did you mean WARNING?"),
        ("- rule: A\n  enabled: true", "`override: {enabled: replace}`"),
        ("- list: l\n  items:", "`items: []`"),
    ],
)
def test_hint_says_what_to_do(text: str, hint: str) -> None:
    _, report = read(text)
    assert any(hint in str(d.hint) for d in report.diagnostics)


@pytest.mark.parametrize(
    ("version", "needed"),
    [
        ("1", (0, 1, 0)),
        ("63", (0, 63, 0)),
        ("0.1.0", (0, 1, 0)),
        ("0.62.99", (0, 62, 99)),
        (".".join(map(str, ENGINE_VERSION)), ENGINE_VERSION),
    ],
)
def test_engine_version_up_to_falcos_newest_is_met(version: str, needed: tuple[int, int, int]) -> None:
    assert read(f"- required_engine_version: {version}") == ([EngineVersion(needed)], Report())


def test_requirement_has_its_alternatives_in_order() -> None:
    (requirement,), report = read(
        "- required_plugin_versions:\n  - name: k8saudit\n    version: 0.7.0\n    alternatives:\n"
        "      - {name: k8saudit-eks, version: 0.4.0}\n      - {name: k8saudit-gke, version: 0.1.10}\n"
    )
    assert isinstance(requirement, Requirement)
    assert report.diagnostics == []
    assert requirement.alternatives == (
        PluginVersion("k8saudit", (0, 7, 0)),
        PluginVersion("k8saudit-eks", (0, 4, 0)),
        PluginVersion("k8saudit-gke", (0, 1, 10)),
    )


def test_every_wrong_key_of_an_item_and_every_wrong_item_is_reported() -> None:
    items, report = read(
        "- rule: A\n  priority: x\n  enabled: x\n  tags: x\n- list: l\n- abc\n- macro: m\n  condition: c\n"
    )
    assert [d.span.position[0] for d in report.errors if d.span] == [2, 3, 4, 5, 6]
    assert items[:2] == [Broken("rule", "A"), Broken("list", "l")]
    assert isinstance(items[2], Item)


def test_what_stands_before_a_break_in_the_yaml_is_kept() -> None:
    items, report = read("- list: a\n  items: []\n---\n- list: b\n  items: [\n")
    assert [item.name for item in items if isinstance(item, Item)] == ["a"]
    assert codes(report.diagnostics) == ["ERR_YAML_PARSE"]


def test_every_wrong_entry_of_the_required_plugins_is_reported() -> None:
    _, report = read(
        "- required_plugin_versions:\n  - {name: a, version: x}\n  - {name: b}\n"
        "  - {name: c, version: 1.0.0, alternatives: [{name: c, version: 2.0.0}]}\n"
    )
    assert [error.span.position[0] for error in report.errors if error.span] == [2, 3, 4]


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("- macro: m\n  condition: ''\n", 'macro "m"'),
        (RULE.replace("INFO", "BAD"), 'rule "A"'),
        ("- rule: A\n  condition: c\n  output: o\n  priority: INFO\n", 'rule "A"'),
        (RULE + "- required_engine_version: x\n", None),
    ],
)
def test_what_is_wrong_with_a_value_names_its_item(text: str, item: str | None) -> None:
    _, report = read(text)
    assert [error.item for error in report.errors] == [item]
