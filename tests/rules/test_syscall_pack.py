"""The bundled packs for system calls: names, tags and outputs of rules, and what Falco's files find.

What each rule finds is in the packs' own tests, rules/falcocore_rules/tests.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from falcocore.host import PluginHost
from falcocore.lang.syntax import Or
from falcocore.lang.text import SourceFile, Text
from falcocore.rulefiles import read_files
from falcocore.rules.describe import parsed
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore.ruletest.events import description_of
from falcocore.ruletest.reading import read_case_file
from falcocore.stream import Stream
from falcocore_syscall.described.events import described_events
from falcocore_syscall.event import Event
from falcocore_syscall.replay import Replay
from falcocore_syscall.scap.compression import unpacked
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.reader import Reader
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import EVENTS, SYSCALL_NAMES
from tests.support.command_line import falcocore

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "conformance"
UPSTREAM = SHARED / "upstream-rules"
CAPTURES = sorted((SHARED / "syscall" / "captures").glob("*.scap"))
needs_shared = pytest.mark.skipif(
    not UPSTREAM.exists(), reason="the conformance suite is not beside the project"
)
STABLE, INCUBATING = "syscall", "syscall-incubating"
TABLE = PluginHost().fields_for("syscall")


def loaded(files: Sequence[Path]) -> LoadResult:
    """Rules of which every one that matches an event is found."""
    catalogue = Catalogue({"syscall": TABLE}, frozenset({"syscall"}))
    result = load(read_files(files), catalogue, LoadSettings(first=False))
    assert result.errors == []
    return result


def packed(name: str) -> LoadResult:
    return loaded(PluginHost().pack(name).files)


def falcos(name: str) -> LoadResult:
    """Falco's file for a pack; what is incubating is loaded after what is stable, as in the pack."""
    files = ["falco_rules.yaml", "falco-incubating_rules.yaml"]
    return loaded([UPSTREAM / file for file in files[: 1 if name == STABLE else 2]])


def rules_of(result: LoadResult) -> RuleSet:
    return result.rule_sets["syscall"]


PACKS = {name: packed(name) for name in (STABLE, INCUBATING)}
RULES = rules_of(PACKS[INCUBATING]).rules


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_is_valid_without_a_warning(name: str) -> None:
    assert falcocore("validate", "--strict", f"pack:{name}") == 0


@pytest.mark.parametrize("name", PACKS)
def test_a_packs_own_tests_pass_and_cover_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert falcocore("test", f"pack:{name}", "--coverage", "--fail-under", "100") == 0
    assert "coverage: 100.00 % " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["syscall_site", "syscall_incubating_site"])
def test_hooks_and_lists_take_what_a_site_knows(name: str) -> None:
    assert falcocore("test", str(HERE / f"{name}.test.yaml")) == 0


def test_an_example_of_a_sites_rules_is_valid() -> None:
    example = PluginHost().pack(STABLE).tests[0].with_name("syscall_site_rules.yaml")
    assert falcocore("validate", "--strict", "pack:syscall", str(example)) == 0


def test_only_the_stable_rules_are_loaded_without_being_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert falcocore("list", "rules", "--source", "syscall") == 0
    listed = capsys.readouterr().out
    assert "Terminal shell in container" in listed
    assert "Schedule Cron Jobs" not in listed


@needs_shared
@pytest.mark.parametrize("name", PACKS)
def test_rules_are_those_of_falcos_file(name: str) -> None:
    ours = {rule.name: rule for rule in rules_of(PACKS[name]).rules}
    theirs = {rule.name: rule for rule in rules_of(falcos(name)).rules}
    assert set(ours) == set(theirs)
    for rule in theirs.values():
        mine = ours[rule.name]
        assert (mine.priority, set(mine.tags)) == (rule.priority, set(rule.tags)), rule.name
        assert shown(rule) <= shown(mine), rule.name
        assert mine.description != rule.description


def shown(rule: Any) -> set[str]:
    """The fields that an alert shows."""
    return {bound.label for bound in rule.captures[: rule.listed]}


NO_DRIVER = "images without a driver have a list of their own, as in Falco's stable file"
NEWER = "Falco's incubating file has an older list than the stable one"
DIFFERING = {
    "falco_containers": NO_DRIVER,
    "falco_privileged_images": NO_DRIVER,
    "python_package_managers": NEWER,
    "package_mgmt_binaries": NEWER,
}
"""Lists that Falco's files both define, and differently."""


