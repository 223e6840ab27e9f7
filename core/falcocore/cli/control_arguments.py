"""Arguments of the commands about a running process, its outbox and its outputs."""

from __future__ import annotations

import argparse

from falcocore.cli.arguments import add_configuration, add_rule_arguments, add_sources


def add_status(parser: argparse.ArgumentParser) -> None:
    """Add what `falcocore status` takes."""
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_configuration(parser)


def add_outbox(parser: argparse.ArgumentParser) -> None:
    """Add what `falcocore outbox` takes."""
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    about = "List what waits and dead letters, the oldest first."
    listing = commands.add_parser("list", help="list what waits and dead letters", description=about)
    listing.add_argument("--dead", action="store_true", help="dead letters only")
    listing.add_argument(
        "--limit",
        type=int,
        default=100,
        metavar="N",
        help="so many of each output's waiting alerts and dead letters (default: 100)",
    )
    listing.add_argument("--format", choices=("text", "json"), default="text")
    about = "Show a whole alert as JSON, and why it was refused."
    showing = commands.add_parser("show", help="show one as JSON", description=about)
    showing.add_argument("id", metavar="ID", help="as `falcocore outbox list` shows it")
    about = (
        "Put dead letters back into the queues of their outputs, all or those that are named; "
        "without ids, outputs that fail are tried again at once, too."
    )
    retrying = commands.add_parser("retry", help="put dead letters back, try again now", description=about)
    about = "Remove waiting alerts and dead letters for good. What is just being sent may still arrive."
    purging = commands.add_parser("purge", help="remove waiting alerts and dead letters", description=about)
    for command in (retrying, purging):
        command.add_argument("ids", nargs="*", metavar="ID", help="as `falcocore outbox list` shows them")
    purging.add_argument("--all", action="store_true", help="everything of all outputs")
    purging.add_argument("--dead", action="store_true", help="dead letters only")
    purging.add_argument("--yes", action="store_true", help="don't ask")
    for command in (listing, retrying, purging):
        command.add_argument("--output", metavar="NAME", help="those of this output only")
    for command in (listing, showing, retrying, purging):
        add_configuration(command)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add what `falcocore output` takes."""
    commands = parser.add_subparsers(dest="what", metavar="COMMAND", required=True)
    about = "Send a test alert to an output, and show what is said. A running process has no part in it."
    testing = commands.add_parser("test", help="send a test alert", description=about)
    testing.add_argument(
        "name", nargs="?", metavar="NAME", help="name of the output in the configuration (default: all)"
    )
    add_configuration(testing)


def add_doctor(parser: argparse.ArgumentParser) -> None:
    """Add what `falcocore doctor` takes."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="file of the setup to look at, too, such as the kube-apiserver's audit policy or webhook "
        "configuration",
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print the findings as JSON")
    add_sources(parser)
    add_rule_arguments(parser)
