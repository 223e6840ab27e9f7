"""What `falcocore doctor` asks of sources: whether all is there that they need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from falcocore.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do where it is not `ok`.

    One that is `ok` and has a remedy is a warning: it works, but less well than it could.
    """

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a source is told when it is asked for its findings.

    `rules` are those that its events would be matched with, None where they can't be used. `events` is how
    many have come to the same source of the running process, None where none is running. `files` belong to
    the setup and were named on the command line; each is for the source that it means something to.
    """

    rules: RuleSet | None = None
    events: int | None = None
    files: tuple[Path, ...] = ()
