"""The outbox by hand: what waits and dead letters are shown, put back and removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from falcocore.outbox import letters as letters_module
from falcocore.outbox.letter import Count, Letter, Retried, Selection, State, parse_id
from falcocore.outbox.letters import Letters
from falcocore.outbox.limits import Limits
from falcocore.outbox.store import Store
from falcocore.testing import sample_alert
from tests.support.kept_alerts import keep, samples


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Alerts 1 to 5 for web and pager; web has refused 1 and 3, and an output that is gone has refused 2."""
    path = tmp_path / "outbox.db"
    keep(path, *samples(5), outputs=("web", "pager", "gone"), dead={"gone": {2: "was it ever there?"}})
    keep(path, outputs=("web", "pager"), dead={"web": {1: "answered 400", 3: "answered 404"}})
    return path


@pytest.fixture
def letters(path: Path) -> Iterator[Letters]:
    with closing(Letters(path)) as letters:
        yield letters


def queue(path: Path, output: str) -> list[int]:
    """Rules of the alerts that an output gets, in order, by their numbers."""
    with closing(Store(path, Limits())) as store:
        return [int(one.alert.rule.split()[1]) for one in store.claim(output, 1000, 1 << 30)]


def dropped(path: Path) -> dict[str, dict[str, int]]:
    with closing(Store(path, Limits())) as store:
        return store.dropped()


def names(found: list[Letter]) -> list[str]:
    return [f"{letter.output} {letter.id}" for letter in found]


EVERYTHING = ["web 2", "web 4", "web 5", "web d2", "web d3", "pager 1", "pager 2", "pager 3"]
EVERYTHING += ["pager 4", "pager 5", "gone d1"]


@pytest.mark.parametrize(
    ("selection", "expected", "count"),
    [
        (Selection(), EVERYTHING, Count(8, 3)),
        (Selection(output="web"), EVERYTHING[:5], Count(3, 2)),
        (Selection(output="gone"), ["gone d1"], Count(0, 1)),
        (Selection(output="never"), [], Count(0, 0)),
        (Selection(state=State.DEAD), ["web d2", "web d3", "gone d1"], Count(0, 3)),
        (Selection(output="web", state=State.WAITING), ["web 2", "web 4", "web 5"], Count(3, 0)),
        (Selection(ids=frozenset({"4", "d3"})), ["web 4", "web d3", "pager 4"], Count(2, 1)),
        (Selection(output="web", ids=frozenset({"4", "1"})), ["web 4"], Count(1, 0)),
        (Selection(state=State.DEAD, ids=frozenset({"4", "d1"})), ["gone d1"], Count(0, 1)),
        (Selection(ids=frozenset({"99", "d99"})), [], Count(0, 0)),
        (Selection(ids=frozenset()), [], Count(0, 0)),
    ],
)
def test_selection(letters: Letters, selection: Selection, expected: list[str], count: Count) -> None:
    assert names(letters.select(selection, 100)) == expected
    assert letters.count(selection) == count


def test_limit_holds_for_what_waits_and_dead_letters_of_each_output(letters: Letters) -> None:
    found = names(letters.select(Selection(), 1))
    assert found == ["web 2", "web d2", "pager 1", "gone d1"]


def test_letter_tells_of_its_alert_and_why_it_was_refused(letters: Letters) -> None:
    waiting, dead = letters.select(Selection(output="web", ids=frozenset({"2", "d2"})), 9)
    assert (waiting.state, waiting.rule, waiting.priority) == (State.WAITING, "Rule 2", "Warning")
    assert (waiting.alert_id, waiting.refused_s, waiting.reason) == (sample_alert(2).id, None, None)
    assert (dead.state, dead.rule, dead.reason) == (State.DEAD, "Rule 1", "answered 400")
    assert dead.refused_s is not None
    assert dead.refused_s >= dead.accepted_s > 1_700_000_000
    assert waiting.alert is None


def test_whole_alert_is_shown_as_json_can_have_it(letters: Letters) -> None:
    (letter,) = letters.select(Selection(ids=frozenset({"d2"})), 9, whole=True)
    alert = sample_alert(1)
    assert msgspec.json.decode(msgspec.json.encode(letter.alert)) == {
        "id": alert.id,
        "time_ns": alert.time_ns,
        "rule": "Rule 1",
        "priority": "Warning",
        "source": "test",
        "tags": ["test"],
        "hostname": alert.hostname,
        "message": "message 1",
        "output_fields": {"test.number": 1},
        "line": alert.line,
        "labels": {"instance": "test"},
    }


def test_dead_letters_are_counted_by_output(letters: Letters) -> None:
    assert letters.dead_letters() == {"web": 2, "gone": 1}


