"""What plugin authors test with: events in and alerts out, and outputs against receivers that fail."""

from __future__ import annotations

import asyncio
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from falcocore import testing
from falcocore.api import (
    Alert,
    ConfigError,
    Field,
    FieldType,
    Output,
    OutputError,
    OutputGone,
    PermanentRefusal,
    PluginError,
    Source,
    SourceError,
)
from tests.support.small_sources import (
    KINDS,
    InThread,
    OnLoop,
    Stateful,
    Unrepeatable,
    Word,
    batches_of,
    rule,
)

FIELDS = [
    Field("w.word", FieldType.STRING, "d", lambda event: event.word),
    Field("w.state", FieldType.STRING, "d", lambda event: event.state),
]
HIT = rule("Hit", "w.word startswith hit", "word=%w.word")
BOTH_KINDS = pytest.mark.parametrize("kind", KINDS)
Kind = type[InThread] | type[OnLoop]


@BOTH_KINDS
def test_alerts_of_a_source_come_in_the_order_of_its_events(kind: Kind) -> None:
    outcome = testing.run_source(kind(batches_of(["hit 1", "x"], ["hit 2"])), FIELDS, HIT)
    assert outcome.messages == ["word=hit 1", "word=hit 2"]
    assert (outcome.events, outcome.rejected, outcome.field_failures) == (3, 0, {})


@BOTH_KINDS
def test_batches_are_acknowledged_once(kind: Kind) -> None:
    source = kind(batches_of(["hit"], ["x"]))
    testing.run_source(source, FIELDS, HIT)
    assert source.opened == 1
    assert source.journal.told == [(1, None), (2, None)]


@BOTH_KINDS
def test_batches_with_alerts_that_cannot_be_kept_get_the_reason(kind: Kind) -> None:
    source = kind(batches_of(["x"], ["hit"]))
    outcome = testing.run_source(source, FIELDS, HIT, failing="the disk is full")
    (first, second) = source.journal.told
    assert first == (1, None)
    assert second[1] is not None
    assert "the disk is full" in second[1]
    assert outcome.alerts == []


@BOTH_KINDS
def test_source_that_cannot_repeat_a_batch_fails_when_alerts_cannot_be_kept(kind: Kind) -> None:
    with pytest.raises(SourceError, match="alerts were lost"):
        testing.run_source(kind(batches_of(["hit"], kind=Unrepeatable)), FIELDS, HIT, failing="no room")


@BOTH_KINDS
def test_source_is_told_to_stop_after_so_many_events(kind: Kind) -> None:
    source = kind(batches_of(["hit 1"], ["hit 2", "hit 3"], ["hit 4"]))
    outcome = testing.run_source(source, FIELDS, HIT, stop_after=2)
    assert outcome.messages == ["word=hit 1", "word=hit 2", "word=hit 3"]


def test_what_a_source_raises_reaches_the_test() -> None:
    class Broken(Source):
        name: ClassVar[str] = "small"

        def batches(self) -> Iterator[Any]:
            raise SourceError("it is broken")

    with pytest.raises(SourceError, match="it is broken"):
        testing.run_source(Broken(), FIELDS, HIT)


def test_what_could_not_be_used_is_told() -> None:
    source = InThread(batches_of(["hit"]))
    source.rejected = 3
    assert testing.run_source(source, FIELDS, HIT).rejected == 3


def test_values_are_read_before_the_next_event_is_drawn() -> None:
    states = rule("State", "w.state exists", "state=%w.state", "mine")
    outcome = testing.match_events(Stateful("a", "b").draws(), FIELDS, states, source="mine")
    assert outcome.messages == ["state=a", "state=b"]


@pytest.mark.parametrize(("all_rules", "expected"), [(True, ["one", "two"]), (False, ["one"])])
def test_every_rule_matches_unless_only_the_first_is_asked_for(all_rules: bool, expected: list[str]) -> None:
    rules = rule("One", "w.word = x", "one") + rule("Two", "w.word = x", "two")
    outcome = testing.match_events([Word("x")], FIELDS, rules, source="small", all_rules=all_rules)
    assert outcome.messages == expected


