"""`falcocore`: arguments to a command, errors to messages and exit statuses."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from falcocore import __version__
from falcocore.cli.arguments import add_configuration, add_rule_arguments, add_sources
from falcocore.cli.control_arguments import add_doctor, add_outbox, add_output, add_status

BUILT_IN = (
    *("run", "validate", "test", "explain", "profile", "list", "describe", "init", "new", "schema"),
    *("status", "outbox", "output", "doctor"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 1 for any failure, 2 for wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            return _dispatch(given)
        finally:
            # A reader that has gone is noticed here, and not while Python exits.
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has gone, as `head` does. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _report(error)


def _dispatch(given: list[str]) -> int:
    parser = _parser()
    command = next((word for word in given if not word.startswith("-")), None)
    if command is not None and command not in BUILT_IN and given[0] == command:
        return _plugin_command(parser, command, given[1:])
    options = parser.parse_args(given)
    if options.list_fields is not None:
        from falcocore.cli.list import list_fields

        return list_fields(options.list_fields or None, as_json=False)
    if options.command is None:
        parser.print_help()
        return 0
    status: int = import_module(f"falcocore.cli.{options.command}").run(options)
    return status


def _report(error: Exception) -> int:
    from falcocore.errors import FalcocoreError

    if isinstance(error, FalcocoreError):
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    import traceback

    traceback.print_exception(error, file=sys.stderr)
    print(  # noqa: T201
        "Error: this is a defect of falcocore or of one of its plugins. "
        "Please report it with the lines above and what you did.",
        file=sys.stderr,
    )
    return 1


def _plugin_command(parser: argparse.ArgumentParser, name: str, given: list[str]) -> int:
    """A sub-command that a plugin offers."""
    from falcocore.errors import nearest
    from falcocore.host import PluginHost

    host = PluginHost()
    if name not in host.names("command"):
        known = [*BUILT_IN, *host.names("command")]
        near = nearest(name, known)
        guess = f"did you mean {near}? " if near else ""
        parser.error(f"there is no command {name!r}: {guess}commands are {', '.join(known)}")
    command = host.command(name)
    own = argparse.ArgumentParser(prog=f"falcocore {name}", description=command.help)
    command.configure(own)
    return command.run(own.parse_args(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="falcocore",
        description="Runtime security: events of several sources, matched against Falco's rules.",
        epilog="`falcocore COMMAND --help` shows a command's arguments. Plugins add commands of their own: "
        "`falcocore list plugins` shows them.",
    )
    parser.add_argument("--version", action="version", version=f"falcocore {__version__}")
    parser.add_argument(
        "--list",
        dest="list_fields",
        nargs="?",
        const="",
        metavar="SOURCE",
        help="list the fields, of one source or of all (as `falcocore list fields`)",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_run(
        commands.add_parser(
            "run", help="match events against rules", description="Match events against rules."
        )
    )
    _add_validate(
        commands.add_parser(
            "validate",
            help="check rule files and show every mistake",
            description="Check rule files, read in the given order, and show every mistake.",
        )
    )
    about = (
        "Run unit tests of rules: events in, and which rules alert. A test file is YAML, its name ends in "
        ".test.yaml, and `falcocore schema tests` tells what is in it."
    )
    _add_test(commands.add_parser("test", help="run unit tests of rules", description=about))
    about = (
        "Show for each event and rule what came of every check, with the values that it read, which rule "
        "alerts, and which others it hides."
    )
    _add_explain(
        commands.add_parser("explain", help="show why rules match events, or don't", description=about)
    )
    about = (
        "Show what rules cost on recorded events: time and matches of each rule and each check, and what "
        "dispatch spares. The events are read several times."
    )
    _add_profile(commands.add_parser("profile", help="show what rules cost", description=about))
    about = "Show what is there."
    _add_list(commands.add_parser("list", help="show what is there", description=about))
    about = "Show what a rule says and what it is made of; without a name, all rules, macros and lists."
    _add_describe(commands.add_parser("describe", help="show what a rule is made of", description=about))
    about = "Write a commented configuration and the bundled rules, for editing. Nothing is overwritten."
    _add_init(
        commands.add_parser("init", help="write a configuration and rules to start from", description=about)
    )
    about = (
        "Write the distribution of a plugin to start from, with a test that passes. Nothing is overwritten."
    )
    _add_new(commands.add_parser("new", help="write a plugin to start from", description=about))
    about = "Print a JSON Schema, for editors and for checks; the options of what is installed are in it."
    _add_schema(
        commands.add_parser("schema", help="print a JSON Schema of what users write", description=about)
    )
    about = "Show how the process that runs with the same configuration is doing."
    add_status(commands.add_parser("status", help="show how a running process is doing", description=about))
    about = (
        "Look after alerts that wait for outputs, and after dead letters: what an output's receiver refused."
    )
    add_outbox(commands.add_parser("outbox", help="look after what waits for outputs", description=about))
    add_output(
        commands.add_parser("output", help="test an output", description="See whether an output delivers.")
    )
    about = (
        "Look whether all is there that the sources need, and say what to do where it is not; status 1 then. "
        "Without --source and `sources` in the configuration, every installed source is looked at."
    )
    add_doctor(commands.add_parser("doctor", help="find what keeps sources from working", description=about))
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    add_sources(parser)
    add_rule_arguments(parser)
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_count,
        help="processes that share the work of each source, where it can be shared (the webhook's can)",
    )


def _count(text: str) -> int:
    """A number of processes.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 on")
    return int(text)


