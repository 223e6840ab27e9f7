"""The commands about the outbox: a running process answers them, or without one `falcocore outbox` itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from falcocore.control.protocol import ControlError, Handler, taking
from falcocore.errors import nearest
from falcocore.outbox.letter import Count, Letter, Retried, Selection, State, parse_id

if TYPE_CHECKING:
    from falcocore.outbox.letters import Letters

MOST_ROWS = 10_000
"""Of each output's queue and dead letters in one answer."""


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """Which letters are meant. Without ids, all of the output, or of all outputs."""

    output: str | None = None
    dead: bool = False
    ids: list[str] | None = None

    def selection(self, state: State | None = None) -> Selection:
        """The selection; `state` narrows it further.

        Raises:
            ControlError: a text that is no id.
        """
        try:
            for text in self.ids or ():
                parse_id(text)
        except ValueError as error:
            raise ControlError(str(error), hint="`falcocore outbox list` shows them") from None
        ids = None if self.ids is None else frozenset(self.ids)
        return Selection(self.output, State.DEAD if self.dead else state, ids)


class ListArguments(Choice):
    """What `outbox.list` takes."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)] = 100


class ShowArguments(msgspec.Struct, forbid_unknown_fields=True):
    """What `outbox.show` takes."""

    id: str


class Listing(msgspec.Struct, frozen=True):
    """Letters, and how many there are without the limit."""

    letters: list[Letter]
    count: Count


class OutboxCommands:
    """Works on the database at a path.

    `on_change` is called with the outputs whose queues were changed, or that are to be tried now; None stands
    for all.
    """

    def __init__(
        self, path: Path, on_change: Callable[[set[str] | None], None] = lambda _outputs: None
    ) -> None:
        self._path = path
        self._on_change = on_change

    def handlers(self) -> dict[str, Handler]:
        """The commands by name."""
        return {
            "outbox.list": taking(ListArguments, self._list),
            "outbox.show": taking(ShowArguments, self._show),
            "outbox.count": taking(Choice, self._count),
            "outbox.retry": taking(Choice, self._retry),
            "outbox.purge": taking(Choice, self._purge),
        }

    @contextlib.contextmanager
    def _open(self, output: str | None = None) -> Iterator[Letters]:
        """The database; errors of SQLite become answers.

        Raises:
            ControlError: there is none, it can't be used, or it knows no such output.
        """
        # SQLite is imported where it is used: a replay to a terminal has these commands, and no outbox.
        import sqlite3

        from falcocore.outbox.letters import Letters
        from falcocore.outbox.outbox import reason_of
        from falcocore.outbox.schema import DamagedError

        if not self._path.exists():
            raise ControlError(
                f"there is no outbox in {self._path.parent}",
                hint="name its directory with -o outbox.path=DIR, or the configuration with -c",
            )
        try:
            with contextlib.closing(Letters(self._path)) as letters:
                _check_output(output, letters.outputs())
                yield letters
        except (sqlite3.Error, OSError, DamagedError) as error:
            raise ControlError(f"the outbox {self._path} can't be used: {reason_of(error)}") from None

    def _list(self, arguments: ListArguments) -> Listing:
        selection = arguments.selection()
        with self._open(arguments.output) as letters:
            return Listing(letters.select(selection, arguments.limit), letters.count(selection))

    def _show(self, arguments: ShowArguments) -> list[Letter]:
        selection = Choice(ids=[arguments.id]).selection()
        with self._open() as letters:
            found = letters.select(selection, 1, whole=True)
        if not found:
            raise ControlError(
                f"there is no {arguments.id} in the outbox",
                hint="it may have been delivered meanwhile; `falcocore outbox list` shows what is there",
            )
        return found

    def _count(self, choice: Choice) -> Count:
        selection = choice.selection()
        with self._open(choice.output) as letters:
            return letters.count(selection)

    def _retry(self, choice: Choice) -> Retried:
        selection = choice.selection(State.DEAD)
        with self._open(choice.output) as letters:
            retried = letters.retry(selection)
        self._on_change(set(retried.queued) if choice.ids is not None else _outputs(choice))
        return retried

    def _purge(self, choice: Choice) -> Count:
        selection = choice.selection()
        with self._open(choice.output) as letters:
            purged = letters.purge(selection)
        self._on_change(_outputs(choice))
        return purged


def _outputs(choice: Choice) -> set[str] | None:
    return None if choice.output is None else {choice.output}


def _check_output(output: str | None, known: list[str]) -> None:
    if output is not None and output not in known:
        near = nearest(output, known)
        hint = f"did you mean {near}?" if near else f"outputs are {', '.join(known) or 'none'}"
        raise ControlError(f"the outbox knows no output {output!r}", hint=hint)
