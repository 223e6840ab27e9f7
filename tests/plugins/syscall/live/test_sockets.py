"""Who is at the ends of a socket, as the kernel saw it and as the call says."""

from __future__ import annotations

import socket as sockets
from typing import Any

import pytest

from falcocore_syscall.live.event import LiveEvent
from falcocore_syscall.live.items import ItemKind
from tests.support.live_records import (
    AF_INET6,
    AF_NETLINK,
    AF_UNIX,
    CLOSED,
    DATAGRAM,
    LISTENING,
    RAW,
    RETURNED,
    SYN_SENT,
    called,
    end,
    item,
    socket,
    user_address,
    user_address_6,
    user_path,
)
from tests.support.syscall_events import ipv4, value_of

ADDRESS = ItemKind.ADDRESS
NEAR, FAR = end("10.0.0.2", 40000), end("8.8.8.8", 53)
TCP = socket(0, 4, local=NEAR, remote=FAR)
FRESH = socket(0, 4, state=CLOSED)
UDP = socket(0, 4, kind=DATAGRAM, protocol=17, state=CLOSED, local=end("0.0.0.0", 40000))
CONNECTED_UDP = socket(0, 4, kind=DATAGRAM, protocol=17, local=NEAR, remote=FAR)
TO_FAR = "10.0.0.2:40000->8.8.8.8:53"
IP6, OTHER6 = (sockets.inet_pton(sockets.AF_INET6, it) for it in ("2001:db8::2", "2001:db8::9"))
MAPPED = bytes(10) + b"\xff\xff"


def address(arg: int, host: str, port: int) -> bytes:
    """An address in the call."""
    return item(ADDRESS, user_address(host, port), arg)


CLIENT = {
    "fd.typechar": "4", "fd.l4proto": "tcp", "fd.cip": ipv4("10.0.0.2"), "fd.cport": 40000,
    "fd.sip": ipv4("8.8.8.8"), "fd.sport": 53, "fd.connected": True, "fd.name": TO_FAR,
}  # fmt: skip
NO_ROLE = {"fd.name": "", "fd.sip": None, "fd.cip": None, "fd.connected": False, "fd.l4proto": "<NA>"}

