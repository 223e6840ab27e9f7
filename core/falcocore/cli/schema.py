"""`falcocore schema`: what a configuration may hold, for editors and for checks."""

from __future__ import annotations

import argparse
import json

from falcocore.config.schema import config_schema
from falcocore.host import PluginHost
from falcocore.options import options_of


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - there is one schema only, so far
    """Print the schema."""
    host = PluginHost()
    sources = {name: options_of(host.source(name)) for name in host.names("source")}
    outputs = {name: options_of(host.output(name)) for name in host.names("output")}
    print(json.dumps(config_schema(sources, outputs), indent=2, ensure_ascii=False))  # noqa: T201
    return 0
