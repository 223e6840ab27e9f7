"""The tables that the plugin comes with, held against the reference's where it is there."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from falcocore_syscall.tables import (
    CAPABILITIES,
    CONVERSIONS,
    EVENTS,
    FLAG_TABLES,
    SYSCALL_NAMES,
    EventFlag,
    ParamType,
    types_named,
    with_flag,
)

GENERATOR = Path(__file__).parents[3] / "plugins" / "syscall" / "tools" / "generate_tables.py"
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "events.json"


def test_the_tables_are_those_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference's table of events is not here")
    spec = importlib.util.spec_from_file_location("generate_tables", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wanted = module.reduced(json.loads(REFERENCE.read_text()))
    assert json.loads(module.TARGET.read_text()) == wanted


def test_what_is_known_of_some_events() -> None:
    assert [param.name for param in EVENTS[307].params] == [
        "fd", "dirfd", "name", "flags", "mode", "dev", "ino",
    ]  # fmt: skip
    assert EVENTS[307].params[2].type is ParamType.FSRELPATH
    assert EVENTS[307].params[2].dirfd_param == 1
    assert EVENTS[5].fd_param == 1
    assert EVENTS[9].flags >= {EventFlag.USES_FD, EventFlag.WRITES_TO_FD}
    assert (len(EVENTS), len(CONVERSIONS), len(CAPABILITIES)) == (454, 253, 41)
    assert SYSCALL_NAMES[:4] == ("unknown", "restart_syscall", "exit", "read")
    assert ("O_CREAT", 4) in FLAG_TABLES["file_flags"]


def test_types_are_found_by_name_and_flag() -> None:
    assert types_named("openat", "close") == {307, 5}
    assert 186 not in with_flag(EventFlag.USES_FD)
    with pytest.raises(KeyError):
        types_named("opnat")
