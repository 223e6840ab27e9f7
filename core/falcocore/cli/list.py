"""`falcocore list`: sources, fields, rules, outputs and plugins that are there."""

from __future__ import annotations

import argparse
import sys

from falcocore.cli.listing import Row, first_line, show
from falcocore.cli.request import load_rules, open_rules
from falcocore.errors import PluginError, nearest
from falcocore.fields import Field
from falcocore.host import PluginHost
from falcocore.options import options_of


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
            from falcocore.cli.plugins import plugin_rows

            show(plugin_rows(PluginHost().points()), as_json=as_json)
        case "sources":
            host = PluginHost()
            show([_class_row(host.source(n), n) for n in host.names("source")], as_json=as_json)
        case _:
            host = PluginHost()
            show([_class_row(host.output(n), n) for n in host.names("output")], as_json=as_json)
    return 0


def list_fields(source: str | None, *, as_json: bool) -> int:
    """The fields of one source, or of all."""
    host = PluginHost()
    known = sorted({*host.field_sources(), *host.names("source")})
    if source is not None and source not in known:
        near = nearest(source, known)
        hint = f"did you mean {near}?" if near else f"sources with fields: {', '.join(known) or 'none'}"
        raise PluginError(f"there is no source {source!r}", hint=hint)
    rows: list[Row] = [
        _field_row(name, field) for name in ([source] if source else known) for field in host.fields_for(name)
    ]
    show(rows, as_json=as_json)
    return 0


def _field_row(source: str, field: Field) -> Row:
    argument = ""
    if field.argument is not None:
        word = field.argument.kind.value
        shown = f"[{word}] or .{word}" if field.argument.dotted else f"[{word}]"
        argument = shown if field.argument.required else f"({shown})"
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
    options = ", ".join(f"{o.name}: {o.type_name}" for o in options_of(cls).values())
    return {"name": name, "description": first_line(cls), "options": options}


def _list_rules(options: argparse.Namespace, *, as_json: bool) -> int:
    """Rules of the files that a run with the same arguments would load."""
    loaded = load_rules(open_rules(options))
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
    show(rows, as_json=as_json)
    return 1 if loaded.errors else 0
