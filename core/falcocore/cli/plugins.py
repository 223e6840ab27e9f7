"""`falcocore list plugins`: what each entry point offers, with the options that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from falcocore.cli.listing import Row, first_line, on_one_line
from falcocore.errors import FalcocoreError
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.host import HOOKS, PluginHost
from falcocore.options import REQUIRED, Option, options_of


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One option, as it is shown."""

    name: str
    type: str
    required: bool
    default: Any
    doc: str

    @classmethod
    def of(cls, option: Option) -> OptionRow:
        """The row of a declared option."""
        required = option.default is REQUIRED
        default = None if required else option.plain_default
        return cls(option.name, option.type_name, required, default, on_one_line(option.doc))

    def __str__(self) -> str:
        default = ", required" if self.required else f" = {self.default!r}"
        return f"{self.name}: {self.type}{default}{f' ({self.doc})' if self.doc else ''}"


def plugin_rows(points: list[EntryPoint]) -> list[Row]:
    """One row for each entry point. A broken one has its error there, and spoils no other."""
    rows: list[Row] = []
    for point in points:
        # A host of its own, so that another plugin, be it one that adds fields to the same source, spoils
        # nothing here. Those of the same name clash and are shown together.
        host = PluginHost(other for other in points if other.name == point.name)
        offers, error = "", ""
        options: list[OptionRow] = []
        try:
            offers, options = _offer(host, point)
        except FalcocoreError as broken:
            error = on_one_line(broken.message)
        except (Exception, SystemExit) as broken:  # whatever a plugin's code does
            error = on_one_line(f"{type(broken).__name__}: {broken}")
        rows.append(
            {
                "entry point": point.name,
                "module": point.value,
                "distribution": point.dist.name if point.dist else "",
                "version": point.dist.version if point.dist else "",
                "offers": offers,
                "options": options,
                "error": error,
            }
        )
    return rows


def _offer(host: PluginHost, point: EntryPoint) -> tuple[str, list[OptionRow]]:
    """What an entry point stands for, in a few words, and its options."""
    kind, _, name = point.name.partition(".")
    match kind:
        case "source":
            return _class_offer(host.source(name))
        case "output":
            return _class_offer(host.output(name))
        case "fields":
            source = name.partition(".")[0]
            count = sum(field not in GENERIC_FIELDS for field in host.fields_for(source))
            return f"{count} {'field' if count == 1 else 'fields'} of {source}", []
        case "rules":
            pack = host.pack(name)
            return f"{', '.join(file.name for file in pack.files)} ({pack.version})", []
        case "command":
            return on_one_line(host.command(name).help), []
        case _:
            kinds = ", ".join(HOOKS)
            raise FalcocoreError(f"its name says nothing: it begins with a kind and a dot; kinds are {kinds}")


def _class_offer(cls: type) -> tuple[str, list[OptionRow]]:
    return first_line(cls), [OptionRow.of(option) for option in options_of(cls).values()]
