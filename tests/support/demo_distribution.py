"""A distribution as a user might install: the sources `demo` and `quiet`, fields, a rule pack, a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.plugin_site import Site, open_site

_MODULE = '''
from pathlib import Path
from typing import Annotated


class Word:
    """An event that says one word."""

    def __init__(self, word, number):
        self.word, self.time_ns, self.key = word, number, str(number)


class Demo(Source):
    """Words, from the target.

    They are split at a separator.
    """

    name = "demo"

    def __init__(self, target=None, *, separator: Annotated[str, "between words"] = ",", limit: int = 99):
        self.words = (target or "").split(separator)[:limit]
        self.done = 0

    def batches(self):
        yield Batch([Word(word, number) for number, word in enumerate(self.words) if word])

    @classmethod
    def events_from(cls, descriptions):
        for number, word in enumerate(descriptions):
            if not isinstance(word, str):
                raise ValueError("a word is a text")
            yield Word(word, number)

    def banner(self):
        return f"reading {len(self.words)} words"

    def next_step(self):
        return "Say something" if self.words == [""] else None

    def progress(self):
        return None if self.words == [""] else Progress(self.done, 900)


class Quiet(Source):
    name = "quiet"

    def batches(self):
        yield from ()


@hookimpl
def register_sources(registry):
    registry.add(Demo)
    registry.add(Quiet)


@hookimpl
def register_fields(registry):
    registry.add("demo", [Field("demo.word", FieldType.STRING, "The word.", lambda event: event.word)])
    registry.add("quiet", [Field("quiet.word", FieldType.STRING, "Never there.", lambda event: None)])


@hookimpl
def register_rules(registry):
    registry.add("demo", "1.0.0", [Path(__file__).parent / "demo_rules.yaml"])


@hookimpl
def register_commands(registry):
    def configure(parser):
        parser.add_argument("words", nargs="*")
        parser.add_argument("--status", type=int, default=0)
        parser.add_argument("--fail", choices=("message", "surprise", "interrupt"))

    def run(options):
        match options.fail:
            case "message":
                raise ConfigError("it is broken", hint="mend it")
            case "surprise":
                raise RuntimeError("surprise")
            case "interrupt":
                raise KeyboardInterrupt
        print("said", *options.words)
        return options.status

    registry.add("demo-say", "says words", configure, run)
'''

POINTS = {
    "source.demo": "demo_distribution_module",
    "source.quiet": "demo_distribution_module",
    "fields.demo": "demo_distribution_module",
    "fields.quiet": "demo_distribution_module",
    "rules.demo": "demo_distribution_module",
    "command.demo-say": "demo_distribution_module",
}


def rule(name: str, condition: str = "demo.word exists", **keys: str) -> str:
    """A rule as a YAML item; more keys as `source="quiet"`."""
    defaults = {"desc": "d", "condition": condition, "output": "w", "priority": "WARNING", "source": "demo"}
    found = {**defaults, **keys}
    return "\n".join([f"- rule: {name}", *(f"  {key}: {value}" for key, value in found.items()), ""])


@contextmanager
def demo_site(folder: Path) -> Iterator[Site]:
    """The distribution, installed while the context is open. Its pack has the one rule `From the pack`."""
    with open_site(folder) as site:
        site.install("falcocore-demo", POINTS, "2.1", demo_distribution_module=_MODULE)
        (folder / "demo_rules.yaml").write_text(rule("From the pack"), "utf-8")
        yield site
