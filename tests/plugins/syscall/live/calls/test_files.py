"""Files are opened, made, renamed, linked, removed, and get other rights: the arguments of each call."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls import files
from tests.support.live_records import (
    FOLDER,
    RETURNED,
    Case,
    check_arguments,
    directory,
    file,
    memory,
    text,
)

AT_FDCWD = 0xFFFFFF9C
DEV = 8 << 20 | 1
PASSWD = file(0, 3, "/etc/passwd", dev=DEV, ino=9)
OPENED = file(RETURNED, 3, "/etc/passwd", dev=DEV, ino=9)
OPT = directory(1, "/opt")

CASES: list[Case] = [
    ("open", (text(0, "/etc//passwd"), OPENED), 3, (1, 0o1101, 0o644),
     "fd=3(<f>/etc/passwd) name=/etc//passwd flags=262(O_TRUNC|O_CREAT|O_WRONLY) mode=0644 dev=801 ino=9"),
    ("openat", (text(1, "passwd"), directory(1, "/etc"), OPENED), 3, (AT_FDCWD, 1, 0, 0o644),
     "fd=3(<f>/etc/passwd) dirfd=-100(AT_FDCWD) name=passwd(/etc/passwd) flags=1(O_RDONLY) mode=0 "
     "dev=801 ino=9"),
    ("openat", (text(1, "/root/x"),), -13, (AT_FDCWD, 1, 0o2, 0),
     "fd=-13(EACCES) dirfd=-100(AT_FDCWD) name=/root/x flags=3(O_RDWR) mode=0 dev=0 ino=0"),
    ("openat2", (text(1, "x"), OPT, memory(2, struct.pack("<QQQ", 0o2000001, 0, 9)), OPENED), 3, (5, 1,
     1, 24),
     "fd=3(<f>/etc/passwd) dirfd=5(<d>/opt) name=x(/opt/x) flags=4098(O_WRONLY|O_CLOEXEC) mode=0 "
     "resolve=17(RESOLVE_BENEATH|RESOLVE_NO_XDEV) dev=801 ino=9"),
    ("creat", (text(0, "/etc/passwd"), file(RETURNED, 3, "/etc/passwd", dev=DEV, ino=9, marks=1)), 3,
     (1, 0o600),
     "fd=3(<f>/etc/passwd) name=/etc/passwd mode=0600 dev=801 ino=9 creat_flags=1(FD_UPPER_LAYER_CREAT)"),
    ("open_by_handle_at", (OPENED,), 3, (4, 1, 0),
     "fd=3(<f>/etc/passwd) mountfd=4 flags=1(O_RDONLY) path=/etc/passwd dev=801 ino=9"),
    ("stat", (text(0, "/a"),), -2, (1,), "res=-2(ENOENT) path=/a"),
    ("lstat", (text(0, "a"), directory(0, "/b")), 0, (1,), "res=0 path=a(/b/a)"),
    ("fstat", (PASSWD,), 0, (3,), "res=0 fd=3(<f>/etc/passwd)"),
    ("newfstatat", (text(1, "x"), OPT), 0, (5, 1, 1, 0x100),
     "res=0 dirfd=5(<d>/opt) path=x(/opt/x) flags=256(AT_SYMLINK_NOFOLLOW)"),
    ("access", (text(0, "/a"),), 0, (1, 4), "res=0 name=/a mode=4(R_OK)"),
    ("chdir", (text(0, "/a"),), 0, (1,), "res=0 path=/a"),
    ("fchdir", (file(0, 3, "/opt", mode=FOLDER),), 0, (3,), "res=0 fd=3(<d>/opt)"),
    ("getcwd", (text(0, "/a"),), 3, (1,), "res=3 path=/a"),
    ("chroot", (text(0, "/a"),), -1, (1,), "res=-1(EPERM) path=/a"),
    ("mkdir", (text(0, "d"), directory(0, "/tmp")), 0, (1, 0o755), "res=0 path=d(/tmp/d) mode=1ED"),
    ("mkdirat", (text(1, "d"), OPT), 0, (5, 1, 0o755), "res=0 dirfd=5(<d>/opt) path=d(/opt/d) mode=1ED"),
    ("rmdir", (text(0, "/d"),), 0, (1,), "res=0 path=/d"),
    ("unlink", (text(0, "/d"),), 0, (1,), "res=0 path=/d"),
    ("unlinkat", (text(1, "/d"),), 0, (AT_FDCWD, 1, 0x200),
     "res=0 dirfd=-100(AT_FDCWD) name=/d flags=512(AT_REMOVEDIR)"),
    ("rename", (text(0, "/a"), text(1, "b"), directory(1, "/c")), 0, (1, 1),
     "res=0 oldpath=/a newpath=b(/c/b)"),
    ("renameat", (text(1, "a"), OPT, text(3, "b"), directory(3, "/srv")), 0, (5, 1, 6, 1),
     "res=0 olddirfd=5(<d>/opt) oldpath=a(/opt/a) newdirfd=6(<d>/srv) newpath=b(/srv/b)"),
    ("renameat2", (text(1, "/a"), text(3, "/b")), 0, (AT_FDCWD, 1, AT_FDCWD, 1, 1),
     "res=0 olddirfd=-100(AT_FDCWD) oldpath=/a newdirfd=-100(AT_FDCWD) newpath=/b flags=1(RENAME_NOREPLACE)"),
    ("link", (text(0, "/a"), text(1, "/b")), 0, (1, 1), "res=0 oldpath=/a newpath=/b"),
    ("linkat", (text(1, "/a"), text(3, "/b")), 0, (AT_FDCWD, 1, AT_FDCWD, 1, 0x400),
     "res=0 olddir=-100(AT_FDCWD) oldpath=/a newdir=-100(AT_FDCWD) newpath=/b flags=1024(AT_SYMLINK_FOLLOW)"),
    ("symlink", (text(0, "../a"), text(1, "/b")), 0, (1, 1), "res=0 target=../a linkpath=/b"),
    ("symlinkat", (text(0, "/a"), text(2, "b"), directory(2, "/opt")), 0, (1, 5, 1),
     "res=0 target=/a linkdirfd=5(<d>/opt) linkpath=b(/opt/b)"),
    ("chmod", (text(0, "/a"),), 0, (1, 0o4100), "res=0 filename=/a mode=04100(S_IXUSR|S_ISUID)"),
    ("fchmod", (PASSWD,), 0, (3, 0o1), "res=0 fd=3(<f>/etc/passwd) mode=01(S_IXOTH)"),
    ("fchmodat", (text(1, "/a"),), 0, (AT_FDCWD, 1, 0o1),
     "res=0 dirfd=-100(AT_FDCWD) filename=/a mode=01(S_IXOTH)"),
    ("chown", (text(0, "/a"),), 0, (1, 0, 5), "res=0 path=/a uid=0 gid=5"),
    ("lchown", (text(0, "/a"),), 0, (1, 0, 5), "res=0 path=/a uid=0 gid=5"),
    ("fchown", (PASSWD,), 0, (3, 1, 2), "res=0 fd=3(<f>/etc/passwd) uid=1 gid=2"),
    ("fchownat", (text(1, "/a"),), 0, (AT_FDCWD, 1, 1, 2, 0x100),
     "res=0 dirfd=-100(AT_FDCWD) pathname=/a uid=1 gid=2 flags=1024(AT_SYMLINK_NOFOLLOW)"),
    ("mknod", (text(0, "/a"),), 0, (1, 0o020600, 0x103),
     "res=0 path=/a mode=020600(S_IWUSR|S_IRUSR|S_IFCHR) dev=259"),
    ("mknodat", (text(1, "/a"),), 0, (AT_FDCWD, 1, 0o010000, 0),
     "res=0 dirfd=-100(AT_FDCWD) path=/a mode=010000(S_IFIFO) dev=0"),
    ("getdents", (file(0, 3, "/opt", mode=FOLDER),), 0, (3,), "res=0 fd=3(<d>/opt)"),
    ("getdents64", (file(0, 3, "/opt", mode=FOLDER),), 0, (3,), "res=0 fd=3(<d>/opt)"),
    ("flock", (PASSWD,), 0, (3, 2), "res=0 fd=3(<f>/etc/passwd) operation=2(LOCK_EX)"),
    ("lseek", (PASSWD,), 0, (3, 7, 2), "res=0 fd=3(<f>/etc/passwd) offset=7 whence=2(SEEK_END)"),
    ("fsconfig", (text(2, "key"), text(3, "value")), 0, (3, 1, 1, 1, 0),
     "res=0 fd=3 cmd=1(FSCONFIG_SET_STRING) key=key value_bytebuf=NULL value_charbuf=value aux=0"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_arguments(case: Case) -> None:
    check_arguments(case)


def test_each_call_is_tried() -> None:
    assert {case[0] for case in CASES} == files.CALLS.keys()
