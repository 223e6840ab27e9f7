"""Every hook has its documentation and an example that implements it."""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falcocore import hookspecs
from falcocore.host import HOOKS

ROOT = Path(__file__).parents[2]
SPECS: dict[str, Callable[..., Any]] = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(function, "falcocore_spec")
}
KINDS = {hook: kind for kind, hook in HOOKS.items()}


def implementations(hook: str) -> list[Path]:
    """The modules under examples/ with a function of that name that is marked as an implementation."""
    return [
        path
        for path in (ROOT / "examples").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name == hook
        if any(ast.unparse(decorator).split(".")[-1] == "hookimpl" for decorator in node.decorator_list)
    ]


def entry_point_kinds(module: Path) -> set[str]:
    """The kinds of entry points in the pyproject.toml that a module of an example belongs to."""
    project = next(
        folder / "pyproject.toml" for folder in module.parents if (folder / "pyproject.toml").exists()
    )
    points = tomllib.loads(project.read_text("utf-8"))["project"].get("entry-points", {}).get("falcocore", {})
    return {name.partition(".")[0] for name in points}


def test_hooks_are_those_that_the_host_calls() -> None:
    assert set(SPECS) == set(HOOKS.values())


@pytest.mark.parametrize("hook", SPECS)
def test_hook_has_a_docstring_that_names_its_entry_point(hook: str) -> None:
    doc = inspect.getdoc(SPECS[hook]) or ""
    assert f"`{KINDS[hook]}." in doc
    assert "registry.add(" in doc


@pytest.mark.parametrize("hook", SPECS)
def test_hook_has_an_example_that_implements_it(hook: str) -> None:
    found = implementations(hook)
    assert found
    assert any(KINDS[hook] in entry_point_kinds(module) for module in found)


@pytest.mark.parametrize("hook", SPECS)
def test_hook_is_explained_in_the_guide(hook: str) -> None:
    assert f"`{hook}`" in (ROOT / "docs" / "plugins.md").read_text("utf-8")