@pytest.mark.parametrize(
    ("selection", "retried", "web", "left"),
    [
        (Selection(), Retried({"web": 2}, {"gone": 1}, 0), [2, 4, 5, 1, 3], ["gone d1"]),
        (Selection(output="web"), Retried({"web": 2}, {}, 0), [2, 4, 5, 1, 3], ["gone d1"]),
        (Selection(output="pager"), Retried({}, {}, 0), [2, 4, 5], ["web d2", "web d3", "gone d1"]),
        (
            Selection(ids=frozenset({"d3", "4"})),
            Retried({"web": 1}, {}, 0),
            [2, 4, 5, 3],
            ["web d2", "gone d1"],
        ),
        (Selection(output="gone"), Retried({}, {"gone": 1}, 0), [2, 4, 5], ["web d2", "web d3", "gone d1"]),
    ],
)
@pytest.mark.parametrize("part", [1, 1000])
def test_dead_letters_go_to_the_end_of_their_queue(
    path: Path,
    letters: Letters,
    selection: Selection,
    retried: Retried,
    web: list[int],
    left: list[str],
    part: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(letters_module, "_PART", part)
    assert letters.retry(selection) == retried
    assert queue(path, "web") == web
    assert queue(path, "pager") == [1, 2, 3, 4, 5]
    assert names(letters.select(Selection(state=State.DEAD), 9)) == left


def test_what_is_put_back_is_as_if_accepted_now(path: Path) -> None:
    """It is not given up for its age at once, and is as severe as it was."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE dead SET accepted_s = 1, refused_s = 1")
    with closing(Letters(path)) as letters:
        letters.retry(Selection(output="web"))
    with closing(Store(path, Limits(max_age_s=3600))) as store:
        store.tidy()
    assert queue(path, "web") == [2, 4, 5, 1, 3]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT DISTINCT priority FROM alert").fetchall() == [(4,)]


def test_what_cannot_be_read_stays_and_is_counted(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE dead SET body = x'00' WHERE number = 2")
    with closing(Letters(path)) as letters:
        (letter,) = letters.select(Selection(ids=frozenset({"d2"})), 9, whole=True)
        assert (letter.rule, letter.priority, letter.alert) == (None, None, None)
        assert letters.retry(Selection(output="web")) == Retried({"web": 1}, {}, 1)
        assert names(letters.select(Selection(output="web", state=State.DEAD), 9)) == ["web d2"]


@pytest.mark.parametrize(
    ("selection", "purged", "left", "counted"),
    [
        (
            Selection(),
            Count(8, 3),
            [],
            {
                "web": {"purged": 3, "purged, as dead letter": 2},
                "pager": {"purged": 5},
                "gone": {"purged, as dead letter": 1},
            },
        ),
        (Selection(output="pager"), Count(5, 0), [*EVERYTHING[:5], "gone d1"], {"pager": {"purged": 5}}),
        (
            Selection(output="web", state=State.DEAD),
            Count(0, 2),
            [*EVERYTHING[:3], *EVERYTHING[5:]],
            {"web": {"purged, as dead letter": 2}},
        ),
        (
            Selection(ids=frozenset({"4", "d1"})),
            Count(2, 1),
            [name for name in EVERYTHING if name not in ("web 4", "pager 4", "gone d1")],
            {"web": {"purged": 1}, "pager": {"purged": 1}, "gone": {"purged, as dead letter": 1}},
        ),
        (Selection(ids=frozenset({"99"})), Count(0, 0), EVERYTHING, {}),
    ],
)
@pytest.mark.parametrize("part", [1, 1000])
def test_purged_letters_are_gone_and_counted_as_dropped(
    path: Path,
    letters: Letters,
    selection: Selection,
    purged: Count,
    left: list[str],
    counted: dict[str, dict[str, int]],
    part: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(letters_module, "_PART", part)
    assert letters.purge(selection) == purged
    assert names(letters.select(Selection(), 9)) == left
    assert dropped(path) == counted


def test_the_writer_is_not_kept_waiting_by_one_who_only_looks(path: Path, letters: Letters) -> None:
    letters.select(Selection(), 9)
    keep(path, sample_alert(6), outputs=("web", "pager"))
    assert queue(path, "web") == [2, 4, 5, 6]
    assert letters.count(Selection(output="web")) == Count(4, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", (State.WAITING, 1)), ("d12", (State.DEAD, 12)), ("007", (State.WAITING, 7))],
)
def test_ids(text: str, expected: tuple[State, int]) -> None:
    assert parse_id(text) == expected


@pytest.mark.parametrize("text", ["", "d", "x1", "-1", "1.0", "dd1", "D1", "²", "9" * 19, " 1"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        parse_id(text)
