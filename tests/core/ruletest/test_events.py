"""Events written short: bases, and changes at JSON pointers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcocore.errors import ConfigError
from falcocore.ruletest.events import description_of
from falcocore.ruletest.model import Given

BASES = {
    "pod": Given(event={"verb": "create", "spec": {"containers": [{"name": "a"}], "null": None}}),
    "named": Given(base="pod", set={"/name": "n"}, remove=["/spec"]),
}


def described(folder: Path = Path(), **given: Any) -> Any:
    return description_of(Given(**given), BASES, folder)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"event": {"a": 1}}, {"a": 1}),
        ({"event": "open /etc/shadow"}, "open /etc/shadow"),
        ({"event": None}, None),
        ({"base": "named"}, {"verb": "create", "name": "n"}),
        ({"base": "named", "set": {"/verb": "get"}}, {"verb": "get", "name": "n"}),
        ({"event": {"a": 1}, "set": {"/b/c": 2}}, {"a": 1, "b": {"c": 2}}),
        ({"event": {"a": None}, "set": {"/a/b": 2}}, {"a": {"b": 2}}),
        ({"event": {"a": [1, 2]}, "set": {"/a/0": 3}}, {"a": [3, 2]}),
        ({"event": {"a": [1]}, "set": {"/a/-": 2}}, {"a": [1, 2]}),
        ({"event": {"a": [1]}, "set": {"/a/1": 2}}, {"a": [1, 2]}),
        ({"event": {"a": [{"b": 1}]}, "set": {"/a/0/b": 2}}, {"a": [{"b": 2}]}),
        ({"event": {"a": [1, 2]}, "remove": ["/a/0"]}, {"a": [2]}),
        # A key with a slash, and what is taken out before something is put in.
        ({"event": {"a/b": 1}, "remove": ["/a~1b"]}, {}),
        ({"event": {"a": {"b": 1}}, "remove": ["/a"], "set": {"/a/c": 2}}, {"a": {"c": 2}}),
    ],
)
def test_changes(given: dict[str, Any], expected: Any) -> None:
    assert described(**given) == expected


def test_a_base_stays_as_it_is() -> None:
    first = described(base="pod", set={"/spec/containers/0/name": "b"})
    first["spec"]["containers"].append("more")
    assert described(base="pod")["spec"]["containers"] == [{"name": "a"}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"event": {"a": 1}, "remove": ["/b"]}, "`remove: /b`: there is nothing at that place"),
        ({"event": {"a": [1]}, "remove": ["/a/1"]}, "`remove: /a/1`: there is nothing"),
        ({"event": {"a": [1]}, "remove": ["/a/x"]}, "`remove: /a/x`: there is nothing"),
        ({"event": {"a": 1}, "remove": ["/a/b"]}, "`remove: /a/b`: there is nothing"),
        ({"event": {"a": 1}, "set": {"/a/b": 1}}, "`set: /a/b`: `b` is no place in no map and no list"),
        ({"event": {"a": [1]}, "set": {"/a/3": 1}}, "`set: /a/3`: `3` is no place in a list"),
        ({"event": {"a": [1]}, "set": {"/a/5/b": 1}}, "`set: /a/5/b`: `5` is no place in a list"),
        ({"event": "text", "set": {"/a": 1}}, "`set: /a`: `a` is no place in no map and no list"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_an_error(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match="^" + message.replace("[", r"\[")):
        described(**given)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("e.json", '{"a": "\\ud83d\\ude00", "b": [1]}', {"a": "😀", "b": [1]}),
        ("e.jsonl", '{"a": 1}\n', {"a": 1}),
        ("e.yaml", "a: 1\n", {"a": 1}),
        ("e.yml", "", None),
    ],
)
def test_a_base_may_stand_in_a_file(name: str, text: str, expected: Any, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert described(tmp_path, file=name) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.json", None), ("e.json", b"{"), ("e.yaml", b"[a"), ("e.yaml", b"\xff")],
)
def test_a_file_that_is_no_event_is_an_error(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match="can't be read as one event"):
        described(tmp_path, file=name)
