"""Fields of the descriptors that a call waits for, with commas between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Field
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import text
from falcocore_syscall.rendering import fd_list
from falcocore_syscall.state.fds import Fd, SocketFd, address_text
from falcocore_syscall.tables import EVENTS, ParamType

_LISTS = {
    kind: number
    for kind, info in enumerate(EVENTS)
    for number, param in enumerate(info.params)
    if param.type is ParamType.FDLIST
}
"""Types of events with such a list, and the parameter that has it."""

Show = Callable[[int, Fd | None], str]


def _joined(show: Show) -> Callable[[Event], str | None]:
    def get(event: Event) -> str | None:
        number = _LISTS.get(event.type)
        raw = None if number is None else event.raw(number)
        return ",".join(show(fd, entry) for fd, _, entry in fd_list(event, raw)) if raw else None

    return get


def _of_socket(show: Callable[[SocketFd], str]) -> Show:
    return lambda _fd, entry: show(entry) if isinstance(entry, SocketFd) else ""


def fdlist_fields() -> Iterator[Field]:
    """Fields `fdlist.*`."""
    each = "of each descriptor that poll waits for."
    yield text("fdlist.nums", f"Number {each}", _joined(lambda fd, _entry: str(fd)))
    yield text(
        "fdlist.names", f"Name {each}", _joined(lambda _fd, entry: "" if entry is None else entry.name)
    )
    yield text("fdlist.cips", f"Client's address {each}", _joined(_of_socket(lambda it: _text(it.source))))
    yield text(
        "fdlist.sips", f"Server's address {each}", _joined(_of_socket(lambda it: _text(it.destination)))
    )
    yield text("fdlist.cports", f"Client's port {each}", _joined(_of_socket(lambda it: str(it.sport))))
    yield text("fdlist.sports", f"Server's port {each}", _joined(_of_socket(lambda it: str(it.dport))))


def _text(address: bytes) -> str:
    return address_text(address) if address else ""