@needs_shared
@pytest.mark.parametrize("name", PACKS)
def test_lists_and_macros_are_those_of_falcos_file(name: str) -> None:
    ours, theirs = PACKS[name].definitions, falcos(name).definitions
    assert set(ours.macros) == set(theirs.macros)
    assert set(ours.lists) == set(theirs.lists)
    differing = {
        list_name
        for list_name, items in theirs.lists.items()
        if {item.text for item in ours.lists[list_name]} != {item.text for item in items}
    }
    assert differing == (set() if name == STABLE else set(DIFFERING))


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_rule_says_what_it_finds_and_alerts_say_who_and_where(rule: Any) -> None:
    assert rule.description.endswith(".")
    assert [tag for tag in rule.tags if tag.startswith("maturity_")]
    assert {"user.name", "proc.cmdline", "proc.pname", "container.id", "k8s.pod.name"} <= shown(rule)


STREAM = Stream("syscall", "syscall", "syscall", "box")


def found(rules: RuleSet, event: Event) -> set[str]:
    return {rule.name for rule, _ in rules.match(event, STREAM)}


def recorded(capture: Path) -> Iterator[Event]:
    """The events of a capture; of one that is damaged, those before the damage."""
    with capture.open("rb") as file:
        replay = Replay(Reader(unpacked(file.read)), Machine())
        try:
            for columns in replay.pieces():
                yield from replay.events(columns)
        except CaptureError:
            return


@needs_shared
@pytest.mark.parametrize("capture", CAPTURES, ids=[capture.stem for capture in CAPTURES])
def test_rules_find_in_captures_what_those_of_falcos_files_find(capture: Path) -> None:
    ours, theirs = rules_of(PACKS[INCUBATING]), rules_of(falcos(INCUBATING))
    for event in recorded(capture):
        assert found(ours, event) == found(theirs, event), f"event {event.num}"


@needs_shared
def test_captures_make_rules_alert() -> None:
    alerted = {
        name
        for capture in CAPTURES
        for event in recorded(capture)
        for name in found(rules_of(PACKS[INCUBATING]), event)
    }
    assert {"Read sensitive file untrusted", "Create Symlink Over Sensitive Files"} <= alerted


def described() -> Iterator[tuple[str, Event]]:
    """The events of the packs' own tests, with the names of their cases."""
    for path in PluginHost().pack(INCUBATING).tests:
        (text,) = read_files([path])
        file = read_case_file(text)
        for placed in file.cases:
            given = placed.case.events
            events = described_events(description_of(one, file.content.bases, path.parent) for one in given)
            yield from zip(itertools.repeat(placed.case.name), events, strict=False)


@needs_shared
def test_rules_find_in_their_own_tests_what_those_of_falcos_files_find() -> None:
    ours, theirs = rules_of(PACKS[INCUBATING]), rules_of(falcos(INCUBATING))
    for case, event in described():
        assert found(ours, event) == found(theirs, event), f"{case}, event {event.num}"


def has_open_alternatives(condition: Text) -> bool:
    """True where what is appended with `and` would hold for the last alternative only."""
    value = f"{condition.value} and evt.num = 1"
    return isinstance(parsed(Text(value, SourceFile("r.yaml", value), lambda: range(len(value) + 1))), Or)


@needs_shared
@pytest.mark.parametrize("name", PACKS)
def test_what_users_append_means_what_it_means_after_falcos_file(name: str) -> None:
    ours, theirs = PACKS[name].collection, falcos(name).collection
    pairs = {macro: (ours.macros[macro].condition, it.condition) for macro, it in theirs.macros.items()}
    pairs |= {rule: (ours.rules[rule].condition, it.condition) for rule, it in theirs.rules.items()}
    assert {it for it, both in pairs.items() if len(set(map(has_open_alternatives, both))) > 1} == set()


EVENT_TYPES = frozenset(event.name for event in EVENTS) | frozenset(SYSCALL_NAMES)


def types_of(rule: Any) -> frozenset[str]:
    """The types of events that a rule may match."""
    alone = RuleSet.compiled("syscall", [rule], first=True)
    return frozenset(name for name in EVENT_TYPES if alone.can_match({"evt.type": name}))


@needs_shared
def test_of_rules_that_match_one_event_the_same_is_first() -> None:
    theirs = [rule.name for rule in rules_of(falcos(INCUBATING)).rules]
    types = {rule.name: types_of(rule) for rule in RULES}
    swapped = {
        (first.name, second.name)
        for first, second in itertools.combinations(RULES, 2)
        if types[first.name] & types[second.name] and theirs.index(first.name) > theirs.index(second.name)
    }
    assert swapped == set()
