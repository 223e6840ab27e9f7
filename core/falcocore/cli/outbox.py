"""`falcocore outbox`: what waits for outputs and what they refused; put it back, or remove it."""

from __future__ import annotations

import argparse
import sys
from typing import Any, TypeVar

import msgspec

from falcocore.cli.figures import count, moment
from falcocore.cli.listing import Row, on_one_line, show
from falcocore.cli.request import open_state
from falcocore.control.client import NotRunningError, ask
from falcocore.control.outbox import Listing, OutboxCommands
from falcocore.control.protocol import ControlError
from falcocore.errors import ConfigError
from falcocore.outbox.letter import Count, Letter, Retried, State
from falcocore.state import StateDirectory

T = TypeVar("T")


def run(options: argparse.Namespace) -> int:
    """List, show, retry or purge."""
    outbox = _Outbox(open_state(options))
    match options.what:
        case "list":
            return _list(outbox, options)
        case "show":
            return _show(outbox, options.id)
        case "retry":
            return _retry(outbox, options)
        case _:
            return _purge(outbox, options)


class _Outbox:
    """The outbox of a state directory, by way of the process that owns it; without one, opened here."""

    def __init__(self, directory: StateDirectory) -> None:
        self._directory = directory
        self.is_running = True

    def ask(self, answer: type[T], command: str, **arguments: Any) -> T:
        """What becomes of a command.

        Raises:
            ControlError: the process, or the outbox, can't do it.
            ConfigError: the state directory can't be used.
        """
        try:
            said = ask(self._directory, command, **arguments)
        except NotRunningError:
            self.is_running = False
            said = self._do(command, arguments)
        try:
            return msgspec.json.decode(said, type=answer)
        except msgspec.ValidationError as error:
            raise ControlError(
                f"the answer of the running process is not understood: {error}",
                hint="it may be of another version",
            ) from None

    def _do(self, command: str, arguments: dict[str, Any]) -> bytes:
        handle = OutboxCommands(self._directory.outbox).handlers()[command]
        if not self._directory.outbox.exists():
            return msgspec.json.encode(
                handle(arguments)
            )  # It says so; no directory is made to find that out.
        self._directory.own()
        try:
            return msgspec.json.encode(handle(arguments))
        finally:
            self._directory.release()


def _choice(options: argparse.Namespace) -> dict[str, Any]:
    """What is meant, as the commands take it; not each has every argument."""
    ids = getattr(options, "ids", None)
    return {"output": options.output, "dead": getattr(options, "dead", False), "ids": ids or None}


def _list(outbox: _Outbox, options: argparse.Namespace) -> int:
    listing = outbox.ask(Listing, "outbox.list", limit=options.limit, **_choice(options))
    as_json = options.format == "json"
    show([_row(letter, as_json=as_json) for letter in listing.letters], as_json=as_json)
    shown = {state: sum(letter.state is state for letter in listing.letters) for state in State}
    for state, total in ((State.WAITING, listing.count.waiting), (State.DEAD, listing.count.dead)):
        if total > shown[state]:
            print(  # noqa: T201
                f"{total - shown[state]:,} more are {state.value}; --limit shows more of each output",
                file=sys.stderr,
            )
    return 0


def _row(letter: Letter, *, as_json: bool) -> Row:
    if as_json:
        row: dict[str, Any] = msgspec.to_builtins(letter)
        del row["alert"]
        return row
    return {
        "id": letter.id,
        "output": letter.output,
        "state": letter.state.value,
        "accepted": moment(letter.accepted_s),
        "priority": letter.priority or "?",
        "rule": letter.rule or "it can't be read any more",
        "refused": "" if letter.refused_s is None else moment(letter.refused_s),
        "reason": on_one_line(letter.reason or ""),
    }


def _show(outbox: _Outbox, letter_id: str) -> int:
    letters = outbox.ask(list[Letter], "outbox.show", id=letter_id)
    shown = msgspec.to_builtins(letters[0])
    shown["outputs"] = [letter.output for letter in letters]
    del shown["output"]
    print(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())  # noqa: T201
    return 0


def _retry(outbox: _Outbox, options: argparse.Namespace) -> int:
    retried = outbox.ask(Retried, "outbox.retry", **_choice(options))
    for output, number in retried.queued.items():
        print(f"output {output}: {count(number, 'dead letter')} put back into the queue")  # noqa: T201
    left = [
        f"{count(number, 'dead letter')} of output {output}, which is not configured"
        for output, number in retried.unconfigured.items()
    ]
    if retried.unreadable:
        left.append(f"{count(retried.unreadable, 'dead letter')} that can't be read any more")
    for what in left:
        print(f"left as they are: {what}", file=sys.stderr)  # noqa: T201
    found = sum(retried.queued.values()) + sum(retried.unconfigured.values()) + retried.unreadable
    missing = len(set(options.ids)) - found if options.ids else 0
    if missing:
        print(f"{count(missing, 'id names', 'ids name')} no dead letter", file=sys.stderr)  # noqa: T201
    if not outbox.is_running:
        print("no falcocore is running; what waits is delivered when it starts")  # noqa: T201
    elif not options.ids:
        print("outputs that fail are tried again now")  # noqa: T201
    return 1 if left or missing else 0


def _purge(outbox: _Outbox, options: argparse.Namespace) -> int:
    choice = _choice(options)
    if options.all and options.ids:
        return _wrong_usage("ids and --all are given: which is meant?")
    if not (options.ids or options.all or options.dead or options.output):
        return _wrong_usage("say what is to be removed: ids, --output NAME, --dead, or --all")
    if not options.yes and not _confirmed(outbox.ask(Count, "outbox.count", **choice)):
        return 1
    purged = outbox.ask(Count, "outbox.purge", **choice)
    print(f"{_what(purged)} removed")  # noqa: T201
    return 0 if purged.waiting or purged.dead or not options.ids else 1


def _wrong_usage(what: str) -> int:
    print(f"falcocore outbox purge: {what}", file=sys.stderr)  # noqa: T201
    return 2


def _what(found: Count) -> str:
    return f"{count(found.waiting, 'waiting alert')} and {count(found.dead, 'dead letter')}"


def _confirmed(found: Count) -> bool:
    """Whether the user says yes to that.

    Raises:
        ConfigError: there is nobody to ask.
    """
    if not (sys.stdin and sys.stdin.isatty()):
        raise ConfigError(f"{_what(found)} would be removed for good", hint="say --yes to do so")
    try:
        return input(f"Remove {_what(found)} for good? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
