"""One condition by itself, for commands that choose events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from falcocore.errors import ConfigError
from falcocore.host import PluginHost
from falcocore.lang.bound import BoundField, BoundNode
from falcocore.lang.compile import Program
from falcocore.lang.diagnostics import ConditionError
from falcocore.lang.standalone import bind_condition
from falcocore.lang.text import Text
from falcocore.stream import Stream


@dataclass(frozen=True, slots=True)
class _Choice:
    condition: BoundNode
    captures: tuple[BoundField, ...] = ()


def condition_function(condition: str, source: str, where: str) -> Callable[[Any], bool]:
    """Which events of a source a condition is true of, as in a rule; there are no macros and lists.

    `where` is what the condition was given as, for messages. A field that can't be read is absent. The
    function counts its calls, for `evt.num`.

    Raises:
        ConfigError: it can't be parsed, or names a field that is not there; the message has a caret.
        PluginError: the fields of the source are not installed, or broken.
    """
    table = PluginHost().fields_for(source)
    try:
        bound = bind_condition(Text.plain(condition, where), table, where)
    except ConditionError as error:
        said = "\n".join(map(str, error.all))
        raise ConfigError(f"{where}: the condition can't be used\n{said}") from None
    match = Program([_Choice(bound)], first=True).link(_guarded)
    stream = Stream(source, source, source, "")

    def chosen(event: Any) -> bool:
        stream.num += 1
        if stream.first_time_ns is None:
            stream.first_time_ns = event.time_ns
        return bool(match(event, stream))

    return chosen


def _guarded(_bound: BoundField, getter: Callable[..., Any]) -> Callable[..., Any]:
    def read(*arguments: Any) -> Any:
        try:
            return getter(*arguments)
        except Exception:  # whatever a plugin raises
            return None

    return read
