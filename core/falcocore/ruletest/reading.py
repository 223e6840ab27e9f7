"""Test files read, with every mistake at its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from jsonpointer import JsonPointer, JsonPointerException
from msgspec import UNSET

from falcocore.errors import nearest
from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.text import SourceFile, Span
from falcocore.ruletest.model import Case, CaseFile, Exemption, Expected, Given
from falcocore.yamltree.nodes import Mapping, Node, Sequence, YamlError, read_documents
from falcocore.yamltree.plain import plain_value, repeated_keys

T = TypeVar("T", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class PlacedCase:
    """A case and where its name stands."""

    case: Case
    span: Span


@dataclass(slots=True)
class ReadFile:
    """A test file. Where there are diagnostics, something in it can't be used, and it is not run."""

    path: Path
    content: CaseFile = field(default_factory=lambda: CaseFile([]))
    cases: list[PlacedCase] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read_case_file(file: SourceFile) -> ReadFile:
    """A test file and everything that is wrong with it."""
    found = ReadFile(Path(file.name))
    try:
        root = next(read_documents(file), None)
    except YamlError as error:
        found.diagnostics.append(error.diagnostic)
        return found
    if not isinstance(root, Mapping):
        span = root.span if root is not None else Span(file, 0, 0)
        hint = "this looks like a rule file: name it under `rules:`" if isinstance(root, Sequence) else None
        found.diagnostics.append(_mistake("a test file is a map with `cases`", span, hint))
        return found
    _Reading(found).read(root)
    return found


class _Reading:
    def __init__(self, found: ReadFile) -> None:
        self._found = found
        self._nodes: list[Node] = []
        """Those of the cases that could be read."""

    def read(self, root: Mapping) -> None:
        for key in repeated_keys(root):
            self._say(f"`{key.value}` is given twice", key.span)
        values = plain_value(root)
        cases = root.get("cases")
        if isinstance(cases, Sequence):
            # One by one, so that each may have a mistake of its own.
            for node, value in zip(cases.items, values["cases"], strict=True):
                case = self._converted(value, Case, node)
                if case is not None:
                    self._found.cases.append(PlacedCase(case, _inner(node, "name").span))
                    self._nodes.append(node)
            values = {**values, "cases": []}
        content = self._converted(values, CaseFile, root)
        if content is not None:
            self._found.content = content
            self._check(root, content)

    def _converted(self, value: Any, kind: type[T], node: Node) -> T | None:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._report(str(error), kind, node)
            return None

    def _report(self, message: str, kind: type[msgspec.Struct], node: Node) -> None:
        text, _, place = message.partition(" - at ")
        path = place.rpartition("`$")[2].rstrip("`")
        at = _follow(node, path)
        hint = None
        if unknown := _UNKNOWN.match(text):
            known = _struct_at(path, kind).__struct_fields__
            near = nearest(unknown[1], known)
            text = f"`{unknown[1]}` is no key here"
            hint = f"did you mean `{near}`?" if near else f"known are {', '.join(known)}"
            at = at.entries[unknown[1]][0] if isinstance(at, Mapping) and unknown[1] in at.entries else at
        elif missing := _MISSING.match(text):
            text = f"`{missing[1]}` is missing"
        else:
            text = _TYPES.sub(lambda found: " or ".join(_WORDS[word] for word in found[1].split(" | ")), text)
        self._say(text[:1].lower() + text[1:], at.span, hint)

    def _check(self, root: Mapping, content: CaseFile) -> None:
        """What the structs can't say: names, and that things exist."""
        seen: dict[str, Span] = {}
        for placed, node in zip(self._found.cases, self._nodes, strict=True):
            if placed.case.name in seen:
                self._say("there is a case of that name already", placed.span)
            seen[placed.case.name] = placed.span
            if placed.case.source is UNSET and content.source is UNSET:
                self._say("the case has no source", placed.span, "add `source:` to it or to the file")
            for number, given in enumerate(placed.case.events):
                place = _follow(node, f".events[{number}]")
                self._check_given(given, content, place.span)
        for name, given in content.bases.items():
            self._check_given(given, content, _inner(_inner(root, "bases"), name).span, name)
        self._check_cycles(content, _inner(root, "bases"))

    def _check_given(self, given: Given, content: CaseFile, span: Span, name: str | None = None) -> None:
        ways = sum(way is not UNSET for way in (given.event, given.base, given.file))
        if ways != 1:
            self._say("an event is given by one of `event`, `base` and `file`", span)
        if name is None and given.file is not UNSET and (given.set or given.remove):
            hint = "name the file under `bases`, and begin the event with that"
            self._say("events of a file can't be changed", span, hint)
        if isinstance(given.base, str):
            self._check_base(given.base, content, span)
        for pointer in (*given.set, *given.remove):
            try:
                JsonPointer(pointer)
            except JsonPointerException as error:
                self._say(f"`{pointer}` is no JSON pointer: {error}", span)

    def _check_base(self, base: str, content: CaseFile, span: Span) -> None:
        if base not in content.bases:
            near = nearest(base, content.bases)
            self._say(f"there is no base `{base}`", span, f"did you mean `{near}`?" if near else None)

    def _check_cycles(self, content: CaseFile, bases: Node) -> None:
        """Bases that begin with themselves; each cycle is told once."""
        told: set[str] = set()
        for name in content.bases:
            path = [name]
            while isinstance(inner := content.bases[path[-1]].base, str) and inner in content.bases:
                if inner in path:
                    if inner == name and not told.intersection(path):
                        way = " -> ".join((*path, name))
                        self._say(f"base `{name}` begins with itself: {way}", _inner(bases, name).span)
                        told.update(path)
                    break
                path.append(inner)

    def _say(self, message: str, span: Span, hint: str | None = None) -> None:
        self._found.diagnostics.append(_mistake(message, span, hint))


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z")
_WORDS = {
    "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "object": "a map", "array": "a list", "null": "nothing",
}  # fmt: skip
_TYPES = re.compile(rf"`((?:{'|'.join(_WORDS)})(?: \| (?:{'|'.join(_WORDS)}))*)`")
_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "events": Given, "bases": Given, "expect": Expected, "uncovered": Exemption,
}  # fmt: skip
_STEP = re.compile(r"\.([A-Za-z_]+)|\[(\d+)\]|\[\.\.\.\]")


def _mistake(message: str, span: Span, hint: str | None = None) -> Diagnostic:
    return Diagnostic(Code.YAML_VALIDATE, message, span, hint=hint)


def _follow(node: Node, path: str) -> Node:
    """The node that msgspec's path leads to, or the last one on the way where it names no key."""
    for step in _STEP.finditer(path):
        key, index = step.groups()
        if isinstance(node, Mapping) and key in node.entries:
            node = node.entries[key][1]
        elif isinstance(node, Sequence) and index is not None and int(index) < len(node.items):
            node = node.items[int(index)]
        else:
            break
    return node


def _struct_at(path: str, kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The struct that a map at msgspec's path is read as."""
    named = [key for key, _ in _STEP.findall(path) if key in _STRUCTS]
    return _STRUCTS[named[-1]] if named else kind


def _inner(node: Node, key: str) -> Node:
    """The value of a key, or the map itself where it has no such key."""
    inner = node.get(key) if isinstance(node, Mapping) else None
    return node if inner is None else inner
