"""The table of keys: what is said of a tree's keys, and of none of the keys that are known."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.config.keys import complaints


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"jsn_output": "x"}, ["unknown key `jsn_output`: did you mean `json_output`?"]),
        ({"zzz": "x"}, ["unknown key `zzz`: it is ignored"]),
        (
            {"file_output": {"enabeld": "x", "filename": "y"}},
            ["unknown key `file_output.enabeld`: did you mean `file_output.enabled`?"],
        ),
        (
            {"engine": {"kmod": {"buf_size_prest": "1"}}},
            ["unknown key `engine.kmod.buf_size_prest`: did you mean `engine.kmod.buf_size_preset`?"],
        ),
        (
            {"sources": [{"name": "a"}, {"name": "b", "tagret": "x"}]},
            ["unknown key `sources[].tagret`: did you mean `sources[].target`?"],
        ),
        (
            {"rules": [{"enable": {"rul": "x"}}]},
            ["unknown key `rules[].enable.rul`: did you mean `rules[].enable.rule`?"],
        ),
        (
            {"append_output": [{"match": {"tag": "x"}, "extra_outptu": "y"}]},
            [
                "unknown key `append_output[].match.tag`: did you mean `append_output[].match.tags`?",
                "unknown key `append_output[].extra_outptu`: did you mean `append_output[].extra_output`?",
            ],
        ),
        (
            {"outputs": {"alerts": {"typ": "file"}}},
            ["unknown key `outputs.alerts.typ`: did you mean `outputs.alerts.type`?"],
        ),
        ({"a": "1", "b": "2"}, ["unknown key `a`: it is ignored", "unknown key `b`: it is ignored"]),
    ],
)
def test_unknown_keys_are_named_with_the_nearest_known_one(tree: dict[str, Any], said: list[str]) -> None:
    assert list(complaints(tree)) == said


@pytest.mark.parametrize(
    "tree",
    [
        {},
        # Names and options that are the user's or a plugin's own.
        {"outputs": {"any name": {"type": "file", "options": {"whatever": "x"}}}},
        {"outputs": {"rate": "1", "max_burst": "1000"}},
        {"sources": [{"name": "a", "options": {"whatever": "x"}}]},
        {"plugins": [{"name": "a", "init_config": {"whatever": "x"}}]},
        {"static_fields": {"whatever": "x"}},
        {"syscall_buf_size_preset": "4", "modern_bpf": {"cpus_for_each_syscall_buffer": "2"}},
        # Values of another shape are the matter of whoever reads them.
        {"file_output": "x", "sources": "x", "rules": ["x"], "json_output": {"x": "y"}},
        {"config_files": ["a.yaml", {"path": "b.yaml", "strategy": "override"}]},
    ],
)
def test_nothing_is_said_of_these(tree: dict[str, Any]) -> None:
    assert list(complaints(tree)) == []
