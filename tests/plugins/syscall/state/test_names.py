"""Host names that rules name, looked up on loopback."""

from __future__ import annotations

import time

from falcocore_syscall.state.names import HostNames

LOOPBACK = b"\x7f\0\0\1"


def test_names_of_an_address() -> None:
    names = HostNames()
    assert names.of(LOOPBACK) == []
    names.watch(["localhost", "no such name."])
    try:
        deadline = time.monotonic() + 30
        while not names.of(LOOPBACK) and time.monotonic() < deadline:
            names.wait_for_answers(1)
        assert names.of(LOOPBACK) == ["localhost"]
        names.watch([])
        names.look_up()
        assert names.of(LOOPBACK) == []
    finally:
        names.stop()
