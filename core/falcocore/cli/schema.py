"""`falcocore schema`: what a configuration, a rule file or a test file may hold, for editors and checks."""

from __future__ import annotations

import argparse
import json
from typing import Any

from falcocore.host import PluginHost


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(_schema(options.what), indent=2, ensure_ascii=False))  # noqa: T201
    return 0


def _schema(what: str) -> dict[str, Any]:
    host = PluginHost()
    match what:
        case "rules":
            from falcocore.rules.json_schema import rules_schema

            return rules_schema(sorted({*host.names("source"), *host.field_sources()}))
        case "tests":
            from falcocore.ruletest.schema import case_file_schema

            return case_file_schema()
        case _:
            from falcocore.config.schema import config_schema
            from falcocore.options import options_of

            sources = {name: options_of(host.source(name)) for name in host.names("source")}
            outputs = {name: options_of(host.output(name)) for name in host.names("output")}
            return config_schema(sources, outputs)
