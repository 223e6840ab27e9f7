"""YAML as nodes that know their place.

Nodes are made from the parser's events and not by PyYAML's composer: that one recurses in C, which a deeply
nested file ends with a crash, and its resolver refuses a bare `=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from yaml import events

from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.text import SourceFile, Span, Text
from falcocore.yamltree.scalars import scalar_offsets

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOM = "\ufeff"
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
"""Anchor and tag, which the parser counts as the beginning of a node."""

MAX_NESTING = 50
MAX_NODES = 1_000_000
"""Nodes of one file, aliases counted as what they stand for."""
_TOO_DEEP = f"nested deeper than {MAX_NESTING} levels"
_COUNTED = "aliases count as what they repeat"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar; `plain` ones may mean a boolean or null, quoted ones are text."""

    file: SourceFile
    start: int
    end: int
    value: str
    style: str | None
    size: int = 1
    depth: int = 0

    @property
    def plain(self) -> bool:
        """True where it was written without quotes and block indicators."""
        return self.style is None

    @property
    def is_null(self) -> bool:
        """True for a value that was left out, `~` and `null`."""
        return self.plain and self.value in {"", "~", "null", "Null", "NULL"}

    @property
    def text(self) -> Text:
        """The value as a text that leads back to the file."""
        return Text(self.value, self.file, self._offsets)

    @property
    def stripped(self) -> Text:
        """The text without the white space at its ends."""
        value = self.value.strip()
        shift = self.value.find(value)
        return Text(value, self.file, lambda: self._offsets()[shift : shift + len(value) + 1])

    def _offsets(self) -> list[int]:
        return scalar_offsets(self.file.text, self.start, self.end, self.style, self.value)

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.file, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence of nodes."""

    file: SourceFile
    start: int
    end: int
    items: list[Node]
    size: int = 1
    depth: int = 1

    @property
    def span(self) -> Span:
        """The place of its beginning."""
        return Span(self.file, self.start, self.start + 1)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; keys that are no scalars are left out, merge keys are put in.

    Of equal keys the first counts, as for Falco; `repeated` are the others.
    """

    file: SourceFile
    start: int
    end: int
    entries: dict[str, tuple[Scalar, Node]]
    size: int = 1
    repeated: tuple[Scalar, ...] = ()
    depth: int = 1

    @property
    def span(self) -> Span:
        """The place of its beginning."""
        return Span(self.file, self.start, self.start + 1)

    def get(self, key: str) -> Node | None:
        """The value of a key."""
        found = self.entries.get(key)
        return found[1] if found else None


Node: TypeAlias = Scalar | Sequence | Mapping
"""What stands at one place of a YAML file."""


class YamlError(Exception):
    """A file that is not YAML, or more than will be read."""

    def __init__(
        self,
        message: str,
        span: Span,
        hint: str | None = None,
        related: tuple[tuple[str, Span], ...] = (),
    ) -> None:
        super().__init__(message)
        self.span = span
        self.diagnostic = Diagnostic(Code.YAML_PARSE, message, span, hint=hint, related=related)


def read_documents(file: SourceFile) -> Iterator[Node]:
    """The root of each document that is not empty.

    Raises:
        YamlError: where the file stops being YAML; the documents before were yielded.
    """
    text = file.text.removeprefix(_BOM)
    reader = _Reader(file, shift=len(file.text) - len(text))
    try:
        for event in yaml.parse(text, Loader=_Loader):
            root = reader.take(event)
            if root is not None and not (isinstance(root, Scalar) and root.is_null):
                yield root
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise _explained(error, file, reader.shift) from None


def _explained(error: Exception, file: SourceFile, shift: int) -> YamlError:
    """What PyYAML found wrong, where, and what it was reading then."""
    problem, at = str(error), 0
    related: tuple[tuple[str, Span], ...] = ()
    match error:
        case yaml.MarkedYAMLError() if mark := error.problem_mark or error.context_mark:
            problem, at = error.problem or problem, mark.index
            if error.context and error.context_mark:
                began = shift + error.context_mark.index
                related = ((error.context, Span(file, began, began + 1)),)
        case yaml.reader.ReaderError(reason=problem, position=at) if hasattr(yaml, "CSafeLoader"):
            # libyaml counts bytes here, and characters everywhere else.
            at = len(file.text[shift:].encode()[:at].decode(errors="ignore"))
        case yaml.reader.ReaderError(reason=problem, position=at):
            pass
        case UnicodeEncodeError(reason=problem, start=at):
            pass
    at += shift
    hint = "indent with blanks, not with tabs" if file.text[at : at + 1] == "\t" else None
    return YamlError(f"this is not YAML: {problem}", Span(file, at, at + 1), hint, related)


