"""`falcocore describe --push-down`: what sources leave out early, and because of which rules they don't."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from falcocore.app import Project
from falcocore.rules.loader import LoadResult
from falcocore.source import Sent

_WIDTH = 110


def show_push_down(project: Project, loaded: LoadResult, rule: str | None, *, as_json: bool) -> None:
    """Print what comes as far as the rules of each source; with a rule, only what comes because of it."""
    found: dict[str, Sequence[Sent]] = {}
    for source, rules in loaded.rule_sets.items():
        if source in project.host.names("source") and rules.rules:
            sent = project.host.source(source).describe_push_down(rules)
            if sent is not None:
                found[source] = sent if rule is None else _because_of(rule, sent)
    if as_json:
        print(msgspec.json.encode(found).decode())  # noqa: T201
    else:
        print("\n".join(_lines(found)))  # noqa: T201


def _because_of(rule: str, sent: Sequence[Sent]) -> list[Sent]:
    narrowed = (
        replace(one, reasons=tuple(reason for reason in one.reasons if reason.rule == rule)) for one in sent
    )
    return [one for one in narrowed if one.reasons]


def _lines(found: Mapping[str, Sequence[Sent]]) -> Iterator[str]:
    if not found:
        yield "No source with rules leaves out events early."
    for source, sent in found.items():
        yield f"source {source}:"
        for one in sent:
            yield f"  {one.events}: {one.what}"
            for reason in one.reasons:
                yield from textwrap.wrap(
                    f"because of rule {reason.rule}: {reason.asks}",
                    _WIDTH,
                    initial_indent="    ",
                    subsequent_indent="      ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
