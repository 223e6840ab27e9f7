"""From the nodes of a rule file to its items; everything that is wrong with their shape is reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from falcocore.errors import nearest
from falcocore.lang.diagnostics import Code, Diagnostic, Report
from falcocore.lang.text import SourceFile, Span, Text
from falcocore.rules.items import (
    APPENDABLE,
    KEYS,
    REPLACEABLE,
    Broken,
    EngineVersion,
    Item,
    PluginVersion,
    Read,
    Requirement,
)
from falcocore.rules.values import UnusableError, ValueReader
from falcocore.types import Priority
from falcocore.yamltree.nodes import Mapping, Node, Scalar, Sequence, YamlError, read_documents

ENGINE_VERSION = (0, 63, 0)
"""The version of Falco's engine whose rule language this is."""

_MACRO_NAME = re.compile(r"[A-Za-z]+[A-Za-z0-9_]*\Z")
_LIST_NAME = re.compile(r"""[^()"' \t\n\r=,]+\Z""")
_NUMBER = "[0-9]{1,9}"

_STAND_INS: dict[str, Any] = {"output": Text.plain("-"), "desc": Text.plain("-"), "priority": Priority.DEBUG}
"""What takes the place of a rule's value that is missing or wrong, so that the rest of it can be checked."""
_DISPENSABLE = _STAND_INS.keys() | {
    "enabled", "tags", "exceptions", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration"
}  # fmt: skip


def read_items(file: SourceFile, report: Report) -> Iterator[Read]:
    """The items of a file in order. What is wrong with one is reported, and the others go on."""
    try:
        for root in read_documents(file):
            yield from _Reader(report).document(root)
    except YamlError as error:
        report.add(error.diagnostic)


