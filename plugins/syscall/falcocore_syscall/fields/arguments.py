"""Fields of an event's arguments, by name or number."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Argument, ArgumentKind, Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import text
from falcocore_syscall.rendering import arguments_text, render
from falcocore_syscall.tables import EVENTS, GENERIC, ParamType

_NUMBERS: dict[str, dict[int, int]] = {}
"""For each name of a parameter the types that have it, and its number there."""
for _kind, _info in enumerate(EVENTS):
    for _number, _param in enumerate(_info.params):
        _NUMBERS.setdefault(_param.name, {}).setdefault(_kind, _number)

_TEXTS = frozenset({ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH})
_BUFFERS = frozenset(
    {ParamType.BYTEBUF, ParamType.SOCKADDR, ParamType.SOCKTUPLE, ParamType.FDLIST, ParamType.DYN}
    | {ParamType.CHARBUFARRAY, ParamType.CHARBUF_PAIR_ARRAY, ParamType.NONE}
)
_ADDRESSES = frozenset({ParamType.IPV4ADDR, ParamType.IPV6ADDR, ParamType.IPADDR})
_SIGNED = frozenset(
    {ParamType.INT8, ParamType.INT16, ParamType.INT32, ParamType.INT64, ParamType.ERRNO}
    | {ParamType.FD, ParamType.PID, ParamType.FD32, ParamType.PID32}
)


def _numbers_of(name: str) -> dict[int, int]:
    found = _NUMBERS.get(name)
    if found is None:
        raise ValueError(f"no event has an argument `{name}`")
    return found


def _shown(event: Event, number: int) -> str | None:
    """What the parameter means, else how it is; None where the event has none."""
    if number >= event.count:
        return None
    plain, meaning = render(event, number)
    return meaning or plain


def _argument(name: str | None) -> Callable[[Event], Value]:
    if name is None:
        raise ValueError("it needs the name or the number of an argument")
    if name.isascii() and name.isdigit():
        place = int(name)
        return lambda event: _shown(event, place)
    numbers = _numbers_of(name)

    def get(event: Event) -> Value:
        number = numbers.get(event.type)
        return None if number is None else _shown(event, number)

    return get


def _raw_argument(name: str | None) -> Field:
    """A field with the type that the parameter has; where events differ, with the widest."""
    numbers = _numbers_of(name or "")
    kinds = {EVENTS[kind].params[number].type for kind, number in numbers.items()}
    of, read = _raw_reader(kinds)

    def get(event: Event) -> Value:
        number = numbers.get(event.type)
        if number is None or not event.is_available(number):
            return None
        return read(event, number)

    return Field(f"evt.rawarg.{name}", of, "The argument.", get, transformable=False, usable_on_right=False)


def _raw_reader(kinds: set[ParamType]) -> tuple[FieldType, Callable[[Event, int], Value]]:
    if kinds <= _TEXTS:
        return FieldType.STRING, Event.text
    if kinds <= _ADDRESSES:
        return FieldType.IPADDR, Event.raw
    if kinds & (_TEXTS | _BUFFERS):
        return FieldType.BUFFER, Event.raw
    return (FieldType.INT64, _integer) if kinds & _SIGNED else (FieldType.UINT64, Event.unsigned)


def _integer(event: Event, number: int) -> int | None:
    """Signed where this event's parameter is: one name may stand for both."""
    kind = EVENTS[event.type].params[number].type
    return event.integer(number) if kind in _SIGNED else event.unsigned(number)


def argument_fields() -> Iterator[Field]:
    """Fields `evt.arg*`."""
    every = "All arguments with their names."

    def arguments(event: Event) -> str:
        return "" if event.type in GENERIC else arguments_text(event)

    yield text("evt.args", every, arguments)
    yield text("evt.info", every, arguments)
    yield Field(
        "evt.arg",
        FieldType.STRING,
        "One argument as text, by name or by number: what it means where that is known, else how it is.",
        _argument,
        argument=Argument(ArgumentKind.KEY, required=True, dotted=True),
    )
    yield Field(
        "evt.rawarg",
        FieldType.INT64,
        "One argument as it was recorded, by name; its type is the argument's own.",
        _raw_argument,
        argument=Argument(ArgumentKind.KEY, required=True, dotted=True),
        transformable=False,
        usable_on_right=False,
    )
