"""The plugin host: finds entry points by their typed names, imports only what is asked for, and wires it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from falcocore import hookspecs
from falcocore.errors import PluginError, nearest
from falcocore.fields import FieldTable
from falcocore.generic_fields import GENERIC_FIELDS, static_fields
from falcocore.output import Output
from falcocore.registry import (
    Command,
    CommandRegistry,
    FieldRegistry,
    OutputRegistry,
    Owned,
    RulePack,
    RuleRegistry,
    SourceRegistry,
)
from falcocore.source import Source

GROUP = "falcocore"
HOOKS = {
    "source": "register_sources",
    "fields": "register_fields",
    "output": "register_outputs",
    "rules": "register_rules",
    "command": "register_commands",
}
"""First part of an entry point's name, and the hook that is called for it."""


class PluginHost:
    """What is installed, by kind and name. Nothing is imported before it is asked for by name."""

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        self._points: dict[tuple[str, str], list[EntryPoint]] = {}
        for point in entry_points(group=GROUP) if found is None else found:
            kind, _, name = point.name.partition(".")
            self._points.setdefault((kind, name), []).append(point)
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._called: dict[tuple[str, int], str] = {}
        self._registries: dict[str, Any] = {
            "source": SourceRegistry(),
            "fields": FieldRegistry(),
            "output": OutputRegistry(),
            "rules": RuleRegistry(),
            "command": CommandRegistry(),
        }

    def names(self, kind: str) -> list[str]:
        """The installed names of a kind: source, fields, output, rules or command."""
        return sorted(name for point_kind, name in self._points if point_kind == kind and name)

    def points(self) -> list[EntryPoint]:
        """Every entry point of the group, in order of its name."""
        return sorted((p for points in self._points.values() for p in points), key=lambda p: p.name)

    def source(self, name: str) -> type[Source]:
        """The source class of that name.

        Raises:
            PluginError: not installed, or broken.
        """
        owned: Owned[type[Source]] = self._named("source", name)
        return owned.item

    def output(self, name: str) -> type[Output]:
        """The output class of that name."""
        owned: Owned[type[Output]] = self._named("output", name)
        return owned.item

    def pack(self, name: str) -> RulePack:
        """The rule pack of that name."""
        owned: Owned[RulePack] = self._named("rules", name)
        return owned.item

    def command(self, name: str) -> Command:
        """The sub-command of that name."""
        owned: Owned[Command] = self._named("command", name)
        return owned.item

    def field_sources(self) -> list[str]:
        """The sources that fields are installed for."""
        return sorted({name.partition(".")[0] for name in self.names("fields")})

    def fields_for(self, source: str, static: Mapping[str, str] | None = None) -> FieldTable:
        """The fields of a source: the core's, those of its field sets, and `static.*`.

        Raises:
            PluginError: a field set is broken, or a field is declared twice.
        """
        registry: FieldRegistry = self._registries["fields"]
        theirs: set[str] = set()
        for name in self.names("fields"):
            if name.partition(".")[0] == source:
                owners = self._load("fields", name)
                if name == source:
                    theirs = owners
                registered = {owner for _, owner in registry.by_source.get(source, ())}
                if idle := sorted(owners - registered):
                    hint = f"its {HOOKS['fields']} has to call `registry.add({source!r}, FIELDS)`"
                    raise PluginError(f"{idle[0]} registers no fields of source {source!r}", hint=hint)
        own = registry.by_source.get(source, [])
        # The source itself may know better what the core's fields are; a stranger's set may not.
        replaced = {field.name for field, owner in own if owner in theirs}
        generic = [(field, "falcocore") for field in GENERIC_FIELDS if field.name not in replaced]
        fixed = [(field, "static_fields") for field in static_fields(static or {})]
        return FieldTable(source, [*generic, *own, *fixed])

    def _named(self, kind: str, name: str) -> Any:
        if (kind, name) not in self._points:
            raise self._unknown(kind, name)
        self._load(kind, name)
        registry = self._registries[kind]
        if name not in registry.items:
            owner = _owner(self._points[kind, name][0])
            hint = f"its {HOOKS[kind]} has to add a {registry.kind} with `name = {name!r}`"
            raise PluginError(f"{owner} registers no {registry.kind} {name!r}", hint=hint)
        return registry.items[name]

    def _unknown(self, kind: str, name: str) -> PluginError:
        label = self._registries[kind].kind
        installed = self.names(kind)
        near = nearest(name, installed)
        guess = f"did you mean {near}? " if near else ""
        have = f"installed: {', '.join(installed)}" if installed else "none is installed"
        return PluginError(f"there is no {label} {name!r}", hint=f"{guess}{have}")

    def _load(self, kind: str, name: str) -> set[str]:
        """Import the plugins of an entry point's name and call the one hook that it stands for.

        Returns the owners under which they have registered: a plugin may stand behind several entry points,
        and its hook is called for the first of them.
        """
        owners = set()
        for point in self._points[kind, name]:
            plugin = self._import(point)
            call = (HOOKS[kind], id(plugin))
            if call in self._called:
                owners.add(self._called[call])
                continue
            registry = self._registries[kind]
            registry.owner = _owner(point)
            others = [known for known in self._manager.get_plugins() if known is not plugin]
            try:
                self._manager.subset_hook_caller(HOOKS[kind], others)(registry=registry)
            except PluginError:
                raise
            except Exception as error:
                raise PluginError(f"{_owner(point)} failed in {HOOKS[kind]}: {_reason(error)}") from error
            self._called[call] = registry.owner
            owners.add(registry.owner)
        return owners

    def _import(self, point: EntryPoint) -> object:
        try:
            plugin: object = point.load()
        except (Exception, SystemExit) as error:  # a module may end the process where it misses something
            hint = "mend or uninstall the distribution"
            raise PluginError(
                f"{_owner(point)} can't be imported ({point.value}): {_reason(error)}", hint=hint
            ) from error
        if self._manager.is_registered(plugin):
            return plugin
        try:
            self._manager.register(plugin, name=f"{point.value} {point.name}")
        except pluggy.PluginValidationError as error:
            raise PluginError(f"{_owner(point)} has a hook that does not fit: {error}") from error
        self._refuse_unknown_hooks(plugin, point)
        return plugin

    def _refuse_unknown_hooks(self, plugin: object, point: EntryPoint) -> None:
        for caller in self._manager.get_hookcallers(plugin) or ():
            if not caller.has_spec():
                near = nearest(caller.name, HOOKS.values())
                hint = f"did you mean {near}?" if near else f"the hooks are {', '.join(HOOKS.values())}"
                self._manager.unregister(plugin)  # Asked for again, it is refused again.
                raise PluginError(
                    f"{_owner(point)} implements a hook that does not exist: {caller.name}", hint=hint
                )


def _owner(point: EntryPoint) -> str:
    """The plugin as messages name it: entry point, distribution, version."""
    with contextlib.suppress(Exception):
        if point.dist is not None:
            return f"plugin {point.name} of {point.dist.name} {point.dist.version}"
    return f"plugin {point.name} ({point.value})"


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