class _Reader:
    def __init__(self, report: Report) -> None:
        self.report = report
        self._values = ValueReader(report)
        self._readers: dict[str, Callable[[Node, str], Any]] = {
            "name": self._values.word,
            "word": self._values.word,
            "text": self._values.text,
            "trimmed": self._values.trimmed,
            "texts": self._values.texts,
            "bool": self._values.boolean,
            "uint32": self._values.uint32,
            "priority": self._values.priority,
            "exceptions": self._values.exceptions,
            "overrides": self._values.overrides,
        }

    def document(self, root: Node) -> Iterator[Read]:
        if not isinstance(root, Sequence):
            hint = "a rule file is a list of items: `- rule: ...`, `- macro: ...`, `- list: ...`"
            if isinstance(root, Mapping) and {"rules_files", "json_output", "plugins", "engine"} & set(
                root.entries
            ):
                hint = "this looks like a configuration file: give it with -c"
            elif isinstance(root, Mapping) and "cases" in root.entries:
                hint = "this looks like a test file: run it with `falcocore test`"
            self._values.error(root.span, "the file holds no list of rules", hint)
            return
        for node in root.items:
            if isinstance(node, Scalar) and node.is_null:
                continue
            if not isinstance(node, Mapping):
                self._values.error(node.span, "an item of a rule file is a mapping such as `rule: ...`")
                continue
            kind = next((kind for kind in KEYS if kind in node.entries), None)
            self._values.item = _label(kind, node)
            try:
                if kind is None:
                    self._warn_of_unknown_item(node)
                elif kind == "required_engine_version":
                    self._warn_of_unknown_keys(kind, node)
                    yield self._engine_version(node)
                elif kind == "required_plugin_versions":
                    self._warn_of_unknown_keys(kind, node)
                    yield from self._plugin_versions(node)
                else:
                    yield self._item(kind, node)
            except UnusableError:
                name = node.get(kind) if kind else None
                if kind and isinstance(name, Scalar):
                    yield Broken(kind, name.value)

    def _item(self, kind: str, node: Mapping) -> Item:
        """A list, macro or rule, with all its keys read before one that is wrong ends it."""
        lost: set[str] = set()
        values: dict[str, Any] = {}
        self._warn_of_unknown_keys(kind, node)
        for key, (_, value) in node.entries.items():
            holds = KEYS[kind].get(key)
            if holds is None:
                continue
            try:
                values[key] = self._readers[holds](value, key)
            except UnusableError:
                lost.add(key)
        name = values.pop(kind, None)
        if name is None or not lost <= _DISPENSABLE:
            raise UnusableError
        self._check_name(kind, name, node)
        how = self._how(kind, values, node)
        if lost and how != "define":
            raise UnusableError
        values |= {key: _STAND_INS[key] for key in lost & _STAND_INS.keys()}
        overrides = values.pop("override", {})
        values.pop("append", None)
        item = Item(kind, name, node.entries[kind][1].span, how, values, overrides)
        missing = self._check_keys(item, node)
        values |= {key: _STAND_INS[key] for key in missing}
        return replace(item, is_partial=bool(lost or missing))

    def _how(self, kind: str, values: dict[str, Any], node: Mapping) -> str:
        append = values.get("append", False)
        if "override" in values:
            if append:
                self._values.error(
                    node.entries["append"][0].span, "`append` and `override` exclude each other"
                )
                raise UnusableError
            return "override"
        if append:
            message = "`append: true` is deprecated"
            key = "items" if kind == "list" else "condition"
            hint = f"write `override: {{{key}: append}}`, with each key that is given"
            self._values.warn(Code.WARN_DEPRECATED_ITEM, node.entries["append"][0].span, message, hint)
            return "append"
        if kind == "rule" and not {"condition", "output", "desc", "priority"} & set(values):
            return "switch"
        return "define"

    def _check_keys(self, item: Item, node: Mapping) -> list[str]:
        """Required keys, and keys that go with an override; returns the missing ones that have stand-ins."""
        required = {
            "define": {
                "list": ["items"],
                "macro": ["condition"],
                "rule": ["condition", "output", "desc", "priority"],
            },
            "append": {"list": ["items"], "macro": ["condition"], "rule": []},
            "switch": {},
            "override": {},
        }[item.how].get(item.kind, [])
        missing = [key for key in required if key not in item.values]
        problems: list[tuple[Span, str, str | None]] = [
            (item.span, f"{item.label} has no `{key}`", f"add `{key}:`") for key in missing
        ]
        if item.how == "switch" and "enabled" not in item.values:
            hint = "to change a rule that was defined before, name its keys in `override:`"
            message = f"{item.label} has no `condition`, `output`, `desc` and `priority`"
            problems.append((item.span, message, hint))
        elif item.how == "switch":
            hint = "write `override: {enabled: replace}` beside it"
            self._values.warn(
                Code.WARN_DEPRECATED_ITEM, item.span, "an item with only `enabled` is deprecated", hint
            )
        if item.how == "override":
            problems += self._check_overrides(item, node)
        for problem in problems:
            self._values.error(*problem)
        if len(problems) > len(missing) or not _STAND_INS.keys() >= set(missing):
            raise UnusableError
        return missing

    def _check_overrides(self, item: Item, node: Mapping) -> Iterator[tuple[Span, str, str | None]]:
        named = cast(Mapping, node.entries["override"][1]).entries
        for key, operation in item.overrides.items():
            place = named[key][0].span
            possible = APPENDABLE if operation == "append" else REPLACEABLE
            if key not in possible[item.kind]:
                known = ", ".join(sorted(possible[item.kind]))
                verb = {"append": "appended to", "replace": "replaced"}[operation]
                yield place, f"`{key}` of a {item.kind} can't be {verb}", f"possible are {known}"
            elif key not in item.values:
                yield place, f"`override` names `{key}`, but the item gives none", f"add `{key}:`"
        for key in item.values.keys() - item.overrides.keys():
            hint = f"add `{key}: append` or `{key}: replace` to it, or take the key out"
            yield node.entries[key][0].span, f"`{key}` is given, but `override` does not name it", hint

    def _check_name(self, kind: str, name: str, node: Mapping) -> None:
        span = node.entries[kind][1].span
        if kind == "macro" and not _MACRO_NAME.match(name):
            hint = "macro names are letters, digits and _, with a letter first; no condition can use this one"
            self._values.warn(Code.WARN_INVALID_MACRO_NAME, span, f"`{name}` is no name for a macro", hint)
        if kind == "list" and not _LIST_NAME.match(name):
            hint = "list names have no blanks, quotes, parentheses, commas or ="
            self._values.warn(Code.WARN_INVALID_LIST_NAME, span, f"`{name}` is no name for a list", hint)

    def _warn_of_unknown_item(self, node: Mapping) -> None:
        keys = ", ".join(node.entries) or "nothing"
        near = next((found for key in node.entries if (found := nearest(key, KEYS))), None)
        hint = f"did you mean `{near}`?" if near else f"an item has one of {', '.join(KEYS)}"
        self._values.warn(Code.WARN_UNKNOWN_ITEM, node.span, f"this item is ignored; it has {keys}", hint)

    def _warn_of_unknown_keys(self, kind: str, node: Mapping) -> None:
        for key, (key_node, _) in node.entries.items():
            if key in KEYS[kind]:
                continue
            near = nearest(key, KEYS[kind])
            hint = f"did you mean `{near}`?" if near else f"known are {', '.join(KEYS[kind])}"
            if key in KEYS:
                hint = f"an item is one thing: begin another with `- {key}:`"
            message = f"`{key}` is no key of a {kind} and is ignored"
            self._values.warn(Code.WARN_UNKNOWN_KEY, key_node.span, message, hint)
        for again in node.repeated:
            message = f"`{again.value}` is given twice: the first one counts, this one is ignored"
            self._values.warn(Code.WARN_UNKNOWN_KEY, again.span, message)

    # --- requirements -------------------------------------------------------------------------------------

    def _engine_version(self, node: Mapping) -> EngineVersion:
        value = node.entries["required_engine_version"][1]
        word = self._values.word(value, "required_engine_version")
        version = (0, int(word), 0) if re.fullmatch(_NUMBER, word) else self._version(value, word)
        if version[0] != ENGINE_VERSION[0] or version > ENGINE_VERSION:
            have = ".".join(map(str, ENGINE_VERSION))
            message = (
                f"the file needs Falco's engine version {word}, and falcocore's rules are those of {have}"
            )
            self.report.add(Diagnostic(Code.VALIDATE, message, value.span, hint="update falcocore"))
        return EngineVersion(version)

    def _plugin_versions(self, node: Mapping) -> Iterator[Requirement]:
        value = node.entries["required_plugin_versions"][1]
        if not isinstance(value, Sequence):
            raise self._values.refuse(value, "`required_plugin_versions` is a list of {name, version}")
        for entry in value.items:
            with suppress(UnusableError):
                yield self._requirement(entry)

    def _requirement(self, entry: Node) -> Requirement:
        first = self._plugin_version(entry)
        others = entry.get("alternatives") if isinstance(entry, Mapping) else None
        if others is not None and not isinstance(others, Sequence):
            raise self._values.refuse(others, "`alternatives` is a list of {name, version}")
        plugins = [first, *(self._plugin_version(e) for e in (others.items if others else ()))]
        if len({plugin.name for plugin in plugins}) < len(plugins):
            self.report.add(
                Diagnostic(Code.VALIDATE, "a plugin is named twice in one requirement", entry.span)
            )
            raise UnusableError
        return Requirement(tuple(plugins), entry.span)

    def _plugin_version(self, node: Node) -> PluginVersion:
        name = node.get("name") if isinstance(node, Mapping) else None
        version = node.get("version") if isinstance(node, Mapping) else None
        if name is None or version is None:
            raise self._values.refuse(node, "a requirement has `name` and `version`")
        return PluginVersion(
            self._values.word(name, "name"),
            self._version(version, self._values.word(version, "version"), Code.VALIDATE),
        )

    def _version(self, node: Node, word: str, code: Code = Code.YAML_VALIDATE) -> tuple[int, int, int]:
        match = re.fullmatch(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})", word)
        if not match:
            self.report.add(
                Diagnostic(code, f"`{word[:40]}` is not a version", node.span, hint="write 1.2.3")
            )
            raise UnusableError
        major, minor, patch = match.groups()
        return int(major), int(minor), int(patch)


def _label(kind: str | None, node: Mapping) -> str | None:
    """How messages name an item; the requirements have no name."""
    name = node.get(kind) if kind in APPENDABLE else None
    return f'{kind} "{name.value}"' if isinstance(name, Scalar) else None
