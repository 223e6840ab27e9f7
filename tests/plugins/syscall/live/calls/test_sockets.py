"""Sockets are made, bound, connected, and exchange data: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls import sockets
from falcocore_syscall.live.items import ItemKind
from tests.support.live_records import (
    AF_UNIX,
    DATAGRAM,
    LISTENING,
    RETURNED,
    Case,
    check_arguments,
    end,
    item,
    memory,
    socket,
    user_address,
)

NEAR, FAR = end("10.0.0.2", 40000), end("8.8.8.8", 53)
TCP = socket(0, 4, local=NEAR, remote=FAR)
UDP = socket(0, 4, kind=DATAGRAM, protocol=17, state=7, local=NEAR)
FAR_ADDRESS = user_address("8.8.8.8", 53)
TO_FAR = "10.0.0.2:40000->8.8.8.8:53"
FROM_FAR = "8.8.8.8:53->10.0.0.2:40000"
DATA = memory(1, b"GET /")
ADDRESS = ItemKind.ADDRESS

CASES: list[Case] = [
    ("socket", (), 4, (2, 1, 6), "fd=4(<4>) domain=2(AF_INET) type=1 proto=6 flags=0(O_NONE)"),
    ("socketpair", (memory(3, struct.pack("<ii", 4, 5)),), 0, (1, 1, 0, 1),
     "res=0 fd1=4(<u>) fd2=5(<u>) source=<NA> peer=<NA> domain=1(AF_LOCAL|AF_UNIX) type=1 proto=0"),
    ("bind", (UDP, item(ADDRESS, user_address("0.0.0.0", 53), 1)), 0, (4,),
     "res=0 addr=0.0.0.0:53 fd=4(<4u>0.0.0.0:53)"),
    ("connect", (TCP, item(ADDRESS, FAR_ADDRESS, 1)), -115, (4,),
     f"res=-115(EINPROGRESS) tuple={TO_FAR} fd=4(<4t>{TO_FAR}) addr=8.8.8.8:53"),
    ("connect", (socket(0, 4, AF_UNIX, ends=(0xAB, 0xCD), path="/run/x"),), 0, (4,),
     "res=0 tuple=ab->cd /run/x fd=4(<u>ab->cd /run/x) addr=<NA>"),
    ("connect", (socket(0, 4, state=7), item(ADDRESS, FAR_ADDRESS, 1)), -111, (4,),
     "res=-111(ECONNREFUSED) tuple=NULL fd=4(<4>) addr=8.8.8.8:53"),
    ("listen", (socket(0, 4, state=LISTENING, local=end("0.0.0.0", 22)),), 0, (4, 5),
     "res=0 fd=4(<4t>0.0.0.0:22) backlog=5"),
    ("accept", (socket(RETURNED, 5, local=end("10.0.0.2", 22), remote=end("1.2.3.4", 99)),), 5, (4,),
     "fd=5(<4t>1.2.3.4:99->10.0.0.2:22) tuple=1.2.3.4:99->10.0.0.2:22 queuepct=<NA> queuelen=<NA> "
     "queuemax=<NA>"),
    ("accept4", (socket(RETURNED, 5, local=end("10.0.0.2", 22), remote=end("1.2.3.4", 99)),), 5, (4, 0, 0, 0),
     "fd=5(<4t>1.2.3.4:99->10.0.0.2:22) tuple=1.2.3.4:99->10.0.0.2:22 queuepct=<NA> queuelen=<NA> "
     "queuemax=<NA> flags=0"),
    ("shutdown", (TCP,), 0, (4, 1), f"res=0 fd=4(<4t>{TO_FAR}) how=1(SHUT_WR)"),
    ("getsockname", (), 0, (4,), ""),
    ("getpeername", (), 0, (4,), ""),
    ("sendto", (UDP, DATA, item(ADDRESS, FAR_ADDRESS, 4)), 5, (4, 1, 5),
     f"res=5 data=GET / fd=4(<4u>{TO_FAR}) size=5 tuple={TO_FAR}"),
    ("recvfrom", (UDP, DATA, item(ADDRESS, FAR_ADDRESS, 4)), 5, (4, 1, 99),
     f"res=5 data=GET / tuple={FROM_FAR} fd=4(<4u>{TO_FAR}) size=99"),
    ("sendmsg", (UDP, DATA, item(ADDRESS, FAR_ADDRESS, 1)), 5, (4,),
     f"res=5 data=GET / fd=4(<4u>{TO_FAR}) size=5 tuple={TO_FAR}"),
    ("sendmmsg", (UDP, DATA, item(ADDRESS, FAR_ADDRESS, 1)), 1, (4,),
     f"res=1 fd=4(<4u>{TO_FAR}) size=<NA> data=GET / tuple={TO_FAR}"),
    ("recvmsg", (TCP, DATA), 5, (4,),
     f"res=5 size=5 data=GET / tuple={FROM_FAR} msgcontrol=NULL fd=4(<4t>{TO_FAR})"),
    ("recvmmsg", (TCP, DATA), 1, (4,),
     f"res=1 fd=4(<4t>{TO_FAR}) size=<NA> data=GET / tuple={FROM_FAR} msgcontrol=NULL"),
    ("setsockopt", (TCP, memory(3, struct.pack("<I", 1))), 0, (4, 1, 2, 1, 4),
     f"res=0 fd=4(<4t>{TO_FAR}) level=1(SOL_SOCKET) optname=2(SO_REUSEADDR) val=1 optlen=4"),
    ("setsockopt", (memory(3, struct.pack("<qq", 1, 500_000)),), 0, (4, 1, 20, 1, 16),
     "res=0 fd=4 level=1(SOL_SOCKET) optname=20(SO_RCVTIMEO) val=1500000000(1.5s) optlen=16"),
    ("getsockopt", (memory(3, struct.pack("<I", 111) + bytes(12)), memory(4, struct.pack("<I", 4))), 0,
     (4, 1, 4, 1, 1), "res=0 fd=4 level=1(SOL_SOCKET) optname=4(SO_ERROR) val=-111(ECONNREFUSED) optlen=4"),
    ("getsockopt", (memory(3, b"cubic" + bytes(11)), memory(4, struct.pack("<I", 5))), 0, (4, 6, 13, 1, 1),
     "res=0 fd=4 level=2(SOL_TCP) optname=0(UNKNOWN) val=cubic optlen=5"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == sockets.CALLS.keys()
