"""Test files run with real rules and the source `demo`: what passes, what fails and why, what is covered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.errors import ConfigError
from falcocore.explain import Fate
from falcocore.host import PluginHost
from falcocore.ruletest.coverage import Report
from falcocore.ruletest.session import FileOutcome, Session, find_files
from tests.support.demo_distribution import demo_site, rule
from tests.support.plugin_site import open_site, pack_plugin

RULES = (
    "- macro: polite\n  condition: demo.word in (please, thanks)\n"
    + rule("Polite", "polite and not demo.word startswith tha")
    + rule("Second", "evt.num > 1")
    + rule("Off", "demo.word = off", enabled="false")
    + rule("Elsewhere", "quiet.word exists", source="quiet")
)


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "r.yaml").write_text(RULES)
    with demo_site(tmp_path_factory.mktemp("site")):
        yield folder


def run(folder: Path, cases: str, head: str = "", *keywords: str) -> tuple[FileOutcome, Report]:
    file = folder / "r.test.yaml"
    file.write_text(f"source: demo\nrules: [r.yaml]\n{head}cases:\n{cases}")
    session = Session(PluginHost(), keywords)
    outcome = session.run(file, lambda _case: None)
    return outcome, session.coverage.report()


def case(name: str, events: str, expect: str, more: str = "") -> str:
    return f"  - name: {name}\n    events: [{events}]\n    expect: {expect}\n{more}"


def texts(outcome: FileOutcome) -> list[list[str]]:
    assert outcome.errors == []
    return [[problem.text for problem in case.problems] for case in outcome.cases]


CANT = "the case can't be run: "


@pytest.mark.parametrize(
    ("events", "expect", "more", "problems"),
    [
        ("{event: please}", "[Polite]", "", []),
        ("{event: hello}", "none", "", []),
        ("{event: hello}", "[]", "", []),
        ("{event: please}", "none", "", ["rule `Polite` alerted 1 time more than `expect` says"]),
        ("{event: thanks}", "[Polite]", "", ["rule `Polite` alerted 0 times instead of 1"]),
        # Events of a case are one stream, however they are given.
        ("{event: a}, {file: 'please,b'}, {event: c}", "[Polite, {rule: Second, count: 3}]", "", []),
        ("{event: off}", "[Off]", "    only: [Off]\n", []),
        ("{event: please}", "none", "    only: [Off]\n", []),
        (
            "{event: off}",
            "[Off]",
            "",
            [
                "rule `Off` alerted 0 times instead of 1: its rule file says `enabled: false`; "
                "name it under `only:` to run it all the same"
            ],
        ),
        ("{event: x}", "[Polit]", "", [f"{CANT}source demo has no rule `Polit`"]),
        ("{event: x}", "none", "    only: [Elsewhere]\n", [f"{CANT}source demo has no rule `Elsewhere`"]),
        ("{event: 3}", "none", "", [f"{CANT}a word is a text"]),
        ("{event: {a: 1}, remove: [/b]}", "none", "", [f"{CANT}`remove: /b`: there is nothing"]),
        ("{event: x}", "none", "    source: quiet\n", [f"{CANT}source quiet takes no events"]),
    ],
)  # fmt: skip
def test_a_case(events: str, expect: str, more: str, problems: list[str], folder: Path) -> None:
    # The demo source takes the words themselves as its target, which a file's path ends with.
    outcome, _ = run(folder, case("c", events.replace("file: '", f"file: '{folder}/x,"), expect, more))
    ((*found,),) = texts(outcome)
    assert len(found) == len(problems)
    assert all(one.startswith(problem) for one, problem in zip(found, problems, strict=True)), found


def test_a_file_without_events_is_a_failure(folder: Path) -> None:
    (folder / "empty.json").write_text("")
    file = folder / "x.test.yaml"
    file.write_text(f"source: k8s_audit\ncases:\n{case('c', '{file: empty.json}', 'none')}")
    outcome = Session(PluginHost()).run(file, lambda _case: None)
    assert texts(outcome) == [["there was no event; what can't be read is told in the log"]]


def test_a_failure_has_the_condition_that_decided(folder: Path) -> None:
    outcome, _ = run(folder, case("c", "{event: hello}, {event: thanks}", "[Polite, Second]"))
    (problem,) = outcome.cases[0].problems
    assert [(number, one.fate) for number, one in problem.explained] == [
        (1, Fate.NO_MATCH),
        (2, Fate.NO_MATCH),
    ]
    assert [step.outcome for step in problem.explained[0][1].condition.checks()] == [False, None]


def test_a_rule_that_is_hidden_is_told_so(folder: Path) -> None:
    outcome, _ = run(folder, case("c", "{event: a}, {event: please}", "[Polite, Second]"))
    (problem,) = outcome.cases[0].problems
    assert problem.text == "rule `Second` alerted 0 times instead of 1"
    assert [(number, one.fate) for number, one in problem.explained] == [(1, Fate.NO_MATCH), (2, Fate.HIDDEN)]
    more = "rule_matching: all\n"
    outcome, _ = run(folder, case("c", "{event: a}, {event: please}", "[Polite, Second]"), more)
    assert texts(outcome) == [[]]


def test_coverage_counts_alerts_and_outcomes(folder: Path) -> None:
    _, report = run(folder, case("c", "{event: please}, {event: hello}", "[Polite, Second]"))
    assert (report.rules, report.alerted, report.wanted) == (2, 2, 2 + 2 * 3)
    assert [(gap.rule, gap.what, gap.check) for gap in report.missing] == [
        ("Polite", "never true", "demo.word startswith tha"),
    ]
    assert report.missing[0].place is not None
    assert report.missing[0].place.span.position == (5, 29)
    assert report.percent == 100 * 7 / 8


def test_a_rule_that_no_event_reaches_is_not_covered(folder: Path) -> None:
    _, report = run(folder, case("c", "{event: hello}", "none"))
    assert [(gap.rule, gap.what) for gap in report.missing] == [
        ("Polite", "never alerted"),
        ("Polite", "never true"),
        ("Polite", "never true"),
        ("Polite", "never false"),
        ("Second", "never alerted"),
        ("Second", "never true"),
    ]


def test_a_rule_under_only_counts_where_it_is_not_enabled(folder: Path) -> None:
    _, report = run(folder, case("c", "{event: off}", "[Off]", "    only: [Off]\n"))
    assert (report.rules, report.alerted) == (3, 1)
    assert [gap.what for gap in report.missing if gap.rule == "Off"] == ["never false"]


@pytest.mark.parametrize(
    ("uncovered", "missing", "exempt", "idle"),
    [
        ("{rule: Polite, check: demo.word startswith tha, outcome: true, reason: r}", 0, 1, 0),
        ("{check: demo.word startswith tha, reason: r}", 0, 1, 0),
        ("{rule: Polite, reason: r}", 0, 1, 0),
        ("{rule: Polite, check: demo.word startswith tha, outcome: false, reason: r}", 1, 0, 1),
        ("{rule: Second, reason: r}", 1, 0, 1),
        # What speaks of everything speaks of nothing.
        ("{outcome: true, reason: r}", 1, 0, 1),
    ],
)
def test_gaps_may_have_a_reason(uncovered: str, missing: int, exempt: int, idle: int, folder: Path) -> None:
    cases = case("c", "{event: please}, {event: hello}", "[Polite, Second]")
    _, report = run(folder, cases, f"uncovered: [{uncovered}]\n")
    assert (len(report.missing), len(report.exempt), len(report.idle)) == (missing, exempt, idle)
    assert report.percent == (100 if exempt else 87.5)


BAD = """
def _raise(event):
    raise RuntimeError("broken")