def test_getter_that_raises_reads_as_absent_and_is_told() -> None:
    def bad(_event: Any) -> str:
        raise RuntimeError("it is broken")

    fields = [Field("w.bad", FieldType.STRING, "d", bad)]
    rules = rule("Absent", "not w.bad exists", "absent")
    outcome = testing.match_events([Word("x")], fields, rules, source="small")
    assert outcome.messages == ["absent"]
    assert outcome.field_failures["w.bad"] > 0


def test_field_of_the_core_may_be_replaced_and_the_others_are_there() -> None:
    own = Field("evt.hostname", FieldType.STRING, "d", lambda _event: "mine")
    rules = rule("R", "evt.num = 1", "host=%evt.hostname source=%evt.source")
    outcome = testing.match_events([Word("x")], [own], rules, source="small")
    assert outcome.messages == ["host=mine source=small"]


def test_installed_fields_can_be_used_together_with_new_ones() -> None:
    fields = testing.installed_fields("k8s_audit")
    assert {"ka.verb", "evt.num"} <= {field.name for field in fields}
    rules = rule("R", "w.word = x and evt.num = 1", "word=%w.word", "k8s_audit")
    outcome = testing.match_events([Word("x")], [*fields, *FIELDS], rules, source="k8s_audit")
    assert outcome.messages == ["word=x"]


def test_installed_source_can_be_run_with_its_fields(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    file.write_text(
        '{"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "stage": "ResponseComplete",'
        ' "stageTimestamp": "2025-01-01T00:00:00Z", "verb": "get"}\n'
    )
    source = testing.installed_source("k8s_audit", target=str(file))
    rules = rule("R", "ka.verb exists", "verb=%ka.verb", "k8s_audit")
    assert testing.run_source(source, testing.installed_fields("k8s_audit"), rules).messages == ["verb=get"]


def test_source_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(PluginError, match="k8s_audti"):
        testing.installed_source("k8s_audti")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (rule("R", "w.wrod = x", "o"), r"(?s)rules.yaml:3:\d+: error: .*w\.word"),
        (rule("R", "w.word inn (x)", "o"), r"rules.yaml:3:\d+: error: "),
        (rule("R", "w.word = x", "o", "other"), "(?s)no rule runs for source small.*R: source other"),
        ("", "(?s)no rule runs for source small.*no rules in the text"),
    ],
)
def test_rules_that_cannot_run_are_an_error_that_says_why(rules: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        testing.match_events([], FIELDS, rules, source="small")


def test_two_fields_of_one_name_are_an_error() -> None:
    with pytest.raises(PluginError, match=r"w\.word"):
        testing.match_events([], [FIELDS[0], FIELDS[0]], HIT, source="small")


class Scripted(Output):
    """Raises what its script says, call by call, and keeps what it takes."""

    name: ClassVar[str] = "scripted"

    def __init__(
        self, *script: BaseException | None, limit: Annotated[int, "how many"] = 1, target: str | None = None
    ) -> None:
        self.calls: list[str] = []
        self.limit = limit
        self.target = target
        self._script = list(script)

    def open(self) -> None:
        self.calls.append("open")

    async def send(self, alerts: Sequence[Alert]) -> None:
        self.calls.append(" ".join(alert.message.removeprefix("message ") for alert in alerts))
        error = self._script.pop(0) if self._script else None
        if error is not None:
            raise error

    async def aclose(self) -> None:
        self.calls.append("aclose")

    def close(self) -> None:
        self.calls.append("close")


LATER, NEVER, GONE = OutputError("later"), PermanentRefusal("never"), OutputGone("gone")


@pytest.mark.parametrize(
    ("script", "group_size", "sent", "delivered", "refused", "waiting"),
    [
        ([], 1, ["1", "2", "3"], "123", "", ""),
        ([], 2, ["1 2", "3"], "123", "", ""),
        ([LATER, LATER], 2, ["1 2", "1 2", "1 2", "3"], "123", "", ""),
        ([None, LATER], 1, ["1", "2", "2", "3"], "123", "", ""),
        ([None, NEVER], 1, ["1", "2", "3"], "13", "2", ""),
        ([LATER, NEVER], 2, ["1 2", "1 2", "3"], "3", "12", ""),
        ([None, GONE], 1, ["1", "2"], "1", "", "23"),
        ([None, LATER, LATER, LATER], 1, ["1", "2", "2", "2"], "1", "", "23"),
    ],
)
def test_output_is_tried_again_in_order_until_it_takes_or_refuses(
    script: list[BaseException | None],
    group_size: int,
    sent: list[str],
    delivered: str,
    refused: str,
    waiting: str,
) -> None:
    output = Scripted(*script)
    alerts = [testing.sample_alert(number) for number in (1, 2, 3)]
    delivery = testing.deliver(output, alerts, group_size=group_size, attempts=3)
    assert output.calls == ["open", *sent, "aclose", "close"]

    def numbers(some: Sequence[Alert]) -> str:
        return "".join(alert.message.removeprefix("message ") for alert in some)

    assert [numbers(attempt.alerts) for attempt in delivery.attempts] == [s.replace(" ", "") for s in sent]
    assert [attempt.error for attempt in delivery.attempts] == (script + [None] * len(sent))[: len(sent)]
    assert numbers(delivery.delivered) == delivered
    assert numbers(delivery.refused) == refused
    assert numbers(delivery.waiting) == waiting


def test_exception_of_an_output_that_is_no_output_error_reaches_the_test() -> None:
    output = Scripted(KeyError("a defect"))
    with pytest.raises(KeyError):
        testing.deliver(output, [testing.sample_alert()])
    assert output.calls[-2:] == ["aclose", "close"]


def test_sample_alerts_differ_by_number_and_take_changes() -> None:
    one, two = testing.sample_alert(1), testing.sample_alert(2, rule="Mine")
    assert (one.id, one.message) != (two.id, two.message)
    assert two.rule == "Mine"


def test_options_are_converted_as_those_of_the_configuration() -> None:
    assert testing.configured(Scripted, {"limit": "5"}).limit == 5
    assert testing.configured(Scripted, {}, target="there").target == "there"


@pytest.mark.parametrize("options", [{"limit": "five"}, {"limitt": 5}])
def test_options_that_the_configuration_could_not_use_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="limit"):
        testing.configured(Scripted, options)


