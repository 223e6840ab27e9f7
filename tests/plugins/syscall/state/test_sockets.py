"""Sockets: addresses, roles, names, and the fields of both ends."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.scap.records import InterfaceRecord
from falcocore_syscall.state.interfaces import Interfaces
from tests.support.syscall_events import Box, ipv4, sockaddr, tuple4, value_of

LOCAL, REMOTE = "10.0.0.5", "93.184.216.34"
MAPPED = bytes(10) + b"\xff\xff"


@pytest.fixture
def box() -> Box:
    """A process on a machine with one address."""
    box = Box()
    box.machine.interfaces = Interfaces(
        [
            InterfaceRecord("lo", ipv4("127.0.0.1"), ipv4("255.0.0.0")),
            InterfaceRecord("eth0", ipv4(LOCAL), ipv4("255.255.255.0")),
        ]
    )
    box.starts(1, 0, "curl")
    return box


def tcp(box: Box, fd: int = 3) -> None:
    box.happens("socket", 1, fd=fd, domain=2, type=1, proto=0, flags=0)


def udp(box: Box, fd: int = 3) -> None:
    box.happens("socket", 1, fd=fd, domain=2, type=2, proto=0, flags=0)


def test_a_fresh_socket_has_no_role(box: Box) -> None:
    event = box.happens("socket", 1, fd=3, domain=2, type=1, proto=6)
    expected = {
        "fd.type": "ipv4", "fd.name": "", "fd.l4proto": "<NA>", "fd.cip": None, "fd.sip": None,
        "fd.connected": False, "fd.is_server": False, "fd.sockfamily": "ip", "fd.name_changed": False,
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


@pytest.mark.parametrize(("result", "works"), [(0, True), (-115, True), (-111, False)])
def test_connect(box: Box, result: int, works: bool) -> None:
    tcp(box)
    event = box.happens("connect", 1, res=result, fd=3, tuple=tuple4(LOCAL, 5000, REMOTE, 443))
    if not works:
        assert value_of(event, "fd.name") == ""
        assert value_of(event, "fd.connected") is False
        return
    expected = {
        "fd.name": f"{LOCAL}:5000->{REMOTE}:443", "fd.l4proto": "tcp", "fd.connected": True,
        "fd.cip": ipv4(LOCAL), "fd.cport": 5000, "fd.sip": ipv4(REMOTE), "fd.sport": 443,
        "fd.lip": ipv4(LOCAL), "fd.lport": 5000, "fd.rip": ipv4(REMOTE), "fd.rport": 443,
        "fd.is_server": False, "fd.name_changed": True, "fd.sproto": "https", "fd.cproto": "5000",
        "fd.ip": [ipv4(LOCAL), ipv4(REMOTE)], "fd.port": [5000, 443],
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


def test_without_a_tuple_the_address_that_was_asked_for_counts(box: Box) -> None:
    tcp(box)
    event = box.happens("connect", 1, res=0, fd=3, addr=sockaddr(REMOTE, 443))
    assert value_of(event, "fd.name") == f"{LOCAL}:0->{REMOTE}:443"


def test_the_address_of_the_enter_event_counts_before_the_exits(box: Box) -> None:
    tcp(box)
    box.happens(22, 1, fd=3, addr=sockaddr(REMOTE, 443))
    event = box.happens("connect", 1, res=0, fd=3, addr=sockaddr("1.1.1.1", 1))
    assert value_of(event, "fd.sip") == ipv4(REMOTE)


def test_ipv4_in_ipv6_is_ipv4(box: Box) -> None:
    box.happens("socket", 1, fd=3, domain=10, type=1, proto=0)
    client = MAPPED + ipv4(LOCAL) + struct.pack("<H", 1)
    server = MAPPED + ipv4(REMOTE) + struct.pack("<H", 2)
    event = box.happens("connect", 1, res=0, fd=3, tuple=b"\x0a" + client + server)
    assert [value_of(event, f) for f in ("fd.type", "fd.name")] == ["ipv4", f"{LOCAL}:1->{REMOTE}:2"]


def test_accept(box: Box) -> None:
    tcp(box)
    box.happens("bind", 1, res=0, fd=3, addr=sockaddr("0.0.0.0", 80))
    event = box.happens("listen", 1, res=0, fd=3)
    expected = {
        "fd.name": "0.0.0.0:80", "fd.sport": 80, "fd.cip": None, "fd.lip": None, "fd.is_server": True,
        "fd.port": [80],
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected
    event = box.happens("accept4", 1, fd=4, tuple=tuple4(REMOTE, 9999, LOCAL, 80))
    expected = {
        "fd.num": 4, "fd.name": f"{REMOTE}:9999->{LOCAL}:80", "fd.cip": ipv4(REMOTE), "fd.sport": 80,
        "fd.lport": 80, "fd.rip": ipv4(REMOTE), "fd.is_server": True, "fd.l4proto": "tcp",
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected


def test_unix_sockets(box: Box) -> None:
    box.happens("socket", 1, fd=3, domain=1, type=1, proto=0)
    path = b"\x01" + struct.pack("<QQ", 0xAB, 0) + b"/run/x.sock\0"
    event = box.happens("connect", 1, res=0, fd=3, tuple=path)
    assert value_of(event, "fd.name") == "ab->0 /run/x.sock"
    assert value_of(event, "fd.sockfamily") == "unix"
    box.happens("socket", 1, fd=4, domain=1, type=1, proto=0)
    event = box.happens("bind", 1, res=0, fd=4, addr=b"\x01/run/y.sock\0")
    assert value_of(event, "fd.name") == "/run/y.sock"


def test_a_datagram_tells_its_destination(box: Box) -> None:
    udp(box)
    event = box.happens("sendto", 1, res=4, fd=3, tuple=tuple4("0.0.0.0", 0, REMOTE, 53))
    expected = {
        "fd.name": f"{LOCAL}:0->{REMOTE}:53", "fd.l4proto": "udp", "fd.name_changed": True, "fd.sport": 53,
        "fd.connected": True,
    }  # fmt: skip
    assert {name: value_of(event, name) for name in expected} == expected
    again = box.happens("sendto", 1, res=4, fd=3, tuple=tuple4(LOCAL, 0, REMOTE, 53))
    assert value_of(again, "fd.name_changed") is False
    answer = box.happens("recvfrom", 1, res=4, fd=3, tuple=tuple4(REMOTE, 53, LOCAL, 0))
    assert value_of(answer, "fd.name") == f"{LOCAL}:0->{REMOTE}:53"


def test_who_has_the_port_is_the_server(box: Box) -> None:
    udp(box)
    box.happens("bind", 1, res=0, fd=3, addr=sockaddr(LOCAL, 53))
    event = box.happens("recvfrom", 1, res=4, fd=3, tuple=tuple4(REMOTE, 4000, LOCAL, 53))
    assert [value_of(event, f) for f in ("fd.sport", "fd.cip")] == [53, ipv4(REMOTE)]


def test_sending_on_an_unknown_descriptor_makes_a_socket(box: Box) -> None:
    event = box.happens("sendmsg", 1, res=4, fd=9, tuple=tuple4(LOCAL, 1, REMOTE, 2))
    assert [value_of(event, f) for f in ("fd.type", "fd.l4proto")] == ["ipv4", "udp"]


def test_reading_makes_a_socket_connected(box: Box) -> None:
    udp(box)
    assert value_of(box.happens("read", 1, res=-11, fd=3), "fd.connected") is False
    assert value_of(box.happens("read", 1, res=1, fd=3), "fd.connected") is True


def test_a_copy_of_a_socket_is_not_changed_with_it(box: Box) -> None:
    tcp(box)
    box.forks(1, 2)
    box.happens("connect", 2, res=0, fd=3, tuple=tuple4(LOCAL, 5000, REMOTE, 443))
    assert value_of(box.happens("getsockopt", 1, res=0, fd=3), "fd.name") == ""


@pytest.mark.parametrize(
    ("proto", "name"),
    [(1, f"{LOCAL}->{REMOTE}"), (255, f"{LOCAL}->{REMOTE}"), (17, f"{LOCAL}:0->{REMOTE}:0")],
)
def test_protocols_without_ports_show_none(box: Box, proto: int, name: str) -> None:
    box.happens("socket", 1, fd=3, domain=2, type=3, proto=proto)
    event = box.happens("connect", 1, res=0, fd=3, tuple=tuple4(LOCAL, 0, REMOTE, 0))
    assert value_of(event, "fd.name") == name


@pytest.mark.parametrize(
    ("other", "expected"),
    [(LOCAL, LOCAL), ("10.0.0.77", LOCAL), (REMOTE, LOCAL), ("127.0.0.9", "127.0.0.1")],
)
def test_an_address_of_zeros_is_the_machines_own(box: Box, other: str, expected: str) -> None:
    zero = ipv4("0.0.0.0")
    assert box.machine.interfaces.completed(zero, ipv4(other)) == (ipv4(expected), ipv4(other))
    assert box.machine.interfaces.completed(ipv4(other), zero) == (ipv4(other), ipv4(expected))
    assert Interfaces().completed(zero, ipv4(other)) == (zero, ipv4(other))
