"""Which alerts an output wants: by priority, rule, tag, source, and a condition over the alert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from falcocore.errors import ConfigError
from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import ConditionError
from falcocore.lang.standalone import bind_condition
from falcocore.lang.text import Text
from falcocore.output import Alert
from falcocore.rules.selection import fits_pattern
from falcocore.types import FieldType, Priority


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says of one output's alerts; an empty part says nothing.

    Of each part that is given, one entry has to fit. `rules` may hold `*`.
    """

    least: Priority = Priority.DEBUG
    rules: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    condition: str | None = None

    def function(self, where: str) -> Callable[[Alert], bool]:
        """The function that tells whether an alert is wanted; `where` names the output for messages.

        Raises:
            ConfigError: the condition can't be used.
        """
        if self == Wanted():
            return lambda _alert: True
        holds = _condition(self.condition, where) if self.condition else lambda _alert: True

        def wants(alert: Alert) -> bool:
            return (
                alert.priority <= self.least
                and (not self.sources or alert.source in self.sources)
                and (not self.tags or not self.tags.isdisjoint(alert.tags))
                and (not self.rules or any(fits_pattern(alert.rule, pattern) for pattern in self.rules))
                and holds(alert)
            )

        return wants


def _text(value: Any) -> str | None:
    """A value of `output_fields` as conditions see it."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return f"({','.join(str(item) for item in value)})"
        case _:
            return str(value)


def _field(key: str) -> Callable[[Alert], str | None]:
    return lambda alert: _text(alert.output_fields.get(key))


def _label(key: str) -> Callable[[Alert], str | None]:
    return lambda alert: alert.labels.get(key)


_KEYED = Argument(ArgumentKind.KEY, required=True)

ALERT_FIELDS: tuple[Field, ...] = (
    Field("alert.rule", FieldType.STRING, "Name of the rule.", lambda alert: alert.rule),
    Field("alert.priority", FieldType.STRING, "Priority, such as Warning.", lambda a: a.priority.label),
    Field(
        "alert.severity",
        FieldType.UINT64,
        "Priority as a number from 0, emergency, to 7, debug.",
        lambda alert: int(alert.priority),
    ),
    Field("alert.source", FieldType.STRING, "Source of the event.", lambda alert: alert.source),
    Field("alert.tags", FieldType.STRING, "Tags of the rule.", lambda a: list(a.tags), is_list=True),
    Field("alert.hostname", FieldType.STRING, "Host that falcocore runs on.", lambda alert: alert.hostname),
    Field("alert.message", FieldType.STRING, "The rendered output of the rule.", lambda a: a.message),
    Field("alert.time", FieldType.ABSTIME, "Time of the event, nanoseconds since 1970.", lambda a: a.time_ns),
    Field(
        "alert.field",
        FieldType.STRING,
        "An output field, such as alert.field[ka.user.name], as text.",
        _field,
        argument=_KEYED,
    ),
    Field(
        "alert.label",
        FieldType.STRING,
        "Where the event came from, such as alert.label[cluster] and alert.label[instance].",
        _label,
        argument=_KEYED,
    ),
)
"""What a condition of an output may read."""


@dataclass(frozen=True, slots=True)
class _Filter:
    condition: BoundNode
    captures: tuple[BoundField, ...] = ()


def _condition(condition: str, where: str) -> Callable[[Alert], bool]:
    table = FieldTable("alert", ((field, "falcocore") for field in ALERT_FIELDS))
    try:
        bound = bind_condition(Text.plain(condition, f"{where}.condition"), table, where)
    except ConditionError as error:
        said = "\n".join(map(str, error.all))
        raise ConfigError(f"{where}: its condition can't be used\n{said}") from None
    match = Program([_Filter(bound)], first=True).link()
    return lambda alert: bool(match(alert, None))