class Posting(Output):
    """Posts each alert to a URL."""

    name: ClassVar[str] = "posting"

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            await asyncio.to_thread(self._post, alert.line.encode())

    def _post(self, body: bytes) -> None:
        try:
            urllib.request.urlopen(self._url, body).close()
        except urllib.error.HTTPError as error:
            error.close()
            kind = PermanentRefusal if error.code == 403 else OutputError
            raise kind(f"status {error.code}") from None
        except OSError as error:
            raise OutputError("no answer") from error


def test_receiver_answers_as_it_was_told_to_and_keeps_what_it_got() -> None:
    alerts = [testing.sample_alert(number, line=f"line {number}") for number in (1, 2)]
    with testing.receiver(503, None, 200, 403) as receiver:
        delivery = testing.deliver(Posting(receiver.url), alerts)
    errors = [str(attempt.error) if attempt.error else None for attempt in delivery.attempts]
    assert errors == ["status 503", "no answer", None, "status 403"]
    assert receiver.bodies == [b"line 1", b"line 1", b"line 1", b"line 2"]
    assert [header["content-length"] for header in receiver.headers] == ["6"] * 4
    assert (delivery.delivered, delivery.refused) == ([alerts[0]], [alerts[1]])


def test_receiver_is_gone_after_its_context() -> None:
    with testing.receiver() as receiver:
        pass
    delivery = testing.deliver(Posting(receiver.url), [testing.sample_alert()], attempts=1)
    assert len(delivery.waiting) == 1
    assert "receiver" not in {thread.name for thread in threading.enumerate()}
