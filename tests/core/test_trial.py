"""The test alert, and sending it once."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from falcocore.alerts import AlertFormat
from falcocore.destination import Destination
from falcocore.errors import OutputError, PermanentRefusal
from falcocore.output import Alert, Output
from falcocore.trial import trial_alert, try_output
from tests.support.small_sources import Kept, Refusing

MESSAGE = "This is a test of falcocore, nothing has happened (output=web host=here)"


def test_alert_says_that_it_is_a_test() -> None:
    alert = trial_alert("web", AlertFormat("here"))
    assert (alert.rule, alert.source, alert.tags) == ("Test of an output", "internal", ("test",))
    assert alert.message == MESSAGE
    assert alert.line.endswith(f": Notice {MESSAGE}")
    assert alert.id != trial_alert("web", AlertFormat("here")).id


def test_alert_has_the_format_of_the_configuration() -> None:
    alert = trial_alert("web", AlertFormat("here", json_output=True, include_tags=False))
    record = json.loads(alert.line)
    assert (record["rule"], record["priority"], record["hostname"]) == ("Test of an output", "Notice", "here")
    assert record["output"].endswith(MESSAGE)
    assert record["output_fields"]["test.output"] == "web"
    assert "tags" not in record


@pytest.mark.parametrize("name", ["a: b", "- x", "%evt.num", "ü # {}"])
def test_name_of_an_output_may_be_anything(name: str) -> None:
    assert trial_alert(name, AlertFormat("here")).output_fields["test.output"] == name


ALERT = trial_alert("web", AlertFormat("here"))


def test_output_is_opened_gets_one_alert_and_is_closed() -> None:
    kept = Kept()
    trial = try_output(Destination("web", kept), ALERT)
    assert trial.failure is None
    assert trial.elapsed_s >= 0
    assert (kept.alerts, kept.calls) == ([ALERT], ["open", "close"])


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (OutputError("not now", hint="wait"), "not now\n  wait"),
        (PermanentRefusal("never"), "never"),
        (ValueError("surprise"), "surprise"),
        (ValueError(), "ValueError"),
    ],
)
def test_failure_is_told_and_the_output_is_closed(error: Exception, failure: str) -> None:
    refusing = Refusing(error)
    assert try_output(Destination("web", refusing), ALERT).failure == failure
    assert refusing.calls == ["open", "close"]


def test_output_that_cannot_be_opened_is_told() -> None:
    class Shut(Output):
        name = "shut"

        def open(self) -> None:
            raise OutputError("it is shut")

        async def send(self, alerts: Sequence[Alert]) -> None:
            raise AssertionError(alerts)

    assert try_output(Destination("web", Shut()), ALERT).failure == "it is shut"
