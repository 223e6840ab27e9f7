"""Diagnostics as SARIF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from falcocore.lang.text import SourceFile
from falcocore.rules.additions import Addition
from falcocore.rules.lint import lint
from falcocore.rules.loader import Catalogue, LoadResult, LoadSettings, load
from falcocore.rules.sarif import sarif_log

Load = Callable[..., LoadResult]

RULE = "- rule: {}\n  desc: d\n  condition: {}\n  output: o\n  priority: INFO\n  source: t\n"


def run_of(loaded: LoadResult) -> dict[str, Any]:
    log = sarif_log(loaded)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    assert log["$schema"].endswith("sarif-2.1.0.json")
    run: dict[str, Any] = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert rules[result["ruleIndex"]]["defaultConfiguration"]["level"] == result["level"]
    return run


def test_results_have_places_that_count_from_one(load_texts: Load) -> None:
    run = run_of(load_texts(RULE.format("A", "t.sgr = x") + "- list: l\n  items: [a]\n"))
    (error,) = run["results"]
    assert (error["ruleId"], error["level"]) == ("LOAD_ERR_COMPILE_CONDITION", "error")
    assert error["message"]["text"].splitlines()[0] == 'source t has no field `t.sgr` (in rule "A")'
    assert "did you mean `t.str`?" in error["message"]["text"]
    (location,) = error["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "0.yaml"},
        "region": {"startLine": 3, "startColumn": 14, "endLine": 3, "endColumn": 19},
    }
    assert run["columnKind"] == "unicodeCodePoints"


def test_what_belongs_to_it_is_a_related_location(load_texts: Load) -> None:
    loaded = load_texts(RULE.format("A", "t.str exists"), RULE.format("B", "t.str = x"))
    lint(loaded, first=True)
    (warning,) = run_of(loaded)["results"]
    assert (warning["ruleId"], warning["level"]) == ("LOAD_SHADOWED_RULE", "warning")
    (related,) = warning["relatedLocations"]
    assert related["message"] == {"text": "the earlier rule"}
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "0.yaml"}


def test_nothing_to_say_is_a_run_without_results(load_texts: Load) -> None:
    run = run_of(load_texts(RULE.format("A", "t.str exists")))
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_paths_are_written_as_uris(tmp_path: Path, catalogue: Catalogue) -> None:
    names = {"a b/ü.yaml": "a%20b/%C3%BC.yaml", str(tmp_path / "r.yaml"): f"file://{tmp_path}/r.yaml"}
    for name, uri in names.items():
        loaded = load([SourceFile(name, RULE.format("A", "t.sgr = x"))], catalogue)
        (result,) = run_of(loaded)["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_what_the_configuration_adds_has_no_location(catalogue: Catalogue) -> None:
    settings = LoadSettings(additions=(Addition(output="%t.sgr"),))
    loaded = load([SourceFile("r.yaml", RULE.format("A", "t.str = x"))], catalogue, settings)
    (result,) = run_of(loaded)["results"]
    assert "locations" not in result
