"""Which alerts an output wants."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.api import Priority
from falcocore.errors import ConfigError
from falcocore.testing import sample_alert
from falcocore.wanted import ALERT_FIELDS, Wanted

ALERT = sample_alert(
    rule="Shell in container",
    priority=Priority.ERROR,
    source="syscall",
    tags=("shell", "container"),
    hostname="node-1",
    message="a shell (user=root)",
    output_fields={
        "user.name": "root",
        "user.uid": 0,
        "proc.args": None,
        "flag": True,
        "list": ["a", 2],
        "half": 0.5,
    },
    labels={"instance": "one", "cluster": "prod"},
    time_ns=1_700_000_000_000_000_000,
)


def wants(**keys: Any) -> bool:
    return Wanted(**keys).function("output o")(ALERT)


def test_everything_is_wanted_where_nothing_is_said() -> None:
    assert wants()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"least": Priority.ERROR}, True),
        ({"least": Priority.WARNING}, True),
        ({"least": Priority.CRITICAL}, False),
        ({"rules": ("Shell in container",)}, True),
        ({"rules": ("Other", "Shell*")}, True),
        ({"rules": ("shell in container",)}, False),
        ({"rules": ("Shell",)}, False),
        ({"tags": frozenset({"shell", "x"})}, True),
        ({"tags": frozenset({"x"})}, False),
        ({"sources": frozenset({"k8s_audit", "syscall"})}, True),
        ({"sources": frozenset({"k8s_audit"})}, False),
        ({"tags": frozenset({"shell"}), "sources": frozenset({"k8s_audit"})}, False),
        ({"rules": ("*",), "condition": "alert.severity > 3"}, False),
        ({"least": Priority.CRITICAL, "condition": "alert.severity <= 3"}, False),
    ],
)
def test_of_each_part_one_entry_has_to_fit(keys: dict[str, Any], expected: bool) -> None:
    assert wants(**keys) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("alert.rule = 'Shell in container'", True),
        ("alert.priority = Error", True),
        ("alert.severity < 4 and not alert.field[user.name] = admin", True),
        ("alert.severity = 4", False),
        ("alert.source in (syscall, k8s_audit)", True),
        ("alert.tags intersects (shell)", True),
        ("alert.tags in (shell)", False),
        ("alert.hostname startswith node-", True),
        ("alert.message contains 'user=root'", True),
        ("alert.time > 1600000000000000000", True),
        ("alert.field[user.uid] = 0", True),
        ("alert.field[flag] = true", True),
        ("alert.field[list] = '(a,2)'", True),
        ("alert.field[half] = 0.5", True),
        ("alert.field[proc.args] exists", False),
        ("alert.field[missing] = x", False),
        ("not alert.field[missing] = x", True),
        ("alert.label[cluster] = prod or alert.label[cluster] = test", True),
        ("alert.label[region] exists", False),
    ],
)
def test_a_condition_reads_the_alert(condition: str, expected: bool) -> None:
    assert wants(condition=condition) == expected


@pytest.mark.parametrize("field", ALERT_FIELDS, ids=lambda field: str(field.name))
def test_every_field_can_be_read(field: Any) -> None:
    argument = "[user.name]" if field.name == "alert.field" else "[cluster]" if field.argument else ""
    assert wants(condition=f"{field.name}{argument} exists")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("alert.severty < 3", "alert.severity"),
        ("alert.severity <", "output o"),
        ("alert.severity < high", "high"),
        ("alert.field = x", "alert.field"),
        ("ka.verb = create", "ka.verb"),
    ],
)
def test_a_condition_that_can_not_be_used_is_an_error_that_names_the_output(
    condition: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Wanted(condition=condition).function("output o")
    assert caught.value.message.startswith("output o: its condition can't be used\n")
    assert said in caught.value.message
