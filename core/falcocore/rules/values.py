"""The values of a rule file's keys; what is wrong with one is reported with its place and its item."""

from __future__ import annotations

import re
from typing import cast

from falcocore.errors import nearest
from falcocore.lang.diagnostics import Code, Diagnostic, Report
from falcocore.lang.text import Span, Text
from falcocore.rules.items import EXCEPTION_KEYS, Comps, ExceptionItem
from falcocore.types import Priority
from falcocore.yamltree.nodes import Mapping, Node, Scalar, Sequence, boolean


class UnusableError(Exception):
    """A value that can't be used; it was reported, and its item is left out."""


class ValueReader:
    """Reads values of one kind each; `item` is what they belong to, for messages.

    Each method takes the node and the key that it stands under, and raises UnusableError.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.item: str | None = None

    def text(self, node: Node, key: str) -> Text:
        """A text that is not empty."""
        if not isinstance(node, Scalar):
            raise self.refuse(node, f"`{key}` is one text, not a {_kind(node)}")
        if node.is_null or not node.value:
            raise self.refuse(node, f"`{key}` is empty")
        return node.text

    def trimmed(self, node: Node, key: str) -> Text:
        """A text without the blanks around it."""
        self.text(node, key)
        return cast(Scalar, node).stripped

    def word(self, node: Node, key: str) -> str:
        """A text's value."""
        return self.text(node, key).value

    def texts(self, node: Node, key: str) -> tuple[Text, ...]:
        """A list of texts; nothing is none of them."""
        if isinstance(node, Scalar) and node.is_null:
            if key == "items":
                raise self.refuse(node, "`items` is empty", "for a list without items write `items: []`")
            return ()
        if not isinstance(node, Sequence):
            raise self.refuse(node, f"`{key}` is a list of texts, not a {_kind(node)}", "write [a, b]")
        texts = []
        for item in node.items:
            if not isinstance(item, Scalar) or item.is_null:
                raise self.refuse(item, f"an entry of `{key}` is one text")
            texts.append(item.text)
        return tuple(texts)

    def boolean(self, node: Node, key: str) -> bool:
        """True or false, in any way that YAML 1.1 writes them."""
        found = boolean(node.value) if isinstance(node, Scalar) else None
        if found is None:
            raise self.refuse(node, f"`{key}` is true or false")
        return found

    def uint32(self, node: Node, key: str) -> int:
        """A whole number of milliseconds."""
        word = self.word(node, key)
        if not re.fullmatch(r"[0-9]{1,10}", word) or int(word) >= 2**32:
            raise self.refuse(node, f"`{key}` is a whole number of milliseconds, less than {2**32}")
        return int(word)

    def priority(self, node: Node, key: str) -> Priority:
        """A priority by its name."""
        word = self.word(node, key)
        try:
            return Priority.parse(word)
        except ValueError as error:
            near = nearest(word.upper(), [*Priority.__members__, "INFO"])
            raise self.refuse(node, str(error), f"did you mean {near}?" if near else None) from None

    def overrides(self, node: Node, key: str) -> dict[str, str]:
        """Keys to `append` or `replace`."""
        if not isinstance(node, Mapping) or not node.entries:
            raise self.refuse(node, f"`{key}` maps keys to append or replace", "write {condition: append}")
        found = {}
        for name, (_, value) in node.entries.items():
            word = self.word(value, name)
            if word not in {"append", "replace"}:
                raise self.refuse(value, f"`{word}` is no override: there are append and replace")
            found[name] = word
        return found

    def exceptions(self, node: Node, key: str) -> tuple[ExceptionItem, ...]:
        """The exceptions of a rule."""
        if isinstance(node, Scalar) and node.is_null:
            return ()
        if not isinstance(node, Sequence):
            raise self.refuse(node, f"`{key}` is a list of exceptions, not a {_kind(node)}")
        found = [self._exception(entry) for entry in node.items]
        seen: set[str] = set()
        for entry in found:
            if entry.name in seen:
                message = (
                    f"exception `{entry.name}` is there twice; both apply, appended values go to the first"
                )
                self.warn(Code.WARN_EXCEPTION_NAME_NOT_UNIQUE, entry.span, message, "give it another name")
            seen.add(entry.name)
        return tuple(found)

    def _exception(self, node: Node) -> ExceptionItem:
        if not isinstance(node, Mapping):
            raise self.refuse(node, "an exception is a mapping with name, fields, comps and values")
        name = node.get("name")
        if name is None:
            raise self.refuse(node, "an exception needs a `name`")
        fields, comps, values = node.get("fields"), node.get("comps"), node.get("values")
        has_values = values is not None and not (isinstance(values, Scalar) and values.is_null)
        if has_values and not isinstance(values, Sequence):
            raise self.refuse(cast(Node, values), "`values` is a list", "write [a, b]")
        return ExceptionItem(
            name=self.word(name, "name"),
            span=name.span,
            fields=None if fields is None else self._one_or_more(fields, "fields"),
            is_single=not isinstance(fields, Sequence),
            comps=None if comps is None else self._comps(comps),
            values=tuple(values.items) if isinstance(values, Sequence) else (),
            near_miss=next(
                (k for k in node.entries if k not in EXCEPTION_KEYS and nearest(k, ["values"])), None
            ),
            is_open=isinstance(values, Sequence) and not values.items,
        )

    def _comps(self, node: Node) -> Comps:
        return Comps(self._one_or_more(node, "comps"), not isinstance(node, Sequence), node.span)

    def _one_or_more(self, node: Node, key: str) -> tuple[Text, ...]:
        if not isinstance(node, Sequence):
            return (self.text(node, key),)
        if not node.items:
            raise self.refuse(node, f"`{key}` is an empty list", "write one text, or a list of one or more")
        return self.texts(node, key)

    def error(self, span: Span, message: str, hint: str | None = None) -> None:
        """Report that something has not the shape of a rule file."""
        self.report.add(Diagnostic(Code.YAML_VALIDATE, message, span, self.item, hint))

    def refuse(self, node: Node, message: str, hint: str | None = None) -> UnusableError:
        """Report a value; the error to raise."""
        self.error(node.span, message, hint)
        return UnusableError(message)

    def warn(self, code: Code, span: Span, message: str, hint: str | None = None) -> None:
        """Report what does not keep the file from being used."""
        self.report.add(Diagnostic(code, message, span, self.item, hint))


def _kind(node: Node) -> str:
    return {Scalar: "single value", Sequence: "list", Mapping: "mapping"}[type(node)]