def _add_validate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="rule file, directory, or pack:NAME")
    add_configuration(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings, too")
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif"),
        help="json: Falco's object, with places that count from 1 beside its own; sarif: for code scanning",
    )


def _add_test(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="test file, directory to search for them, or pack:NAME"
    )
    parser.add_argument(
        "-k",
        dest="keywords",
        metavar="TEXT",
        action="append",
        default=[],
        help="only cases whose FILE::NAME contains this text, in any case (repeatable)",
    )
    parser.add_argument("--coverage", action="store_true", help="list what no test covers")
    parser.add_argument(
        "--fail-under", type=float, metavar="PERCENT", help="exit with 1 where less than this is covered"
    )
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML, too")


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rule",
        metavar="NAME",
        action="append",
        default=[],
        help="only this rule, be it one that runs or not (repeatable; default: all that run)",
    )
    parser.add_argument(
        "--source",
        dest="sources",
        metavar="NAME[=EVENTS]",
        action="append",
        default=[],
        help="whose events, and where they are: a file, a directory, or - (default) for stdin (repeatable)",
    )
    parser.add_argument("--brief", action="store_true", help="show only those checks that decided")
    parser.add_argument("--json", action="store_true", help="print an object of JSON for each event")
    add_rule_arguments(parser)


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        dest="sources",
        metavar="NAME=EVENTS",
        action="append",
        default=[],
        help="whose events, and the file or directory where they are (repeatable)",
    )
    parser.add_argument(
        "--top", type=int, default=20, metavar="N", help="rows of each table (default: 20; 0 for all)"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    add_rule_arguments(parser)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("sources", "fields", "rules", "outputs", "plugins"))
    parser.add_argument("name", nargs="?", metavar="SOURCE", help="fields: only those of this source")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_sources(parser)
    add_rule_arguments(parser)


def _add_describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", nargs="?", metavar="RULE", help="name of a rule")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="json: as Falco's -L and -l"
    )
    parser.add_argument("--compiled", action="store_true", help="show the rule's generated code, too")
    parser.add_argument(
        "--key",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="show what is left of the code for events with this value; nothing behind the = is absence",
    )
    parser.add_argument(
        "--push-down",
        action="store_true",
        help="show which events come as far as the rules, and because of which of them",
    )
    add_sources(parser)
    add_rule_arguments(parser)


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        nargs="?",
        metavar="DIR",
        help="where to (default: /etc/falcocore as root, else $XDG_CONFIG_HOME/falcocore "
        "or ~/.config/falcocore)",
    )


def _add_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("source", "fields", "output"))
    parser.add_argument("name", metavar="NAME", help="small letters, digits and _")
    parser.add_argument(
        "--dir", default=".", metavar="DIR", help="where the folder falcocore-NAME is made (default: here)"
    )
    parser.add_argument(
        "--for",
        dest="for_source",
        metavar="SOURCE",
        help="fields: the source that they are for (default: k8s_audit)",
    )


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("config", "rules", "tests"))
