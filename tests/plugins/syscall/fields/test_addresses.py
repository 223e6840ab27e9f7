"""Conditions on both ends of a connection, and on host names."""

from __future__ import annotations

import pytest

from falcocore.errors import ConfigError
from falcocore.testing import match_events
from falcocore_syscall.fields import FIELDS
from tests.support.syscall_events import Box, one_rule, shown, tuple4


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("fd.ip = 10.0.0.5", True),
        ("fd.ip = 127.0.0.1", True),
        ("fd.ip != 127.0.0.1", False),
        ("fd.ip != 9.9.9.9", True),
        ("fd.ip in (9.9.9.9, 10.0.0.5)", True),
        ("fd.port = 443", True),
        ("fd.port = 5000", True),
        ("fd.port != 443", False),
        ("fd.port > 4000", True),
        ("fd.port < 100", False),
        ("fd.proto = https", True),
        ("fd.net = 10.0.0.0/8", True),
        ("fd.net != 10.0.0.0/8", False),
        ('fd.net != "2001:db8::/32"', True),
        ("fd.snet in (10.0.0.0/8, 127.0.0.0/8)", True),
        ("fd.cnet = 10.0.0.0/8", False),
        ("fd.sip.name = localhost", False),
        ("fd.cip.name = localhost", True),
        ("fd.cip.name in (localhost, other.example)", True),
        ("fd.cip.name != localhost", False),
        ("fd.sip.name != localhost", True),
    ],
)
def test_conditions(condition: str, matches: bool) -> None:
    box = Box()
    box.machine.names.watch(["localhost"])
    try:
        assert box.machine.names.wait(30)
        box.starts(1, 0, "curl")
        box.happens("socket", 1, fd=3, domain=2, type=1, proto=6)
        event = box.happens("connect", 1, res=0, fd=3, tuple=tuple4("127.0.0.1", 5000, "10.0.0.5", 443))
        rules = one_rule(condition, "%fd.cip.name")
        found = match_events([event], FIELDS, rules, source="syscall")
        assert found.messages == (["localhost"] if matches else [])
        assert shown(event, "fd.sip") == "10.0.0.5"
    finally:
        box.machine.names.stop()


def test_of_a_file_no_check_on_addresses_holds() -> None:
    box = Box()
    box.starts(1, 0, "cat")
    event = box.opens("/etc/hosts")
    for condition in ("fd.ip != 1.1.1.1", "fd.port != 1", "fd.net != 1.0.0.0/8", "fd.sip.name != x"):
        rules = one_rule(condition, "x")
        assert match_events([event], FIELDS, rules, source="syscall").messages == []


def test_what_has_two_values_is_not_printed() -> None:
    rules = "[{rule: R, desc: d, condition: fd.num = 1, output: '%fd.ip', priority: INFO}]"
    with pytest.raises(ConfigError, match="has no single value"):
        match_events([], FIELDS, rules, source="syscall")


def test_what_is_only_printed_is_not_compared() -> None:
    rules = "[{rule: R, desc: d, condition: evt.outputtime = x, output: x, priority: INFO}]"
    with pytest.raises(ConfigError, match="can only stand in an output"):
        match_events([], FIELDS, rules, source="syscall")
