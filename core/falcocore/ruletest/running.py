"""Cases run: events matched by the compiled rules, alerts compared, and what went wrong explained."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from msgspec import UNSET

from falcocore import rulefiles
from falcocore.alerts import AlertFormat, Match
from falcocore.app import Tables
from falcocore.errors import ConfigError, FalcocoreError, nearest
from falcocore.explain import EventExplanation, WatchedRule, explain, watched_rules
from falcocore.host import PluginHost
from falcocore.lang.syntax import Literal
from falcocore.options import build
from falcocore.output import Alert
from falcocore.replay import draw, replay, stream_of
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import Matcher, RuleSet
from falcocore.ruletest.events import description_of
from falcocore.ruletest.expectation import Problem, compare
from falcocore.ruletest.model import Case, Expected, Given
from falcocore.ruletest.reading import ReadFile
from falcocore.stream import Stream

log = logging.getLogger("falcocore.ruletest")

HOSTNAME = "test-host"
"""What `evt.hostname` is in tests."""
MOST_EXPLAINED = 20
"""Events of a case that a failure can explain; a file may hold millions."""

Watch = Callable[[EventExplanation], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: nothing is wrong where there are no problems."""

    name: str
    file: Path
    line: int
    problems: tuple[Problem, ...]
    duration_s: float
    lists: Mapping[str, Sequence[Literal]]
    """The lists of the rules, for explanations."""


@dataclass(slots=True)
class _Run:
    """What the events of one case have brought about so far."""

    alerts: list[Alert] = field(default_factory=list)
    explained: list[EventExplanation] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)


class RulesUnderTest:
    """Some rule files, loaded once for all test files that name them.

    Nothing of the configuration counts, so that a test means the same everywhere.
    """

    def __init__(self, files: Sequence[Path], host: PluginHost, tables: Tables) -> None:
        self._host = host
        self.loaded = load(rulefiles.read_files(files), Catalogue(tables, frozenset(tables)))
        self._watched: dict[str, list[WatchedRule]] = {}
        self._chosen: dict[tuple[str, tuple[str, ...]], list[WatchedRule]] = {}
        self._matchers: dict[tuple[str, tuple[str, ...], bool], Matcher] = {}

    def watched(self, source: str) -> list[WatchedRule]:
        """The rules of a source, those that are not enabled included."""
        if source not in self._watched:
            self._watched[source] = watched_rules(self.loaded, source)
        return self._watched[source]

    def chosen(self, source: str, only: Sequence[str]) -> list[WatchedRule]:
        """The rules that a case runs, in order.

        Raises:
            ConfigError: `only` names a rule that is not there.
        """
        key = (source, tuple(only))
        if key not in self._chosen:
            names = {self.named(source, name).rule.name for name in only}
            self._chosen[key] = [
                replace(one, reason=None)
                for one in self.watched(source)
                if (one.rule.name in names if only else one.reason is None)
            ]
        return self._chosen[key]

    def named(self, source: str, name: str) -> WatchedRule:
        """The rule of a name.

        Raises:
            ConfigError: there is none.
        """
        rules = {one.rule.name: one for one in self.watched(source)}
        if name not in rules:
            near = nearest(name, rules)
            hint = f"did you mean `{near}`?" if near else None
            raise ConfigError(f"source {source} has no rule `{name}`", hint=hint)
        return rules[name]

    def matcher(self, source: str, only: Sequence[str], *, first: bool) -> Matcher:
        """The compiled rules that a case runs."""
        key = (source, tuple(only), first)
        if key not in self._matchers:
            rules = [one.rule for one in self.chosen(source, only)]
            rule_set = RuleSet.compiled(source, rules, first=first)
            # What a getter raises is told by the explanation of the same event.
            self._matchers[key] = rule_set.guarded(lambda _bound, _error: None)
        return self._matchers[key]


def run_case(
    case: Case, line: int, file: ReadFile, rules: RulesUnderTest, host: PluginHost, watch: Watch
) -> Outcome:
    """Run one case; `watch` is given what every event came to."""
    started = time.perf_counter()
    try:
        problems = _problems(case, file, rules, host, watch)
    except (FalcocoreError, ValueError) as error:
        problems = [Problem(f"the case can't be run: {error}")]
    except Exception as error:
        log.exception("source %s raised while the events of `%s` were made", source_of(case, file), case.name)
        problems = [Problem(f"the case can't be run: {type(error).__name__}: {error}")]
    took_s = time.perf_counter() - started
    return Outcome(case.name, file.path, line, tuple(problems), took_s, rules.loaded.definitions.lists)


def source_of(case: Case, file: ReadFile) -> str:
    """The source of a case's events; a file was refused where a case has none."""
    name = case.source if case.source is not UNSET else file.content.source
    return str(name)


def _problems(
    case: Case, file: ReadFile, rules: RulesUnderTest, host: PluginHost, watch: Watch
) -> list[Problem]:
    source = source_of(case, file)
    cls = host.source(source)
    first = file.content.rule_matching == "first"
    watched = rules.chosen(source, case.only)
    match = rules.matcher(source, case.only, first=first)
    expected = [] if isinstance(case.expect, str) else case.expect
    not_running = _not_running(expected, case, source, rules)
    run, alerts = _Run(), AlertFormat(HOSTNAME)

    def take(event: Any, stream: Stream) -> None:
        # Matched first, as in a run; a source may keep things for an event when a field is first read.
        for rule, values in match(event, stream):
            run.alerts.append(alerts.alert(Match(rule, event.time_ns, event.key, values, source, {})))
        explained = explain(watched, event, stream, first=first)
        watch(explained)
        run.failures |= explained.failures
        if len(run.explained) < MOST_EXPLAINED:
            run.explained.append(explained)

    stream = stream_of(cls, source, HOSTNAME)
    folder = file.path.parent
    for from_file, group in itertools.groupby(case.events, lambda given: given.file is not UNSET):
        if from_file:
            for given in group:
                target = str(folder / str(given.file))
                replay(build(cls, {}, f"source {source}", target=target), stream, take)
        else:
            draw(cls.events_from(_descriptions(group, file)), stream, take)
    if stream.num == 0:
        return [Problem("there was no event; what can't be read is told in the log")]
    raised = [
        Problem(f"field `{name}` raised {type(error).__name__}: {error}; it read as absent")
        for name, error in run.failures.items()
    ]
    return raised + compare(expected, run.alerts, run.explained, not_running)


def _not_running(
    expected: Iterable[str | Expected], case: Case, source: str, rules: RulesUnderTest
) -> dict[str, str]:
    """Those of the expected rules that the case does not run, and why.

    Raises:
        ConfigError: one is not there.
    """
    reasons = {}
    for one in expected:
        watched = rules.named(source, one if isinstance(one, str) else one.rule)
        name = watched.rule.name
        if case.only and name not in case.only:
            reasons[name] = "`only:` does not name it"
        elif not case.only and watched.reason is not None:
            reasons[name] = watched.reason
    return reasons


def _descriptions(given: Iterable[Given], file: ReadFile) -> Iterator[Any]:
    return (description_of(one, file.content.bases, file.path.parent) for one in given)
