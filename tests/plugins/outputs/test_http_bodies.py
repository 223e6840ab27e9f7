"""Bodies of alerts that were written in different formats; the usual ones are tested with a server."""

from __future__ import annotations

import json

import pytest

from falcocore.api import Alert
from falcocore.testing import sample_alert
from falcocore_outputs.http_bodies import Body, encode

TEXT, OBJECT = sample_alert(1, line='12:00:00: Notice "a"'), sample_alert(2, line='{"output":"b"}')


@pytest.mark.parametrize("alerts", [(TEXT, OBJECT), (OBJECT, TEXT)])
def test_text_and_json_together(alerts: tuple[Alert, Alert]) -> None:
    kind, body = encode(Body.ARRAY, alerts)
    assert kind == "application/json"
    values = {TEXT.id: TEXT.line, OBJECT.id: {"output": "b"}}
    assert json.loads(body) == [values[alert.id] for alert in alerts]
    kind, body = encode(Body.LINES, alerts)
    assert kind == "text/plain; charset=utf-8"
    assert body.decode().splitlines() == [alert.line for alert in alerts]


def test_half_of_a_surrogate_pair_breaks_nothing() -> None:
    assert encode(Body.SINGLE, [sample_alert(line='{"output":"\ud800"}')])[1] == b'{"output":"?"}'
