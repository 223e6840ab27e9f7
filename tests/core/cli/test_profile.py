"""`falcocore profile`: its tables, its JSON, and what it can't measure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site, rule

Capture = pytest.CaptureFixture[str]
RECORDED = Path(__file__).parents[2] / "data" / "k8s_audit" / "recorded"
SOURCE = f"k8s_audit={RECORDED}"


@pytest.fixture(autouse=True)
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with demo_site(tmp_path_factory.mktemp("site")):
        yield


def test_tables_show_the_dearest_rules_and_checks(capsys: Capture) -> None:
    events = len(list(RECORDED.iterdir()))
    assert falcocore("profile", "--source", SOURCE, "--top", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"k8s_audit: {events} events, ")
    assert "without dispatch: it spares" in lines[1]
    assert lines[2].startswith("  dispatched on ")
    assert lines[3] == lines[7] == ""
    assert lines[4].split() == ["ms", "µs", "each", "tried", "true", "rule"]
    assert lines[8].split() == ["ms", "µs", "each", "tried", "true", "check"]
    assert len(lines) == 11


def test_json_has_everything(capsys: Capture) -> None:
    assert falcocore("profile", "--source", SOURCE, "--json", "--top", "1") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["source"] == "k8s_audit"
    assert found["events"] == len(list(RECORDED.iterdir()))
    assert sum(one["true"] for one in found["rules"]) == found["matches"] > 0
    assert {"rule", "tried", "true", "time_ns"} == set(found["rules"][0])
    assert len(found["checks"]) > 10


def test_no_events_are_no_reason_to_fail(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "none.json").write_text("")
    assert falcocore("profile", "--source", f"k8s_audit={tmp_path}/none.json") == 0
    assert capsys.readouterr().out.startswith("k8s_audit: 0 events, ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "Error: no source is given\n"),
        (["--source", "k8s_audit"], "read more than once, and nothing is named"),
        (["--source", "k8s_audit=-"], "read more than once, and - is no file or directory"),
    ],
)
def test_events_that_cannot_be_read_again_are_refused(
    source: list[str], message: str, capsys: Capture
) -> None:
    assert falcocore("profile", *source) == 1
    assert message in capsys.readouterr().err


def test_broken_rules_are_reported(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(rule("Broken", "ka.vreb = x", source="k8s_audit"))
    assert falcocore("profile", "--source", SOURCE, "-r", str(file)) == 1
    output = capsys.readouterr()
    assert "ka.vreb" in output.err
    assert output.out == ""
