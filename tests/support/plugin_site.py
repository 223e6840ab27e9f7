"""Real distributions with entry points, installed for one test in a folder on sys.path."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from falcocore.host import GROUP, PluginHost

PREAMBLE = "from falcocore.api import *\n"


class Site:
    """A folder as site-packages is one. Modules that came from it are forgotten when the test ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, distribution: str, points: Mapping[str, str], version: str = "1.0", **modules: str
    ) -> None:
        """Write the metadata of a distribution, with entry points, and its modules."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (info / "METADATA").write_text(head, "utf-8")
        lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n", "utf-8")
        for name, text in modules.items():
            (self.folder / f"{name}.py").write_text(PREAMBLE + text, "utf-8")
        importlib.invalidate_caches()

    def points(self) -> list[EntryPoint]:
        """The entry points of these distributions, without those that are installed beside the tests."""
        found = distributions(path=[str(self.folder)])
        return [point for one in found for point in one.entry_points if point.group == GROUP]

    def host(self) -> PluginHost:
        """A host that knows these distributions only."""
        return PluginHost(self.points())

    def imported(self) -> set[str]:
        """The modules of this folder that were imported so far."""
        return {path.stem for path in self.folder.glob("*.py")} & set(sys.modules)


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """A site that can be imported from while it is open."""
    site = Site(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        try:
            yield site
        finally:
            for name in site.imported():
                del sys.modules[name]


def source_plugin(*names: str) -> str:
    """A module that offers sources of these names."""
    return _registering("register_sources", names, "Source")


def output_plugin(*names: str) -> str:
    """A module that offers outputs of these names."""
    return _registering("register_outputs", names, "Output")


def _registering(hook: str, names: tuple[str, ...], base: str) -> str:
    lines = [f"    registry.add(type('Made', ({base},), {{'name': {name!r}}}))" for name in names]
    return "\n".join(["@hookimpl", f"def {hook}(registry):", *lines, ""])


def pack_plugin(name: str, version: str = "3.1.0", tests: str = "[]") -> str:
    """A module that offers a rule pack of two files; `tests` are those of its test files."""
    files = "[Path('/rules/b.yaml'), Path('/rules/a.yaml')]"
    return (
        f"from pathlib import Path\n@hookimpl\ndef register_rules(registry):\n"
        f"    registry.add({name!r}, {version!r}, {files}, {tests})\n"
    )


def command_plugin(name: str, status: int = 3) -> str:
    """A module that offers a sub-command, which returns `status` plus its argument `more`."""
    return (
        "def configure(parser):\n    parser.add_argument('more', type=int)\n"
        f"def run(options):\n    return {status} + options.more\n"
        f"@hookimpl\ndef register_commands(registry):\n"
        f"    registry.add({name!r}, 'adds up', configure, run)\n"
    )


def fields_plugin(**names: list[str]) -> str:
    """A module that offers text fields of these names, by source; each yields its own name."""
    lines = [
        f"    registry.add({source!r}, [Field(n, FieldType.STRING, 'd', lambda e, n=n: n) for n in {fields}])"
        for source, fields in names.items()
    ]
    return "\n".join(["@hookimpl", "def register_fields(registry):", *lines, ""])
