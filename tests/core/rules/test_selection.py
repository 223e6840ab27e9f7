"""Which rules run: `enabled`, the configuration's `rules:`, the least severe priority."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.rules.loader import LoadResult
from falcocore.rules.selection import Selection
from falcocore.types import Priority
from tests.support.rule_texts import reasons, rule, running

Load = Callable[..., LoadResult]

RULES = (
    rule("t.num = 1", "Shell in pod", "tags: [shell, k8s]")
    + rule("t.num = 2", "Shell on host", "tags: [shell]", "enabled: false")
    + rule("t.num = 3", "Read file", "tags: [files, k8s]")
    + rule("t.num = 4", "Untagged")
)
POD, HOST, READ, UNTAGGED = "Shell in pod", "Shell on host", "Read file", "Untagged"


def enable(name: str | None = None, tag: str | None = None) -> Selection:
    return Selection(True, name, tag)


def disable(name: str | None = None, tag: str | None = None) -> Selection:
    return Selection(False, name, tag)


@pytest.mark.parametrize(
    ("selections", "names"),
    [
        ([], {POD, READ, UNTAGGED}),
        ([disable(POD)], {READ, UNTAGGED}),
        ([enable(HOST)], {POD, HOST, READ, UNTAGGED}),
        ([disable("*")], set()),
        ([enable("*")], {POD, HOST, READ, UNTAGGED}),
        ([disable("Shell*")], {READ, UNTAGGED}),
        ([disable(tag="k8s")], {UNTAGGED}),
        ([enable(tag="shell")], {POD, HOST, READ, UNTAGGED}),
        ([disable(tag="k8*")], {POD, READ, UNTAGGED}),
        ([disable(tag="K8S")], {POD, READ, UNTAGGED}),
        # An entry with both speaks of the rules that fit both.
        ([disable("Shell*", "k8s")], {READ, UNTAGGED}),
        ([disable("Shell*", "files")], {POD, READ, UNTAGGED}),
        # The entries go in order, and the last that speaks of a rule decides.
        ([disable("*"), enable(tag="shell")], {POD, HOST}),
        ([enable(tag="shell"), disable("*")], set()),
        ([disable("*"), enable(tag="k8s"), disable(READ)], {POD}),
        ([disable("*"), enable("*"), disable(UNTAGGED)], {POD, HOST, READ}),
    ],
)
def test_selection_of_the_configuration_goes_over_the_rules_own_say(
    selections: list[Selection], names: set[str], load_texts: Load
) -> None:
    result = load_texts(RULES, selections=tuple(selections))
    assert set(running(result)) == names
    assert {name for name, reason in reasons(result).items() if reason is None} == names


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("Read file", "Read file", True),
        ("Read file", "Read files", False),
        ("read file", "Read file", False),
        ("Read", "Read file", False),
        ("", "Read file", False),
        ("*", "Read file", True),
        ("**", "Read file", True),
        ("Read*", "Read file", True),
        ("Read file*", "Read file", True),
        ("*file", "Read file", True),
        ("*d f*", "Read file", True),
        ("R*d*e", "Read file", True),
        ("R*file*", "Read file", True),
        ("*Read", "Read file", False),
        ("file*", "Read file", False),
        ("R*x*e", "Read file", False),
        ("R*e*d*R", "Read file", False),
        # What stands at the start and at the end must not overlap.
        ("abc*cde", "abcde", False),
        ("abc*de", "abcde", True),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("*ab", "aab", True),
        ("*a*ab", "aab", True),
        ("*aa*aa", "aaa", False),
        # Only the asterisk is special.
        ("Read.file", "Read file", False),
        ("Read?file", "Read file", False),
        ("[R]ead file", "Read file", False),
        ("a.b (c)*", "a.b (c) d", True),
    ],
)
def test_asterisk_stands_for_any_text_in_a_whole_name(
    pattern: str, name: str, fits: bool, load_texts: Load
) -> None:
    result = load_texts(rule("t.num = 1", f"'{name}'"), selections=(disable(pattern),))
    assert running(result) == ([] if fits else [name])
    assert result.idle_selections == ([] if fits else [disable(pattern)])


def test_pattern_of_many_asterisks_takes_no_long_time(load_texts: Load) -> None:
    result = load_texts(rule("t.num = 1", "a" * 5000), selections=(disable("*a" * 2000 + "*b"),))
    assert len(running(result)) == 1


@pytest.mark.parametrize(
    ("selections", "name", "reason"),
    [
        ([], HOST, "its rule file says `enabled: false`"),
        ([disable(tag="k8s")], READ, "the configuration's `rules` say disable {tag: k8s}"),
        ([disable("R*", "files")], READ, "the configuration's `rules` say disable {rule: R*, tag: files}"),
        ([disable(tag="k8s"), disable("*")], READ, "the configuration's `rules` say disable {rule: *}"),
        ([enable("Read*"), disable(POD)], HOST, "its rule file says `enabled: false`"),
    ],
)
def test_reason_is_the_entry_that_decided(
    selections: list[Selection], name: str, reason: str, load_texts: Load
) -> None:
    assert reasons(load_texts(RULES, selections=tuple(selections)))[name] == reason


@pytest.mark.parametrize("least", list(Priority))
def test_rules_less_severe_than_the_configured_priority_do_not_run(least: Priority, load_texts: Load) -> None:
    items = [rule("t.num = 1", p.label).replace("INFO", p.name) for p in Priority]
    result = load_texts("".join(items), least_priority=least)
    assert running(result) == [p.label for p in Priority if p <= least]


def test_priority_can_not_be_overruled_by_enabling_the_rule(load_texts: Load) -> None:
    result = load_texts(RULES, selections=(enable("*"),), least_priority=Priority.WARNING)
    assert running(result) == []
    assert set(reasons(result).values()) == {
        "its priority Informational is less severe than `priority: warning`"
    }


def test_entries_that_speak_of_no_rule_are_handed_back(load_texts: Load) -> None:
    idle = (disable("Sell*"), enable(tag="shel"), disable("Read*", "shell"))
    result = load_texts(RULES, selections=(idle[0], disable(POD), *idle[1:], enable(tag="k8s")))
    assert result.idle_selections == list(idle)


def test_entry_for_a_rule_that_can_not_run_is_not_idle(load_texts: Load) -> None:
    result = load_texts(rule("x.y = 1", "X", source="nope"), selections=(disable("X"),))
    assert result.idle_selections == []
