"""Alerts as syslog messages: headers, structured data, escapes, and what is left of a long one."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from falcocore.api import Alert, ConfigError, Priority
from falcocore_outputs.syslog.message import LEAST_SIZE_BYTES, Facility, Layout, MessageFormat
from tests.support.small_alerts import alert
from tests.support.time_zone import KOLKATA, time_zone

# 2024-03-09 22:04:05.067890123 UTC; in Kolkata it is the tenth already.
TIME_NS = 1_710_021_845_067_890_123
MODERN = MessageFormat(Layout.RFC5424)
OLD = MessageFormat(Layout.RFC3164)
PID = os.getpid()


def small(line: str = "hello", **changes: Any) -> Alert:
    return replace(alert(line), time_ns=TIME_NS, **changes)


def text(layout: MessageFormat, given: Alert) -> str:
    return layout.message(given).whole().decode()


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        (MODERN, f"<13>1 2024-03-09T22:04:05.067890Z host falcocore {PID} - - hello"),
        (OLD, "<13>Mar 10 03:34:05 host falcocore: hello"),
        (replace(OLD, with_hostname=False), "<13>Mar 10 03:34:05 falcocore: hello"),
        (replace(OLD, hostname="other"), "<13>Mar 10 03:34:05 other falcocore: hello"),
        (
            replace(MODERN, facility=Facility.LOCAL7, app_name="falco", hostname="a.b"),
            f"<189>1 2024-03-09T22:04:05.067890Z a.b falco {PID} - - hello",
        ),
        (
            replace(MODERN, sd_id="x@1"),
            f"<13>1 2024-03-09T22:04:05.067890Z host falcocore {PID} - "
            '[x@1 id="id" rule="Rule" source="small" tags=""] hello',
        ),
    ],
)
def test_the_whole_message(layout: MessageFormat, wanted: str) -> None:
    with time_zone(KOLKATA):
        assert text(layout, small()) == wanted


def test_a_day_of_one_digit_is_padded_with_a_blank() -> None:
    with time_zone("UTC"):
        assert text(OLD, small()).startswith("<13>Mar  9 22:04:05 ")


@pytest.mark.parametrize(
    ("facility", "priority", "number"),
    [
        (Facility.KERN, Priority.EMERGENCY, 0),
        (Facility.USER, Priority.EMERGENCY, 8),
        (Facility.USER, Priority.ALERT, 9),
        (Facility.USER, Priority.CRITICAL, 10),
        (Facility.USER, Priority.ERROR, 11),
        (Facility.USER, Priority.WARNING, 12),
        (Facility.USER, Priority.NOTICE, 13),
        (Facility.USER, Priority.INFORMATIONAL, 14),
        (Facility.USER, Priority.DEBUG, 15),
        (Facility.DAEMON, Priority.ERROR, 27),
        (Facility.AUTH, Priority.ERROR, 35),
        (Facility.AUTHPRIV, Priority.ERROR, 83),
        (Facility.LOCAL0, Priority.ERROR, 131),
        (Facility.LOCAL7, Priority.DEBUG, 191),
    ],
)
def test_facility_and_priority_are_one_number(facility: Facility, priority: Priority, number: int) -> None:
    for layout in (OLD, MODERN):
        assert text(replace(layout, facility=facility), small(priority=priority)).startswith(f"<{number}>")


@pytest.mark.parametrize(
    ("hostname", "wanted"),
    [("web-1.example", "web-1.example"), ("my host\n", "my_host_"), ("büro", "b_ro"), ("", "-")],
)
def test_a_hostname_is_one_word(hostname: str, wanted: str) -> None:
    assert text(MODERN, small(hostname=hostname)).split(" ")[2] == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("a\nb\0c", "a\\u000ab\\u0000c"),
        ("\x1b[31m\x7f\x85", "\\u001b[31m\\u007f\\u0085"),
        # What is none, stays.
        ('"a" \\n ] ä € \N{GRINNING FACE}', '"a" \\n ] ä € \N{GRINNING FACE}'),
    ],
)
@pytest.mark.parametrize("layout", [OLD, MODERN])
def test_control_characters_of_the_text_are_escaped(layout: MessageFormat, line: str, wanted: str) -> None:
    assert text(layout, small(line)).endswith(f" {wanted}")


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("plain", "plain"),
        ('say "hi"', r"say \"hi\""),
        ("a\\b", r"a\\b"),
        ("[x]", r"[x\]"),
        ("two\nlines", r"two\u000alines"),
        ("ä", "ä"),
    ],
)
def test_values_of_structured_data_are_escaped(rule: str, wanted: str) -> None:
    given = small(rule=rule, source="k8s_audit", tags=("a", "b"))
    assert text(replace(MODERN, sd_id="x@1"), given).endswith(
        f'[x@1 id="id" rule="{wanted}" source="k8s_audit" tags="a,b"] hello'
    )


@pytest.mark.parametrize("layout", [OLD, MODERN, replace(MODERN, sd_id="x@1")])
@pytest.mark.parametrize("letter", ["x", "ä", "€", "\N{GRINNING FACE}"])
def test_a_cut_message_says_how_long_it_was(layout: MessageFormat, letter: str) -> None:
    message = layout.message(small(letter * 1000))
    whole = message.whole().decode()
    for size_bytes in range(600, 604):
        cut = message.cut(size_bytes)
        mark = f" [cut, {len(whole.encode())} bytes]"
        assert size_bytes - len(letter.encode()) < len(cut) <= size_bytes
        assert cut.decode().endswith(mark)
        assert whole.startswith(cut.decode().removesuffix(mark))


def test_structured_data_that_leaves_no_room_is_left_out() -> None:
    given = small("y" * 1000, rule="x" * LEAST_SIZE_BYTES)
    cut = replace(MODERN, sd_id="x@1").message(given).cut(LEAST_SIZE_BYTES).decode()
    assert len(cut) == LEAST_SIZE_BYTES
    assert cut.startswith(text(MODERN, small("y" * 50)))
    assert cut.endswith("bytes]")


def test_the_longest_header_leaves_room_in_the_shortest_message() -> None:
    layout = replace(MODERN, app_name="a" * 48, hostname="h" * 300, facility=Facility.LOCAL7)
    cut = layout.message(small("y" * 1000)).cut(LEAST_SIZE_BYTES).decode()
    assert len(cut) == LEAST_SIZE_BYTES
    assert " - - yyyy" in cut


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"app_name": ""}, "app_name: `` can't stand in a message"),
        ({"app_name": "my app"}, "app_name: `my app` can't stand in a message"),
        ({"app_name": "app:"}, "app_name: `app:` can't stand in a message"),
        ({"app_name": "a" * 49}, "can't stand in a message"),
        ({"sd_id": "falcocore"}, "sd_id: `falcocore` is not a name for structured data"),
        ({"sd_id": 'a"@1'}, "is not a name for structured data"),
        ({"sd_id": f"{'a' * 31}@1"}, "is not a name for structured data"),
        ({"sd_id": "a@1", "layout": Layout.RFC3164}, "rfc3164 has no structured data"),
        ({"hostname": "h", "with_hostname": False}, "to a socket of this host have none"),
    ],
)
def test_what_would_break_a_header_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(MODERN, **changes)
