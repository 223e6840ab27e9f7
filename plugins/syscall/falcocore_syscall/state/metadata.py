"""Events that tell about containers, users and groups; no thread has made them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from falcocore_syscall.event import Event
from falcocore_syscall.scap.records import GroupRecord, UserRecord

if TYPE_CHECKING:
    from falcocore_syscall.state.machine import Machine

log = logging.getLogger("falcocore.syscall")

CONTAINER, USER_ADDED, USER_DELETED, GROUP_ADDED, GROUP_DELETED, ASYNC = 324, 354, 356, 358, 360, 402
INITIAL = frozenset({CONTAINER, USER_ADDED, USER_DELETED, GROUP_ADDED, GROUP_DELETED, ASYNC})
"""Types that belong to the initial state where a capture begins with them."""


def apply(machine: Machine, event: Event) -> None:
    """Take what an event tells."""
    accounts = machine.accounts
    kind = event.type
    if kind == CONTAINER:
        _add_container(machine, event.text_bytes(0))
    elif kind == ASYNC:
        name, data = event.text(1), (event.raw(2) or b"").rstrip(b"\0")
        if name == "container":
            _add_container(machine, data)
        elif name == "container_removed":
            machine.containers.remove_json(data)
    elif kind == USER_ADDED:
        user = UserRecord(event.number(0), event.number(1), event.text(2), event.text(3), event.text(4))
        accounts.add(event.text(5), user)
    elif kind == USER_DELETED:
        accounts.remove_user(event.text(5), event.number(0))
    elif kind == GROUP_ADDED:
        accounts.add(event.text(2), GroupRecord(event.number(0), event.text(1)))
    elif kind == GROUP_DELETED:
        accounts.remove_group(event.text(2), event.number(0))


def _add_container(machine: Machine, text: bytes) -> None:
    try:
        machine.containers.add_json(text)
    except ValueError as error:
        log.warning("%s", error)