class _Open:
    """A collection that is not closed yet."""

    def __init__(self, event: events.CollectionStartEvent) -> None:
        self.event = event
        self.children: list[Node] = []


class _Reader:
    """Builds nodes from events without recursion."""

    def __init__(self, file: SourceFile, shift: int) -> None:
        self.file = file
        self.shift = shift
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._size = 0

    def take(self, event: events.Event) -> Node | None:
        """Take one event; a root node when a document's content is complete."""
        match event:
            case events.CollectionStartEvent():
                if len(self._open) == MAX_NESTING:
                    raise YamlError(_TOO_DEEP, self._span(event))
                self._open.append(_Open(event))
                return None
            case events.CollectionEndEvent():
                opened = self._open.pop()
                return self._add(self._closed(opened, event), opened.event)
            case events.ScalarEvent():
                start, end = self._index(event.start_mark), self._index(event.end_mark)
                if event.anchor or event.tag:
                    properties = _PROPERTIES.match(self.file.text, start, end)
                    start = properties.end() if properties else start
                return self._add(Scalar(self.file, start, end, event.value, event.style or None), event)
            case events.AliasEvent():
                if event.anchor not in self._anchors:
                    raise YamlError(f"`*{event.anchor}` refers to nothing", self._span(event))
                node = self._anchors[event.anchor]
                if len(self._open) + node.depth > MAX_NESTING:
                    raise YamlError(_TOO_DEEP, self._span(event), _COUNTED)
                return self._add(node, None)
            case events.DocumentStartEvent():
                self._anchors.clear()
        return None

    def _add(self, node: Node, event: events.NodeEvent | None) -> Node | None:
        if event is not None and event.anchor:
            self._anchors[event.anchor] = node
        self._size += node.size if event is None else 1
        if self._size > MAX_NODES:
            raise YamlError(f"the file has more than {MAX_NODES} nodes", node.span, _COUNTED)
        if not self._open:
            return node
        self._open[-1].children.append(node)
        return None

    def _closed(self, opened: _Open, end: events.Event) -> Node:
        start, stop = self._index(opened.event.start_mark), self._index(end.end_mark)
        children = opened.children
        size = 1 + sum(child.size for child in children)
        if isinstance(opened.event, events.SequenceStartEvent):
            depth = 1 + max((child.depth for child in children), default=0)
            return Sequence(self.file, start, stop, children, size, depth)
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        repeated: list[Scalar] = []
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                continue
            if key.plain and key.value == "<<":
                for source in value.items if isinstance(value, Sequence) else [value]:
                    if isinstance(source, Mapping):
                        merged = {**source.entries, **merged}
            elif key.value in entries:
                repeated.append(key)
            else:
                entries[key.value] = (key, value)
        found = {**merged, **entries}
        depth = 1 + max((value.depth for _, value in found.values()), default=0)
        return Mapping(self.file, start, stop, found, size, tuple(repeated), depth)

    def _span(self, event: events.Event) -> Span:
        start = self._index(event.start_mark)
        return Span(self.file, start, start + 1)

    def _index(self, mark: Any) -> int:
        """The character offset of a mark. PyYAML has two classes of marks, and gives each event one."""
        return int(mark.index) + self.shift


_TRUE = frozenset({"y", "yes", "true", "on"})
_FALSE = frozenset({"n", "no", "false", "off"})


def boolean(word: str) -> bool | None:
    """A YAML 1.1 boolean word in its usual spellings; None for anything else."""
    if word not in {word.lower(), word.upper(), word.capitalize()}:
        return None
    lower = word.lower()
    return True if lower in _TRUE else False if lower in _FALSE else None
