"""Fields that count: 1, or a number of bytes, for the events that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Field, FieldType
from falcocore_syscall.event import Event
from falcocore_syscall.fields.events import buffer_length, category, failed
from falcocore_syscall.tables import EVENTS, EventFlag

_PROCINFO = 234
_NAMED_ERRORS = ("file", "net", "memory")


def _one_if(test: Callable[[Event], object]) -> Callable[[Event], int | None]:
    return lambda event: 1 if test(event) else None


def _fails_with(wanted: str) -> Callable[[Event], bool]:
    return lambda event: bool(failed(event)) and category(event) == wanted


def _length_if(wanted: str | None, direction: EventFlag | None) -> Callable[[Event], int | None]:
    def get(event: Event) -> int | None:
        if direction is not None and direction not in EVENTS[event.type].flags:
            return None
        if wanted is not None and category(event) != wanted:
            return None
        return buffer_length(event)

    return get


def count_fields() -> Iterator[Field]:
    """Fields `evt.count*`, `evt.buflen*` and `util.cnt`."""
    tests: dict[str, tuple[str, Callable[[Event], object]]] = {
        "evt.count": ("1 for every event.", lambda _event: True),
        "evt.count.error": ("1 for system calls that have failed.", failed),
        "evt.count.exit": ("1 for events after something has happened.", lambda e: e.type % 2),
        "evt.count.procinfo": ("1 for the events that tell how busy a process is.", _is_procinfo),
        "evt.count.threadinfo": ("The same.", _is_procinfo),
        "evt.count.error.other": (
            "1 for failed system calls that are not about files, network or memory.",
            lambda e: failed(e) and category(e) not in _NAMED_ERRORS,
        ),
        **{
            f"evt.count.error.{kind}": (f"1 for failed system calls of category {kind}.", _fails_with(kind))
            for kind in _NAMED_ERRORS
        },
    }
    for name, (doc, test) in tests.items():
        yield Field(name, FieldType.UINT32, doc, _one_if(test))
    length = "Bytes that were read or written"
    for kind, about in ((None, ""), ("file", " of a file"), ("net", " of the network")):
        base = "evt.buflen" if kind is None else f"evt.buflen.{kind}"
        yield Field(base, FieldType.UINT64, f"{length}{about}.", _length_if(kind, None))
        for suffix, direction, done in (
            ("in", EventFlag.READS_FROM_FD, "read"),
            ("out", EventFlag.WRITES_TO_FD, "written"),
        ):
            doc = f"Bytes that were {done}{about}."
            yield Field(f"{base}.{suffix}", FieldType.UINT64, doc, _length_if(kind, direction))
    yield Field("util.cnt", FieldType.UINT64, "A number that grows with each event.", lambda e: e.num)


def _is_procinfo(event: Event) -> bool:
    return event.type == _PROCINFO
