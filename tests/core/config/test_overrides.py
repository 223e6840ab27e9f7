"""`-o key=value`: paths with dots, brackets and escapes, and the values that they set."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from falcocore.config.overrides import apply_override, top_key
from falcocore.errors import ConfigError

CONFIG: dict[str, Any] = {
    "text": "x",
    "list": ["a", "b"],
    "maps": [{"k": "v"}, {"k": "w", "l": "x"}],
    "map": {"in": {"deep": "x", "kept": "y"}},
    "nothing": None,
}


def overridden(*texts: str) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    for text in texts:
        apply_override(config, text)
    return config


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("text=y", "text", "y"),
        ("text=", "text", ""),
        ("new=y", "new", "y"),
        ("nothing=y", "nothing", "y"),
        # The first `=` ends the path; everything behind it is the value, as it is.
        ("text=a=b", "text", "a=b"),
        ("text= a b ", "text", " a b "),
        ("text=[1, 2]", "text", "[1, 2]"),
        ("text=a.b[0]", "text", "a.b[0]"),
        ("text=${HOME}", "text", "${HOME}"),
        # The last step replaces whatever is there.
        ("map=y", "map", "y"),
        ("list=y", "list", "y"),
        ("list={a: b}", "list", {"a": "b"}),
        # Maps, of any depth; what is not named stays.
        ("map.in.deep=y", "map", {"in": {"deep": "y", "kept": "y"}}),
        ("map.in.new=y", "map", {"in": {"deep": "x", "kept": "y", "new": "y"}}),
        ("map.in=y", "map", {"in": "y"}),
        ("new.a.b.c.d=y", "new", {"a": {"b": {"c": {"d": "y"}}}}),
        ("nothing.a=y", "nothing", {"a": "y"}),
        # Lists: an index replaces, the one behind the last and `[]` append.
        ("list[0]=y", "list", ["y", "b"]),
        ("list[1]=y", "list", ["a", "y"]),
        ("list[2]=y", "list", ["a", "b", "y"]),
        ("list[]=y", "list", ["a", "b", "y"]),
        ("new[]=y", "new", ["y"]),
        ("new[0]=y", "new", ["y"]),
        ("nothing[]=y", "nothing", ["y"]),
        # Both.
        ("maps[1].k=y", "maps", [{"k": "v"}, {"k": "y", "l": "x"}]),
        ("maps[].k=y", "maps", [{"k": "v"}, {"k": "w", "l": "x"}, {"k": "y"}]),
        ("maps[2].k=y", "maps", [{"k": "v"}, {"k": "w", "l": "x"}, {"k": "y"}]),
        ("maps[].a.b=y", "maps", [{"k": "v"}, {"k": "w", "l": "x"}, {"a": {"b": "y"}}]),
        ("new[][]=y", "new", [["y"]]),
        ("new[].a[].b=y", "new", [{"a": [{"b": "y"}]}]),
        # Escapes: a literal dot, bracket or backslash in a name.
        (r"a\.b=y", "a.b", "y"),
        (r"new.a\.b.c=y", "new", {"a.b": {"c": "y"}}),
        (r"new.a\[0\]=y", "new", {"a[0]": "y"}),
        (r"new.a\\b=y", "new", {"a\\b": "y"}),
        (r"new.a\\.b=y", "new", {"a\\": {"b": "y"}}),
        # Maps in braces are YAML; a list or map that is replaced is replaced whole.
        ("map={a: b}", "map", {"a": "b"}),
        ("map={}", "map", {}),
        ("map.in={deep: [1, {x: y}], n: ~}", "map", {"in": {"deep": ["1", {"x": "y"}], "n": None}}),
        ("maps[]={k: x, l: 'y z'}", "maps", [{"k": "v"}, {"k": "w", "l": "x"}, {"k": "x", "l": "y z"}]),
        ("maps[0]={l: x}", "maps", [{"l": "x"}, {"k": "w", "l": "x"}]),
    ],
)
def test_an_override_sets_one_value_and_leaves_the_others(text: str, key: str, value: Any) -> None:
    assert overridden(text) == CONFIG | {key: value}


def test_overrides_build_on_each_other_in_order() -> None:
    texts = ("new[].a=1", "new[].a=2", "new[0].b=3", "new[1]={c: x}", "new[1].d=4", "text=1", "text=2")
    assert overridden(*texts) == CONFIG | {"new": [{"a": "1", "b": "3"}, {"c": "x", "d": "4"}], "text": "2"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("json_output", "-o json_output: there is no `=`", "write -o KEY=VALUE, such as -o json_output=true"),
        ("", "-o : there is no `=`", "write -o KEY=VALUE, such as -o json_output=true"),
        ("=x", "-o =x: there is no key before `=`", None),
        ("[0]=x", "-o [0]=x: there is no key before `=`", None),
        ("[]=x", "-o []=x: there is no key before `=`", None),
        ("list[a]=x", "-o list[a]=x: `[a]` is no path", r"write a.b, a[0], a[] or a\.b"),
        ("list[-1]=x", "-o list[-1]=x: `[-1]` is no path", r"write a.b, a[0], a[] or a\.b"),
        ("list[0=x", "-o list[0=x: `[0` is no path", r"write a.b, a[0], a[] or a\.b"),
        ("list]=x", "-o list]=x: `]` is no path", r"write a.b, a[0], a[] or a\.b"),
        (r"a\x=y", r"-o a\x=y: `\x` is no path", r"write a.b, a[0], a[] or a\.b"),
        ("list[3]=x", "-o list[3]=x: the list has 2 entries, there is no [3]", None),
        ("new[1]=x", "-o new[1]=x: the list has 0 entries, there is no [1]", None),
        ("text.a=x", "-o text.a=x: `text` is a text, not a map", None),
        ("text[]=x", "-o text[]=x: `text` is a text, not a list", None),
        ("map[]=x", "-o map[]=x: `map` is a map, not a list", None),
        ("list[1].a=x", "-o list[1].a=x: [1] is a text, not a map", None),
        (
            "maps.k=x",
            "-o maps.k=x: `maps` is a list, not a map",
            "`[0]` leads to its first entry, `[]` adds one",
        ),
        ("maps[9].k=x", "-o maps[9].k=x: the list has 2 entries, there is no [9]", None),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        overridden(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=x", {"a": "x"}),
        ("a.b[0].c[3]=x", {"a": {"b": [{"c": ["x"]}]}}),
        ("b[]={c: d}", {"b": [{"c": "d"}]}),
    ],
)
def test_what_was_said_is_returned_for_checks(text: str, tree: dict[str, Any]) -> None:
    config: dict[str, Any] = {"a": {"b": [{"c": ["1", "2", "3", "4"]}]}}
    assert apply_override(config, text) == tree


@pytest.mark.parametrize(
    "text",
    ["config_files=x", "config_files[]=x", "config_files[0].path=x", "config_files.x=y", "config_files"],
)
def test_the_top_key_ends_where_the_path_goes_on(text: str) -> None:
    assert top_key(text) == "config_files"


@pytest.mark.parametrize("text", ["config_files_too=x", "config=x", "x.config_files=x", "x=config_files"])
def test_other_keys_are_other_top_keys(text: str) -> None:
    assert top_key(text) != "config_files"
