"""`falcocore list`: sources, fields, rules, outputs and plugins that are there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from falcocore.app import open_project
from falcocore.cli.request import print_note, request_of
from falcocore.errors import PluginError, nearest
from falcocore.fields import Field
from falcocore.host import PluginHost
from falcocore.options import options_of

Row = dict[str, str]


def run(options: argparse.Namespace) -> int:
    """List what was asked for."""
    as_json = options.format == "json"
    if options.name is not None and options.what != "fields":
        print(  # noqa: T201
            f"falcocore list {options.what}: {options.name!r} is one argument too many\n"
            "  only `falcocore list fields` takes the name of a source",
            file=sys.stderr,
        )
        return 2
    match options.what:
        case "fields":
            return list_fields(options.name, as_json=as_json)
        case "rules":
            return _list_rules(options, as_json=as_json)
        case "plugins":
            return _show(_plugins(PluginHost()), as_json=as_json)
        case "sources":
            host = PluginHost()
            return _show([_class_row(host.source(n), n) for n in host.names("source")], as_json=as_json)
        case _:
            host = PluginHost()
            return _show([_class_row(host.output(n), n) for n in host.names("output")], as_json=as_json)


def list_fields(source: str | None, *, as_json: bool) -> int:
    """The fields of one source, or of all."""
    host = PluginHost()
    known = sorted({*host.field_sources(), *host.names("source")})
    if source is not None and source not in known:
        near = nearest(source, known)
        hint = f"did you mean {near}?" if near else f"sources with fields: {', '.join(known) or 'none'}"
        raise PluginError(f"there is no source {source!r}", hint=hint)
    rows = [
        _field_row(name, field) for name in ([source] if source else known) for field in host.fields_for(name)
    ]
    return _show(rows, as_json=as_json)


def _field_row(source: str, field: Field) -> Row:
    argument = ""
    if field.argument is not None:
        word = field.argument.kind.value
        argument = f"[{word}]" if field.argument.required else f"([{word}])"
    kind = f"LIST({field.type.label})" if field.is_list else field.type.label
    return {
        "source": source,
        "field": field.name,
        "argument": argument,
        "type": kind,
        "description": field.doc,
        "needs": ", ".join(field.needs),
    }


def _class_row(cls: type, name: str) -> Row:
    doc = (cls.__doc__ or "").strip().splitlines()
    options = ", ".join(f"{o.name}: {o.type_name}" for o in options_of(cls).values())
    return {"name": name, "description": doc[0] if doc else "", "options": options}


def _plugins(host: PluginHost) -> list[Row]:
    return [
        {
            "entry point": point.name,
            "module": point.value,
            "distribution": point.dist.name if point.dist else "",
            "version": point.dist.version if point.dist else "",
        }
        for point in host.points()
    ]


def _list_rules(options: argparse.Namespace, *, as_json: bool) -> int:
    """Rules of the files that a run with the same arguments would load."""
    project = open_project(request_of(options), print_note)
    if not project.rule_files:
        project.rule_files = [
            file for name in project.host.names("rules") for file in project.host.pack(name).files
        ]
    loaded = project.load_rules()
    for error in loaded.errors:
        print(error, file=sys.stderr)  # noqa: T201
    for selection in loaded.idle_selections:
        print_note(f"`rules` in the configuration: `{selection}` fits no rule")
    rows = [
        {
            "rule": rule.definition.name,
            "source": rule.definition.source,
            "priority": rule.definition.priority.label,
            "tags": ", ".join(rule.definition.tags),
            "runs": "no" if rule.reason else "yes",
            "why not": rule.reason or "",
        }
        for rule in loaded.rules
    ]
    _show(rows, as_json=as_json)
    return 1 if loaded.errors else 0


def _show(rows: Sequence[Row], *, as_json: bool) -> int:
    """A table on a terminal, columns split by tabs elsewhere, or JSON."""
    if as_json:
        import msgspec

        print(msgspec.json.encode(rows).decode())  # noqa: T201
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        for row in rows:
            print("\t".join(row.values()))  # noqa: T201
    return 0


def _print_table(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    used = [name for name in (rows[0] if rows else ()) if any(row[name] for row in rows)]
    table = Table(*used, box=None, header_style="bold")
    for row in rows:
        cells: list[Any] = [row[name] for name in used]
        table.add_row(*cells)
    Console(markup=False).print(table)
