"""Configuration files as plain values, and what is said of files that can't be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falcocore.config.tree import parse_tree, parse_value, read_tree
from falcocore.errors import ConfigError
from falcocore.lang.text import SourceFile

ENVIRONMENT = {"A": "one", "NUMBER": "7", "YAML": "{a: b}", "KEY": "json_output"}


def parse(text: str) -> tuple[dict[str, Any], list[str]]:
    """The tree of a text, and what was warned of."""
    notes: list[str] = []
    return parse_tree(SourceFile("f.yaml", text), notes.append, ENVIRONMENT), notes


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", {}),
        ("# nothing\n", {}),
        ("---\n...\n", {}),
        ("priority: debug\n", {"priority": "debug"}),
        # Every scalar is its text; null is None.
        ("static_fields: {a: 1, b: yes, c: 0x10}", {"static_fields": {"a": "1", "b": "yes", "c": "0x10"}}),
        ("priority:\nrules: ~\nplugins: null", {"priority": None, "rules": None, "plugins": None}),
        ("priority: ''\nrule_matching: 'null'", {"priority": "", "rule_matching": "null"}),
        ("rules_files:\n  - a\n  - [b, c]\n  - {d: e}", {"rules_files": ["a", ["b", "c"], {"d": "e"}]}),
        ("rules_files: []\nstatic_fields: {}", {"rules_files": [], "static_fields": {}}),
        # Variables, in values of every kind and depth, but not in keys.
        ("priority: ${A}", {"priority": "one"}),
        ("rules_files: ['${A}.yaml', \"$${A}\"]", {"rules_files": ["one.yaml", "${A}"]}),
        ("outputs: {x: {options: {n: '${NUMBER}'}}}", {"outputs": {"x": {"options": {"n": "7"}}}}),
        ("static_fields: |\n  a ${A}\n", {"static_fields": "a one\n"}),
        ("priority: ${MISSING}", {"priority": ""}),
        ("static_fields: {'${KEY}': x}", {"static_fields": {"${KEY}": "x"}}),
        # What was put in is text, whatever it looks like.
        ("priority: ${YAML}", {"priority": "{a: b}"}),
        # Anchors, aliases and merge keys.
        ("rules_files: &f [a]\nload_plugins: *f", {"rules_files": ["a"], "load_plugins": ["a"]}),
        (
            "stdout_output: &on {enabled: true}\nfile_output:\n  <<: *on\n  filename: x",
            {"stdout_output": {"enabled": "true"}, "file_output": {"enabled": "true", "filename": "x"}},
        ),
        # The first document counts.
        ("priority: debug\n---\npriority: error\n", {"priority": "debug"}),
    ],
)
def test_a_file_becomes_plain_values(text: str, tree: dict[str, Any]) -> None:
    assert parse(text) == (tree, [])


def test_aliased_values_are_copies() -> None:
    tree, _ = parse("stdout_output: &on {enabled: x}\nsyslog_output: *on")
    tree["stdout_output"]["enabled"] = "y"
    assert tree["syslog_output"] == {"enabled": "x"}


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("\njson_outptu: true\n", "f.yaml:2:1: unknown key `json_outptu`: did you mean `json_output`?"),
        ("qqqq: 1", "f.yaml:1:1: unknown key `qqqq`: it is ignored"),
        (
            "http_output:\n  enabled: false\n  usr_agent: x\n",
            "f.yaml:3:3: unknown key `http_output.usr_agent`: did you mean `http_output.user_agent`?",
        ),
        (
            "metrics: {enabled: true, intervall: 1h}",
            "f.yaml:1:26: unknown key `metrics.intervall`: did you mean `metrics.interval`?",
        ),
        (
            "sources:\n- name: k8s_audit\n- name: k8s_audit\n  tagret: x\n",
            "f.yaml:4:3: unknown key `sources[].tagret`: did you mean `sources[].target`?",
        ),
        (
            "outputs:\n  alerts:\n    typ: file\n",
            "f.yaml:3:5: unknown key `outputs.alerts.typ`: did you mean `outputs.alerts.type`?",
        ),
        ("'${KEY}': true", "f.yaml:1:1: unknown key `${KEY}`: it is ignored"),
        ("priority: debug\npriority: error\n", "f.yaml:2:1: `priority` is given twice: the first counts"),
        (
            "file_output: {enabled: false, enabled: true}",
            "f.yaml:1:31: `file_output.enabled` is given twice: the first counts",
        ),
    ],
)
def test_keys_that_do_nothing_are_named_with_their_place(text: str, note: str) -> None:
    assert parse(text)[1] == [note]


def test_of_equal_keys_the_first_counts() -> None:
    assert parse("priority: debug\npriority: error\n")[0] == {"priority": "debug"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("- rule: x\n", "f.yaml holds no configuration", "this looks like a rule file: give it with -r"),
        ("just text", "f.yaml holds no configuration", None),
        ("a: b\n c: d\n", "f.yaml:2:3: this is not YAML", None),
        ("a: [b\n", "f.yaml:2:1: this is not YAML", None),
        ("a:\n\t- b\n", "f.yaml:2:1: this is not YAML", None),
        ("a: *nothing\n", "f.yaml:1:4: `*nothing` refers to nothing", None),
        ("a: " + "[" * 200 + "]" * 200, "f.yaml:1:53: nested deeper than 50 levels", None),
    ],
)
def test_what_holds_no_configuration_is_refused(text: str, message: str, hint: str | None) -> None:
    error = refusal(text)
    assert error.message.startswith(message)
    assert error.hint == hint
    assert "LOAD_ERR" not in str(error)


def test_a_syntax_error_shows_the_line() -> None:
    lines = str(refusal("json_output: true\n priority: x\n")).splitlines()
    assert lines[1:] == ["  2 |  priority: x", "    |          ^"]


def test_a_tab_gets_advice() -> None:
    assert "indent with blanks, not with tabs" in str(refusal("file_output:\n\tenabled: true\n"))


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        file = tmp_path / encoding
        file.write_text("priority: ü\n", encoding)
        notes: list[str] = []
        assert read_tree(file, notes.append, {}) == {"priority": "ü"}
        assert notes == []


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"a: \xff\n"), "it is not UTF-8"),
        (Path.mkdir, "Is a directory"),
        (str, "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    file = tmp_path / "c.yaml"
    make(file)
    with pytest.raises(ConfigError) as caught:
        read_tree(file, list[str]().append, {})
    assert str(caught.value) == f"configuration {file} can't be read: {reason}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("true", "true"),
        ("[a, b]", "[a, b]"),
        ("a: b", "a: b"),
        ("'x'", "'x'"),
        ("{a: b", "{a: b"),
        (" {a: b}", " {a: b}"),
        ("{}", {}),
        ("{a: b}", {"a": "b"}),
        ("{a: {b: [c, ~]}, d: 'e'}", {"a": {"b": ["c", None]}, "d": "e"}),
        ("{a}", {"a": None}),
        ("{a: '${A}'}", {"a": "${A}"}),
        ("${A}", "${A}"),
    ],
)
def test_the_value_of_an_override_is_a_text_or_a_map_in_braces(text: str, value: Any) -> None:
    assert parse_value(text) == value


def test_a_map_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^-o:1:6: this is not YAML"):
        parse_value("{a: [}")
