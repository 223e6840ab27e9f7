"""What plugins have registered, each entry with its owner so that a clash can name both."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from falcocore.errors import PluginError
from falcocore.fields import Field
from falcocore.output import Output
from falcocore.source import Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """A registered thing and the plugin that registered it, as `entry point (distribution version)`."""

    item: T
    owner: str


@dataclass(frozen=True, slots=True)
class RulePack:
    """Rule files that a distribution carries, named with `-r pack:NAME`, and the test files for them."""

    name: str
    version: str
    files: tuple[Path, ...]
    tests: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command of `falcocore`: `configure` adds its arguments, `run` returns the exit status."""

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class _Named(Generic[T]):
    """Things of one kind by name. `owner` is set by the host while one plugin registers."""

    kind: str

    def __init__(self) -> None:
        self.owner = "falcocore"
        self.items: dict[str, Owned[T]] = {}

    def _add(self, name: str, item: T) -> None:
        if name in self.items:
            raise PluginError(
                f"{self.kind} {name!r} is registered twice: by {self.items[name].owner} and by {self.owner}",
                hint="uninstall one of the two distributions, or ask its author for another name",
            )
        self.items[name] = Owned(item, self.owner)


class SourceRegistry(_Named[type[Source]]):
    """Where `register_sources` adds its classes."""

    kind = "source"

    def add(self, source: type[Source]) -> None:
        """Offer a source class under its `name`."""
        self._add(source.name, source)


class OutputRegistry(_Named[type[Output]]):
    """Where `register_outputs` adds its classes."""

    kind = "output"

    def add(self, output: type[Output]) -> None:
        """Offer an output class under its `name`."""
        self._add(output.name, output)


class RuleRegistry(_Named[RulePack]):
    """Where `register_rules` adds rule packs."""

    kind = "rule pack"

    def add(self, name: str, version: str, files: Sequence[Path], tests: Sequence[Path] = ()) -> None:
        """Offer rule files, loaded in the given order, and test files for `falcocore test pack:NAME`."""
        self._add(name, RulePack(name, version, tuple(files), tuple(tests)))


class CommandRegistry(_Named[Command]):
    """Where `register_commands` adds sub-commands."""

    kind = "command"

    def add(
        self,
        name: str,
        help: str,  # noqa: A002 - argparse's own word
        configure: Callable[[argparse.ArgumentParser], None],
        run: Callable[[argparse.Namespace], int],
    ) -> None:
        """Offer the sub-command `falcocore NAME`."""
        self._add(name, Command(name, help, configure, run))


class FieldRegistry:
    """Where `register_fields` adds fields of a source; clashes are found when a source's table is made."""

    def __init__(self) -> None:
        self.owner = "falcocore"
        self.by_source: dict[str, list[tuple[Field, str]]] = {}

    def add(self, source: str, fields: Iterable[Field]) -> None:
        """Offer fields of events of `source`."""
        self.by_source.setdefault(source, []).extend((field, self.owner) for field in fields)
