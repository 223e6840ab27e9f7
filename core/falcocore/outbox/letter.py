"""What commands about the outbox name and tell: waiting alerts and dead letters, both called letters."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import msgspec


class State(enum.Enum):
    """Where an alert stands."""

    WAITING = "waiting"
    DEAD = "dead"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """An alert in the queue of an output, or a dead letter of it.

    `id` is its name for these commands: a number where it waits, for one or several outputs; `d` and a
    number for a dead letter. Times in seconds since 1970. `rule` and `priority` are None where it can't be
    read any more.
    """

    id: str
    output: str
    state: State
    alert_id: str
    accepted_s: int
    refused_s: int | None = None
    rule: str | None = None
    priority: str | None = None
    reason: str | None = None
    """Why its receiver has refused it."""
    alert: dict[str, Any] | None = None
    """The whole alert; only where one is asked for."""


class Count(msgspec.Struct, frozen=True):
    """How many there are. An alert counts once for each output that it waits for."""

    waiting: int
    dead: int


class Retried(msgspec.Struct, frozen=True):
    """Dead letters by what became of them.

    `queued` are by output; those of outputs that are not configured, and those that can't be read any more,
    stay where they are.
    """

    queued: dict[str, int]
    unconfigured: dict[str, int]
    unreadable: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant: all for which everything that is given holds."""

    output: str | None = None
    state: State | None = None
    ids: frozenset[str] | None = None

    def numbers(self, state: State) -> list[int] | None:
        """The numbers of the ids that are of this state; None where all are meant."""
        if self.state is not None and self.state is not state:
            return []
        if self.ids is None:
            return None
        parsed = (parse_id(text) for text in self.ids)
        return sorted(number for found, number in parsed if found is state)


def parse_id(text: str) -> tuple[State, int]:
    """What an id stands for.

    Raises:
        ValueError: it is none.
    """
    state, digits = (State.DEAD, text[1:]) if text.startswith("d") else (State.WAITING, text)
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > 18:
        raise ValueError(f"{text!r} is no id: one is a number, or d and a number for a dead letter")
    return state, int(digits)
