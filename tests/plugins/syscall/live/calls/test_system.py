"""File systems are mounted, modules loaded: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls import system
from tests.support.live_records import (
    Case,
    check_arguments,
    file,
    memory,
    text,
)

CASES: list[Case] = [
    ("mount", (text(0, "/dev/sda"), text(1, "/mnt"), text(2, "ext4")), 0, (1, 1, 1, 0xC0ED0001),
     "res=0 dev=/dev/sda dir=/mnt type=ext4 flags=1(RDONLY)"),
    ("umount2", (text(0, "/mnt"),), 0, (1, 2), "res=0 name=/mnt flags=2(DETACH)"),
    ("quotactl", (text(1, "/dev/sda"), memory(3, struct.pack("<8QQ", 1, 2, 3, 4, 5, 6, 7, 8, 0))), 0,
     (0x80000700, 1, 5, 1),
     "res=0 special=/dev/sda quotafilepath=<NA> dqb_bhardlimit=1 dqb_bsoftlimit=2 dqb_curspace=3 "
     "dqb_ihardlimit=4 dqb_isoftlimit=5 dqb_btime=7000000000(7s) dqb_itime=8000000000(8s) dqi_bgrace=0(0s) "
     "dqi_igrace=0(0s) dqi_flags=1(DQF_NONE) quota_fmt_out=1(QFMT_NOT_USED) cmd=32(Q_GETQUOTA) "
     "type=1(USRQUOTA) id=5 quota_fmt=1(QFMT_NOT_USED)"),
    ("quotactl", (text(1, "/dev/sda"), text(3, "/aquota")), 0, (0x80000201, 1, 4, 1),
     "res=0 special=/dev/sda quotafilepath=/aquota dqb_bhardlimit=0 dqb_bsoftlimit=0 dqb_curspace=0 "
     "dqb_ihardlimit=0 dqb_isoftlimit=0 dqb_btime=0(0s) dqb_itime=0(0s) dqi_bgrace=0(0s) dqi_igrace=0(0s) "
     "dqi_flags=1(DQF_NONE) quota_fmt_out=1(QFMT_NOT_USED) cmd=1(Q_QUOTAON) type=2(GRPQUOTA) id=0 "
     "quota_fmt=8(QFMT_VFS_V1)"),
    ("init_module", (memory(0, b"\x7fELF"), text(2, "a=1")), 0, (1, 4, 1),
     "res=0 img=.ELF length=4 uargs=a=1"),
    ("finit_module", (file(0, 3, "/m.ko"), text(1, "")), -1, (3, 1, 1),
     "res=-1(EPERM) fd=3(<f>/m.ko) uargs= flags=1(MODULE_INIT_IGNORE_MODVERSIONS)"),
    ("delete_module", (text(0, "m"),), 0, (1, 0o5000), "res=0 name=m flags=3(O_NONBLOCK|O_TRUNC)"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == system.CALLS.keys()
