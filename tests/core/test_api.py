"""The door between core and plugins: what is in it, that it is documented, and that nobody goes around it."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from falcocore import api, hookspecs, toolkit
from falcocore.host import HOOKS, PluginHost
from falcocore.options import options_of

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "core" / "falcocore").rglob("*.py"))
PLUGINS = sorted(path for folder in ("plugins", "rules") for path in (ROOT / folder).rglob("*.py"))
# The outermost package of each: what is within one has no mark of its own.
PLUGIN_PACKAGES = {
    path.parent.name for folder in ("plugins", "rules") for path in (ROOT / folder).rglob("py.typed")
}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in a module; `from a import b` counts as a.b too."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, names=names, level=0):
                yield str(module)
                yield from (f"{module}.{name.name}" for name in names)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def documented(module: str) -> dict[str, str]:
    """Documentation by name of what a module defines: docstrings, and texts that stand below assignments."""
    found: dict[str, str] = {}
    body = tree_of(Path(inspect.getfile(importlib.import_module(module)))).body
    for node, following in zip(body, [*body[1:], ast.Pass()], strict=True):
        match node, following:
            case ((ast.ClassDef() | ast.FunctionDef() as defined), _):
                found[defined.name] = ast.get_docstring(defined) or ""
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = text
    return found


DOORS = (api, toolkit)


def homes(door: ModuleType) -> dict[str, str]:
    """The module that defines each name that a door offers."""
    return {
        name.name: str(node.module)
        for node in tree_of(Path(str(door.__file__))).body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }


def public_methods() -> list[tuple[type, str]]:
    classes = [cls for name in api.__all__ if inspect.isclass(cls := getattr(api, name))]
    return [
        (cls, name)
        for cls in classes
        for name, value in vars(cls).items()
        if not name.startswith("_") and isinstance(value, FunctionType | property | classmethod)
    ]


def test_the_tree_is_where_these_tests_look_for_it() -> None:
    assert {"api.py", "host.py", "codegen.py"} <= {path.name for path in CORE}
    assert {"falcocore_k8s_audit", "falcocore_outputs", "falcocore_rules"} <= PLUGIN_PACKAGES


@pytest.mark.parametrize("path", PLUGINS, ids=relative)
def test_plugins_import_nothing_of_the_core_but_its_two_doors(path: Path) -> None:
    ours = {name for name in imported(tree_of(path)) if name.split(".")[0] == "falcocore"}
    allowed = {f"{door.__name__}{part}" for door in DOORS for part in ("", *(f".{n}" for n in door.__all__))}
    assert ours - allowed == set()


@pytest.mark.parametrize("path", PLUGINS, ids=relative)
def test_a_plugin_imports_no_other_plugin(path: Path) -> None:
    own = PLUGIN_PACKAGES & set(path.parts)
    others = {name.split(".")[0] for name in imported(tree_of(path))} & PLUGIN_PACKAGES
    assert others - own == set()


@pytest.mark.parametrize("path", CORE, ids=relative)
def test_the_core_names_no_plugin_package(path: Path) -> None:
    tree = tree_of(path)
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [name for name in imported(tree) if name.startswith("falcocore_")] == []
    # A name may be given to import_module, too.
    assert [text for text in texts if any(package in text for package in PLUGIN_PACKAGES)] == []


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_name_of_a_door_exists_once_and_is_defined_in_the_core(door: ModuleType) -> None:
    assert [name for name in door.__all__ if not hasattr(door, name)] == []
    assert sorted(set(door.__all__)) == sorted(door.__all__)
    assert set(door.__all__) == set(homes(door)) - {"annotations"}


@pytest.mark.parametrize(("door", "name"), [(door, name) for door in DOORS for name in door.__all__])
def test_every_name_of_a_door_is_documented(door: ModuleType, name: str) -> None:
    assert documented(homes(door)[name]).get(name, "").strip()


def test_the_api_imports_no_compiler() -> None:
    code = (
        "import sys, falcocore.api; print(sorted(n for n in sys.modules if n.startswith('falcocore.lang')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("cls", "name"), public_methods(), ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_every_method_of_the_api_is_documented(cls: type, name: str) -> None:
    assert (inspect.getdoc(inspect.getattr_static(cls, name)) or "").strip()


def test_every_hook_belongs_to_a_kind_of_entry_point() -> None:
    project = {
        name
        for name, value in vars(hookspecs).items()
        if inspect.isfunction(value) and value.__module__ == hookspecs.__name__
    }
    assert project == set(HOOKS.values())
    assert len(HOOKS) == len(project)


@pytest.mark.parametrize(("kind", "hook"), HOOKS.items())
def test_every_hook_says_what_it_registers_and_under_which_entry_point(kind: str, hook: str) -> None:
    doc = inspect.getdoc(getattr(hookspecs, hook)) or ""
    assert "registry.add(" in doc
    assert f"`{kind}." in doc


def test_registries_of_the_hooks_are_in_the_api() -> None:
    for hook in HOOKS.values():
        assert getattr(hookspecs, hook).__annotations__["registry"] in api.__all__


@pytest.mark.parametrize("kind", ["source", "output"])
def test_every_option_of_what_comes_with_falcocore_is_documented(kind: str) -> None:
    host = PluginHost(
        [point for point in PluginHost().points() if point.module.split(".")[0] in PLUGIN_PACKAGES]
    )
    classes = [getattr(host, kind)(name) for name in host.names(kind)]
    assert classes
    options = [(cls.name, option) for cls in classes for option in options_of(cls).values()]
    assert [(name, option.name) for name, option in options if not option.doc] == []
    assert all((cls.__doc__ or "").strip() for cls in classes)


class Ticks(api.Source):
    name = "ticks"


class Pager(api.Output):
    name = "pager"


def test_a_source_has_to_say_how_it_yields_and_nothing_else() -> None:
    source = Ticks()
    source.open()
    source.stop()
    assert (source.plugin_name, source.rejected, source.next_step(), source.progress()) == ("", 0, None, None)
    assert source.banner() == "reading ticks"
    with pytest.raises(NotImplementedError):
        source.batches()


def test_an_output_has_to_say_how_it_sends_and_nothing_else() -> None:
    output = Pager()
    for step in (output.open, output.reopen, output.close):
        step()
    asyncio.run(output.aclose())
    with pytest.raises(NotImplementedError):
        asyncio.run(output.send([]))


def test_a_batch_that_nobody_can_send_again_ends_its_source_when_it_is_lost() -> None:
    batch = api.Batch(iter([1, 2]))
    assert (list(batch.events), batch.labels) == ([1, 2], {})
    batch.ack()
    with pytest.raises(api.SourceError, match="alerts were lost: disk full"):
        batch.nack("disk full")


def test_labels_of_one_batch_are_not_those_of_another() -> None:
    api.Batch([]).labels["cluster"] = "east"
    assert api.Batch([]).labels == {}
    assert api.Batch([], {"cluster": "west"}).labels == {"cluster": "west"}
