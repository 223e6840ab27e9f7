"""Tables of sockets as kernels write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_syscall.live.procfs.files import Directory
from falcocore_syscall.live.procfs.sockets import read_sockets
from falcocore_syscall.scap.records import FdRecord

TCP = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100\n"
    "   1: 0200000A:D598 507100CB:0050 01 00000000:00000000 03:00000E51 00000000     0        0 12 3 0\n"
    "   2: 0200000A:D599 507100CB:0050 06 00000000:00000000 03:00000E51 00000000     0        0 0 3 0\n"
    "a line that is none\n"
)
TCP6 = (
    "  sl  local_address                         remote_address                        st ...\n"
    "   0: B80D0120000000000000000001000000:0016 B80D0120000000000000000002000000:C000 01 0 0 0 0 0 21 1\n"
    "   1: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF00000200007F:C000 01 0 0 0 0 0 22 1\n"
)
UNIX = (
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "00000000aa0a663d: 00000003 00000000 00000000 0001 03    31\n"
    "00000000aa0a663e: 00000003 00000000 00010000 0001 01 1234567 /run/a b  c\n"
)
NETLINK = (
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    "00000000c47ee800 0   21412      00000000 0        0        0     2        0        41      \n"
)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "tcp",
            TCP,
            [
                FdRecord(-1, 11, 5, destination=b"\x7f\0\0\1", dport=8080, l4proto=2),
                FdRecord(-1, 12, 3, source=b"\x0a\0\0\2", destination=b"\xcb\0qP", sport=54680, dport=80,
                         l4proto=2),
            ],
        ),
        (
            "tcp6",
            TCP6,
            [
                FdRecord(-1, 21, 4, source=b"\x20\x01\x0d\xb8" + bytes(11) + b"\1",
                         destination=b"\x20\x01\x0d\xb8" + bytes(11) + b"\2", sport=22, dport=49152,
                         l4proto=2),
                FdRecord(-1, 22, 3, source=b"\x7f\0\0\1", destination=b"\x7f\0\0\2", sport=22, dport=49152,
                         l4proto=2),
            ],
        ),
        (
            "unix",
            UNIX,
            [
                FdRecord(-1, 31, 8, source_pointer=0xAA0A663D),
                FdRecord(-1, 1234567, 8, b"/run/a b  c", source_pointer=0xAA0A663E),
            ],
        ),
        ("netlink", NETLINK, [FdRecord(-1, 41, 15)]),
    ],
)  # fmt: skip
def test_a_table(tmp_path: Path, name: str, content: str, expected: list[FdRecord]) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / name).write_text(content)
    with Directory(str(tmp_path)) as process:
        assert list(read_sockets(process).values()) == expected