class Odd(Source):
    name = "odd"

    @classmethod
    def events_from(cls, descriptions):
        return [cls.nothing for _ in descriptions]

@hookimpl
def register_sources(registry):
    registry.add(Odd)

@hookimpl
def register_fields(registry):
    registry.add("demo", [Field("bad.word", FieldType.STRING, "d", _raise)])
    registry.add("odd", [Field("odd.word", FieldType.STRING, "d", _raise)])
"""


@pytest.fixture
def _odd(tmp_path: Path) -> Iterator[None]:
    points = dict.fromkeys(("source.odd", "fields.odd", "fields.demo.bad"), "odd_module")
    with open_site(tmp_path) as site:
        site.install("falcocore-odd", points, odd_module=BAD)
        yield


@pytest.mark.usefixtures("_odd")
def test_what_plugins_raise_is_a_failure(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "r.yaml").write_text(rule("Bad", "not bad.word = x"))
    cases = case("c", "{event: a}", "[Bad]") + case("d", "{event: a}", "none", "    source: odd\n")
    outcome, _ = run(folder, cases)
    assert texts(outcome) == [
        ["field `bad.word` raised RuntimeError: broken; it read as absent"],
        ["the case can't be run: AttributeError: type object 'Odd' has no attribute 'nothing'"],
    ]
    assert "source odd raised while the events of `d` were made" in caplog.text


def test_two_files_with_the_same_rules_cover_them_together(folder: Path) -> None:
    session = Session(PluginHost())
    for name, event in (("a", "please"), ("b", "thanks")):
        file = folder / f"{name}.test.yaml"
        expect = "[Polite]" if name == "a" else "none"
        file.write_text(f"source: demo\nrules: [r.yaml]\ncases:\n{case('c', f'{{event: {event}}}', expect)}")
        assert texts(session.run(file, lambda _case: None)) == [[]]
    gaps = [(gap.rule, gap.what) for gap in session.coverage.report().missing]
    assert gaps == [("Polite", "never false"), ("Second", "never alerted"), ("Second", "never true")]


def test_keywords_choose_cases_of_any_case(folder: Path) -> None:
    cases = case("One thing", "{event: a}", "none") + case("another", "{event: a}", "none")
    for keywords, names in (
        (("ONE",), ["One thing"]),
        (("r.test.yaml::another",), ["another"]),
        (("one", "other"), ["One thing", "another"]),
        (("nothing",), []),
    ):
        outcome, _ = run(folder, cases, "", *keywords)
        assert [one.name for one in outcome.cases] == names


def test_without_rules_the_packs_of_the_sources_are_tested(folder: Path) -> None:
    file = folder / "pack.test.yaml"
    file.write_text(f"source: demo\ncases:\n{case('c', '{event: a}', '[From the pack]')}")
    assert texts(Session(PluginHost()).run(file, lambda _case: None)) == [[]]


def test_broken_rules_and_broken_files_are_told(folder: Path) -> None:
    (folder / "r.yaml").write_text(rule("Broken", "demo.wrod = x"))
    outcome, _ = run(folder, case("c", "{event: a}", "none"))
    assert "source demo has no field `demo.wrod`" in outcome.errors[0]
    outcome, _ = run(folder, "  - nme: c\n")
    assert "`nme` is no key here" in outcome.errors[0]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("source: dmo\n", "there is no source 'dmo'"),
        ("source: demo\nrules: [missing.yaml]\n", "rule file {folder}/missing.yaml does not exist"),
        ("source: quiet\n", "there is no rule pack for the sources of its cases"),
    ],
)
def test_what_a_file_names_has_to_be_there(head: str, message: str, folder: Path) -> None:
    file = folder / "x.test.yaml"
    file.write_text(f"{head}cases:\n{case('c', '{event: a}', 'none')}")
    (error,) = Session(PluginHost()).run(file, lambda _case: None).errors
    assert error.startswith(message.format(folder=folder))


def test_a_file_that_is_not_utf_8_is_told(folder: Path) -> None:
    (folder / "x.test.yaml").write_bytes(b"\xff")
    (error,) = Session(PluginHost()).run(folder / "x.test.yaml", lambda _case: None).errors
    assert "is not UTF-8" in error


def test_test_files_are_found_by_their_names_at_any_depth(folder: Path) -> None:
    (folder / "d" / "e").mkdir(parents=True)
    for name in ("a.test.yaml", "d/b.test.yml", "d/e/c.test.yaml", "d/rules.yaml", "any.yaml"):
        (folder / name).write_text("")
    found = [str(path.relative_to(folder)) for path in find_files([str(folder)], PluginHost())]
    assert found == ["a.test.yaml", "d/b.test.yml", "d/e/c.test.yaml"]
    named = find_files([str(folder / "any.yaml"), str(folder / "d"), str(folder / "any.yaml")], PluginHost())
    assert [path.name for path in named] == ["any.yaml", "b.test.yml", "c.test.yaml"]


def test_a_pack_has_tests_of_its_own(tmp_path: Path) -> None:
    tests = [tmp_path / "b.test.yaml", tmp_path / "a.test.yaml"]
    with open_site(tmp_path) as site:
        texts = f"[Path({str(tests[0])!r}), Path({str(tests[1])!r})]"
        site.install("a-pack", {"rules.tested": "a_pack"}, a_pack=pack_plugin("tested", tests=texts))
        assert find_files(["pack:tested"], site.host()) == tests


@pytest.mark.parametrize(
    ("name", "message"), [("missing", "missing does not exist"), (".", "no test file in")]
)
def test_nothing_to_run_is_an_error(name: str, message: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        find_files([str(folder / name)], PluginHost())


def test_a_pack_without_tests_is_an_error() -> None:
    with pytest.raises(ConfigError, match="there is no test file in pack:demo"):
        find_files(["pack:demo"], PluginHost())
