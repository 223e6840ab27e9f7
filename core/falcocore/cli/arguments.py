"""Arguments that several commands take."""

from __future__ import annotations

import argparse


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `-r`, `-c` and `-o`: which rules are loaded, and the configuration that selects among them."""
    add_configuration(parser)
    parser.add_argument(
        "-r",
        dest="rules",
        metavar="RULES",
        action="append",
        default=[],
        help="rule file, directory, or pack:NAME (repeatable; default: the packs of the running sources)",
    )


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add `-c` and `-o`."""
    parser.add_argument(
        "-c",
        dest="config",
        metavar="CONFIG",
        help="configuration file, a falco.yaml (default: the first that exists of "
        "$XDG_CONFIG_HOME/falcocore/falcocore.yaml, ~/.config/falcocore/falcocore.yaml where that variable "
        "is not set, and /etc/falcocore/falcocore.yaml)",
    )
    parser.add_argument(
        "-o",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="set a configuration key: -o json_output=true, -o rules[].disable.tag=network (repeatable)",
    )


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add `--source`."""
    parser.add_argument(
        "--source",
        dest="sources",
        metavar="NAME[=TARGET]",
        action="append",
        default=[],
        help="event source: NAME runs live, NAME=TARGET reads a file, a directory, - or a URL (repeatable)",
    )