CASES: list[tuple[str, LiveEvent, dict[str, Any]]] = [
    ("made", called("socket", ret=4, args=(2, DATAGRAM | 0o2000000, 0)),
     {"fd.type": "ipv4", "fd.name": "", "fd.l4proto": "<NA>", "evt.arg.flags": "O_CLOEXEC", "fd.num": 4}),
    ("not made", called("socket", ret=-13, args=(17, 3, 0)),
     {"fd.num": -1, "fd.type": None, "fd.typechar": "4", "evt.arg.domain": "AF_PACKET"}),
    ("connect", called("connect", TCP, address(1, "8.8.8.8", 53), args=(4,)),
     {**CLIENT, "fd.name_changed": True, "evt.arg.tuple": TO_FAR}),
    ("connecting", called("connect", socket(0, 4, state=SYN_SENT, local=NEAR, remote=FAR), ret=-115,
        args=(4,)),
     {**CLIENT, "evt.res": "EINPROGRESS"}),
    ("connect of which the kernel knows no other end",
     called("connect", FRESH, address(1, "8.8.8.8", 53), args=(4,)), {"fd.name": "10.0.0.2:0->8.8.8.8:53"}),
    ("connect without a socket", called("connect", address(1, "8.8.8.8", 53), args=(4,)),
     {"fd.name": "10.0.0.2:0->8.8.8.8:53", "fd.connected": True}),
    ("connect refused", called("connect", FRESH, address(1, "8.8.8.8", 53), ret=-111, args=(4,)),
     {**NO_ROLE, "fd.name_changed": False, "evt.arg.addr": "8.8.8.8:53", "evt.arg.tuple": "NULL"}),
    ("connected already", called("connect", TCP, address(1, "9.9.9.9", 1), ret=-106, args=(4,)),
     {**CLIENT, "fd.name_changed": False}),
    ("connect by IPv6", called("connect", socket(0, 4, AF_INET6, local=(IP6, 1), remote=(OTHER6, 2)),
        args=(4,)),
     {"fd.type": "ipv6", "fd.name": "2001:db8::2:1->2001:db8::9:2"}),
    ("connect by IPv4 in IPv6",
     called("connect", socket(0, 4, AF_INET6, local=(MAPPED + NEAR[0], 40000), remote=(MAPPED + FAR[0], 53)),
            args=(4,)), {**CLIENT, "evt.arg.tuple": TO_FAR}),
    ("connect to a path", called("connect", socket(0, 4, AF_UNIX, ends=(0xAB, 0), path=b"/run/x\0"),
        args=(4,)),
     {"fd.type": "unix", "fd.name": "ab->0 /run/x", "fd.name_changed": True}),
    ("connect to a path that is not there",
     called("connect", socket(0, 4, AF_UNIX), item(ADDRESS, user_path(b"/run/x\0"), 1), ret=-2, args=(4,)),
     {"fd.name": "", "evt.arg.addr": "/run/x", "fd.name_changed": False}),
    ("connect to an abstract name",
     called("connect", socket(0, 4, AF_UNIX, ends=(1, 2)), item(ADDRESS, user_path(b"\0bus"), 1), args=(4,)),
     {"fd.name": "1->2 bus", "evt.arg.addr": "bus"}),
    ("accept", called("accept4", socket(RETURNED, 5, local=end("10.0.0.2", 22), remote=end("1.2.3.4", 99)),
                      ret=5, args=(4,)),
     {"fd.num": 5, "fd.cip": ipv4("1.2.3.4"), "fd.sport": 22, "fd.lport": 22, "fd.rport": 99,
      "fd.name": "1.2.3.4:99->10.0.0.2:22", "fd.connected": True, "fd.name_changed": True}),
    ("accept that fails", called("accept", ret=-11, args=(4,)), {"fd.num": -1, "fd.type": None}),
    ("accept by a path",
     called("accept", socket(RETURNED, 5, AF_UNIX, ends=(0xA, 0xB), path="/run/x"), ret=5, args=(4,)),
     {"fd.name": "b->a /run/x"}),
    ("bind", called("bind", UDP, address(1, "0.0.0.0", 53), args=(4,)),
     {"fd.name": "0.0.0.0:53", "fd.sport": 53, "fd.cport": None, "fd.l4proto": "udp", "fd.is_server": True}),
    ("bind to any port", called("bind", UDP, address(1, "0.0.0.0", 0), args=(4,)),
     {"fd.name": "0.0.0.0:0", "fd.sport": None}),
    ("bind to a path", called("bind", socket(0, 4, AF_UNIX), item(ADDRESS, user_path(b"/s\0"), 1), args=(4,)),
     {"fd.name": "/s", "fd.type": "unix"}),
    ("bind that fails", called("bind", UDP, address(1, "0.0.0.0", 53), ret=-98, args=(4,)), NO_ROLE),
    ("listen", called("listen", socket(0, 4, state=LISTENING, local=end("0.0.0.0", 22)), args=(4, 1)),
     {"fd.name": "0.0.0.0:22", "fd.sport": 22, "fd.l4proto": "tcp"}),
    ("datagram to an address", called("sendto", UDP, address(4, "8.8.8.8", 53), ret=5, args=(4, 1, 5)),
     {**CLIENT, "fd.l4proto": "udp", "fd.name_changed": True}),
    ("datagram to where it is connected",
     called("sendto", CONNECTED_UDP, address(4, "8.8.8.8", 53), ret=5, args=(4, 1, 5)),
     {"fd.name": TO_FAR, "fd.name_changed": False}),
    ("datagram without an address", called("sendto", CONNECTED_UDP, ret=5, args=(4, 1, 5)),
     {"fd.name": TO_FAR, "fd.name_changed": False, "evt.arg.tuple": TO_FAR}),
    ("datagram that was not sent", called("sendto", UDP, address(4, "8.8.8.8", 53), ret=-1, args=(4, 1, 5)),
     NO_ROLE),
    ("address that a connected stream has no use for",
     called("sendto", TCP, address(4, "9.9.9.9", 9), ret=5, args=(4, 1, 5)), CLIENT),
    ("datagram from an address", called("recvfrom", UDP, address(4, "8.8.8.8", 53), ret=5, args=(4, 1, 9)),
     {"fd.name": "10.0.0.2:40000->8.8.8.8:53", "evt.arg.tuple": "8.8.8.8:53->0.0.0.0:40000"}),
    ("datagram for a server",
     called("recvmsg", socket(0, 4, kind=DATAGRAM, protocol=17, state=CLOSED, local=end("10.0.0.2", 53)),
            address(1, "1.2.3.4", 40000), ret=5, args=(4,)),
     {"fd.cip": ipv4("1.2.3.4"), "fd.sport": 53, "fd.name": "1.2.3.4:40000->10.0.0.2:53"}),
    ("datagram by IPv6 to IPv4",
     called("sendmsg", socket(0, 4, AF_INET6, DATAGRAM, 17, state=CLOSED, local=(bytes(16), 40000)),
            item(ADDRESS, user_address_6(MAPPED + FAR[0], 53), 1), ret=5, args=(4,)), {"fd.name": TO_FAR}),
    ("write to a connection", called("write", TCP, ret=1, args=(4, 1, 1)),
     {**CLIENT, "fd.name_changed": False, "evt.category": "net"}),
    ("read by a server",
     called("read", socket(0, 4, local=end("10.0.0.2", 22), remote=end("1.2.3.4", 40000)), ret=1,
         args=(4, 1, 1)),
     {"fd.name": "1.2.3.4:40000->10.0.0.2:22", "fd.cip": ipv4("1.2.3.4")}),
    ("ping", called("sendto", socket(0, 4, kind=RAW, protocol=1, state=CLOSED, local=end("10.0.0.2", 0)),
                    address(4, "8.8.8.8", 0), ret=5, args=(4, 1, 5)),
     {"fd.name": "10.0.0.2->8.8.8.8", "fd.l4proto": "icmp"}),
    ("netlink", called("sendto", socket(0, 4, AF_NETLINK, RAW, 0), ret=5, args=(4,)),
     {"fd.type": "netlink", "fd.name": ""}),
    ("packets", called("sendto", socket(0, 4, 17, RAW, 0), ret=5, args=(4,)), {"fd.type": "<NA>"}),
    ("unix that is connected", called("write", socket(0, 4, AF_UNIX, ends=(1, 2), path="/s"), ret=1,
        args=(4,)),
     {"fd.name": "1->2 /s", "evt.category": "ipc"}),
    ("unix that has a path", called("read", socket(0, 4, AF_UNIX, path="/s"), ret=1, args=(4,)),
     {"fd.name": "/s"}),
]  # fmt: skip


@pytest.mark.parametrize(("event", "expected"), [it[1:] for it in CASES], ids=[it[0] for it in CASES])
def test_the_ends_of_a_socket(event: LiveEvent, expected: dict[str, Any]) -> None:
    assert {name: value_of(event, name) for name in expected} == expected
