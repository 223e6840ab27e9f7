"""What answers mean, and how they stand in a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from falcocore_outputs.http_answers import Answer, one_line, retry_after_s

DATE = "Thu, 26 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 120 "}, 120.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "9" * 400}, None),
        # Of the answer's date, and not of this host's.
        ({"date": DATE, "retry-after": "Thu, 26 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"date": DATE, "retry-after": "Thursday, 26-Nov-26 12:01:00 GMT"}, 60.0),
        ({"date": DATE, "retry-after": "Thu, 26 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"date": DATE, "retry-after": "Thu, 26 Nov 2026 25:00:00 GMT"}, None),
    ],
)
def test_time_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize("headers", [{}, {"date": "today"}])
def test_date_without_one_of_the_answer_is_compared_with_the_clock(headers: dict[str, str]) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    found = retry_after_s({**headers, "retry-after": format_datetime(until, usegmt=True)})
    assert found is not None
    assert 3500 < found <= 3600


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (" a\r\n\tb ", "a b"),
        ("\x1b[31mred\x00", "\ufffd[31mred\ufffd"),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 20 + "..."),
    ],
)
def test_text_on_one_line(text: str, shown: str) -> None:
    assert one_line(text, 20) == shown


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer(503, "Service Unavailable", {}, "busy\n"), "503 Service Unavailable: busy"),
        (Answer(503, "", {}, " "), "503"),
    ],
)
def test_answer_in_a_message(answer: Answer, shown: str) -> None:
    assert str(answer) == shown
