"""Host names that rules name, looked up on loopback."""

from __future__ import annotations

from falcocore_syscall.state.names import HostNames

LOOPBACK = b"\x7f\0\0\1"


def test_names_of_an_address() -> None:
    names = HostNames()
    assert names.of(LOOPBACK) == []
    names.watch(["localhost", "no such name."])
    try:
        assert names.wait(30)
        assert names.of(LOOPBACK) == ["localhost"]
        names.watch([])
        names.look_up()
        assert names.of(LOOPBACK) == []
    finally:
        names.stop()


def test_a_name_may_be_known_without_being_looked_up() -> None:
    names = HostNames()
    names.know("api.example.org", LOOPBACK)
    names.know("api", LOOPBACK)
    assert names.of(LOOPBACK) == ["api.example.org", "api"]
