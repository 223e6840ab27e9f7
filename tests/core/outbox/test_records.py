"""Alerts as bytes and back: whatever is in them, no alert may hold others up."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from falcocore.outbox.records import UnreadableError, decoded, encoded
from falcocore.testing import sample_alert


def test_an_alert_comes_back_as_it_was() -> None:
    fields = {
        "text": "é\n\0",
        "number": -1,
        "none": None,
        "list": [1.5, True, {"deep": []}],
        "large": 2**64 - 1,
    }
    alert = sample_alert(output_fields=fields, tags=("a", "b"), labels={"instance": "i", "cluster": "c"})
    assert decoded(encoded(alert)) == alert


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("half \ud800 of a pair", "half \ufffd of a pair"),
        ({"\udcff": 2**70}, {"\ufffd": str(2**70)}),
        (2**64, str(2**64)),
        ([-(2**63) - 1, True, 7], [str(-(2**63) - 1), True, 7]),
        (ip_address("127.0.0.1"), "127.0.0.1"),
    ],
)
def test_what_can_not_be_kept_as_it_is_becomes_text(value: Any, kept: Any) -> None:
    alert = sample_alert(output_fields={"f": value}, line="line \udc80", message="m\ud800")
    found = decoded(encoded(alert))
    assert found.output_fields == {"f": kept}
    assert (found.line, found.message, found.id, found.priority) == (
        "line \ufffd",
        "m\ufffd",
        alert.id,
        alert.priority,
    )


BODY = encoded(sample_alert())


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"\x80", BODY[:-5], BODY.replace(b"message", b"mess\xffge"), None, 1, "text"]
)
def test_what_is_no_alert_is_said_to_be_none(body: object) -> None:
    with pytest.raises(UnreadableError):
        decoded(body)
