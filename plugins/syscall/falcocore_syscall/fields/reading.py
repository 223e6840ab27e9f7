"""What the declarations of fields share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from falcocore.api import Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.state.fds import Fd
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import EventFlag, with_flag

Get: TypeAlias = Callable[[Event], Value]
T = TypeVar("T")

FD_TYPES = with_flag(EventFlag.CREATES_FD, EventFlag.USES_FD, EventFlag.DESTROYS_FD)
"""Events that have fields of a descriptor."""


def text(name: str, doc: str, getter: Get, *, deprecated: bool = False) -> Field:
    """A field with a text."""
    return Field(name, FieldType.STRING, doc, getter, deprecated=deprecated)


def flag(name: str, doc: str, getter: Get, *, deprecated: bool = False) -> Field:
    """A field that is true or false."""
    return Field(name, FieldType.BOOL, doc, getter, deprecated=deprecated)


def absent(_event: Event) -> None:
    """The getter of fields for which nothing is recorded."""


def of_thread(get: Callable[[Thread], Value]) -> Get:
    """A getter that reads the thread of the event; absent where nobody has made it."""

    def getter(event: Event) -> Value:
        thread = event.thread
        return None if thread is None else get(thread)

    return getter


def has_fd(event: Event) -> bool:
    """True for events about a descriptor, made by a thread."""
    return event.type in FD_TYPES and event.thread is not None


def of_fd(get: Callable[[Fd], Value]) -> Get:
    """A getter that reads the entry of the event's descriptor; absent where there is none."""

    def getter(event: Event) -> Value:
        if event.type not in FD_TYPES or event.thread is None:
            return None
        entry = event.find_fd()
        return None if entry is None else get(entry)

    return getter


def vector(raw: bytes) -> list[str]:
    """The texts of a vector that are divided by NUL; one at the end ends the last text."""
    if not raw:
        return []
    whole = raw[:-1] if raw[-1] == 0 else raw
    return whole.decode("utf-8", "surrogateescape").split("\0")
