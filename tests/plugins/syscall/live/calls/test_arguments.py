"""For each type of event what its arguments are, made of a record as the kernel writes it."""

from __future__ import annotations

import struct

import pytest

from falcocore_syscall.live.calls.table import OWN
from falcocore_syscall.live.items import ItemKind
from tests.support.live_records import (
    AF_UNIX,
    DATAGRAM,
    FIFO,
    FOLDER,
    LISTENING,
    RETURNED,
    called,
    directory,
    end,
    file,
    item,
    memory,
    socket,
    text,
    user_address,
)
from tests.support.syscall_events import shown

AT_FDCWD = 0xFFFFFF9C
DEV = 8 << 20 | 1
PASSWD = file(0, 3, "/etc/passwd", dev=DEV, ino=9)
OPENED = file(RETURNED, 3, "/etc/passwd", dev=DEV, ino=9)
OPT = directory(1, "/opt")
NEAR, FAR = end("10.0.0.2", 40000), end("8.8.8.8", 53)
TCP = socket(0, 4, local=NEAR, remote=FAR)
UDP = socket(0, 4, kind=DATAGRAM, protocol=17, state=7, local=NEAR)
FAR_ADDRESS = user_address("8.8.8.8", 53)
TO_FAR = "10.0.0.2:40000->8.8.8.8:53"
FROM_FAR = "8.8.8.8:53->10.0.0.2:40000"
DATA = memory(1, b"GET /")
ADDRESS = ItemKind.ADDRESS

Case = tuple[str, tuple[bytes, ...], int, tuple[int, ...], str]

FILES: list[Case] = [
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

TRANSFERS: list[Case] = [
    ("read", (PASSWD, memory(1, b"root:\n")), 6, (3, 1, 100),
     "res=6 data=root:. fd=3(<f>/etc/passwd) size=100"),
    ("write", (file(0, 1, "/dev/pts/0"), memory(1, b"hi")), 2, (1, 1, 2),
     "res=2 data=hi fd=1(<f>/dev/pts/0) size=2"),
    ("pread64", (PASSWD, memory(1, b"x")), 1, (3, 1, 1, 5),
     "res=1 data=x fd=3(<f>/etc/passwd) size=1 pos=5"),
    ("pwrite64", (PASSWD, memory(1, b"x")), -9, (3, 1, 1, 5),
     "res=-9(EBADF) data=x fd=3(<f>/etc/passwd) size=1 pos=5"),
    ("readv", (PASSWD, memory(1, b"x")), 1, (3, 1, 1), "res=1 size=1 data=x fd=3(<f>/etc/passwd)"),
    ("writev", (PASSWD, memory(1, b"x")), 1, (3, 1, 1), "res=1 data=x fd=3(<f>/etc/passwd) size=1"),
    ("preadv", (PASSWD, memory(1, b"x")), 1, (3, 1, 1, 8), "res=1 size=1 data=x fd=3(<f>/etc/passwd) pos=8"),
    ("pwritev", (PASSWD, memory(1, b"x")), -5, (3, 1, 1, 8),
     "res=-5(EIO) data=x fd=3(<f>/etc/passwd) size=<NA> pos=8"),
    ("sendfile", (file(0, 4, "/b"), file(1, 3, "/a"), memory(2, struct.pack("<Q", 7))), 10, (4, 3, 1, 10),
     "res=10 offset=7 out_fd=4(<f>/b) in_fd=3(<f>/a) size=10"),
    ("splice", (file(0, 3, "/a"), file(2, 4, "pipe:[7]", mode=FIFO)), 10, (3, 0, 4, 0, 10, 2),
     "res=10 fd_in=3(<f>/a) fd_out=4(<p>) size=10 flags=2(SPLICE_F_NONBLOCK)"),
    ("copy_file_range", (file(0, 3, "/a"), file(2, 4, "/b"), memory(1, struct.pack("<Q", 7))), 10,
     (3, 1, 4, 0, 10), "res=10 fdout=4(<f>/b) offout=0 fdin=3(<f>/a) offin=7 len=10"),
]  # fmt: skip

DESCRIPTORS: list[Case] = [
    ("close", (PASSWD,), 0, (3,), "res=0 fd=3(<f>/etc/passwd)"),
    ("close_range", (), 0, (3, 0xFFFFFFFF, 4), "res=0 first=3 last=4294967295 flags=4(CLOSE_RANGE_CLOEXEC)"),
    ("dup", (PASSWD,), 7, (3,), "res=7(<f>/etc/passwd) oldfd=3(<f>/etc/passwd)"),
    ("dup2", (TCP,), 1, (4, 1), f"res=1(<4t>{TO_FAR}) oldfd=4(<4t>{TO_FAR}) newfd=1(<4t>{TO_FAR})"),
    ("dup3", (PASSWD,), 7, (3, 7, 0o2000000),
     "res=7(<f>/etc/passwd) oldfd=3(<f>/etc/passwd) newfd=7(<f>/etc/passwd) flags=4096(O_CLOEXEC)"),
    ("fcntl", (PASSWD,), 7, (3, 1030, 5),
     "res=7(<f>/etc/passwd) fd=3(<f>/etc/passwd) cmd=26(F_DUPFD_CLOEXEC) arg=5"),
    ("pipe", (memory(0, struct.pack("<ii", 3, 4)),), 0, (1,), "res=0 fd1=3(<p>) fd2=4(<p>) ino=<NA>"),
    ("pipe2", (memory(0, struct.pack("<ii", 3, 4)),), 0, (1, 0o4000),
     "res=0 fd1=3(<p>) fd2=4(<p>) ino=<NA> flags=64(O_NONBLOCK)"),
    ("eventfd", (), 3, (5,), "res=3(<e>) initval=5 flags=0"),
    ("eventfd2", (), 3, (5, 0o4000), "res=3(<e>) flags=64(O_NONBLOCK) initval=5"),
    ("signalfd", (memory(1, struct.pack("<Q", 6)),), 3, (0xFFFFFFFF, 1),
     "res=3(<s>) fd=-1(EPERM) mask=6 flags=0"),
    ("signalfd4", (memory(1, struct.pack("<Q", 6)),), 3, (0xFFFFFFFF, 1, 8, 0o2000000),
     "res=3(<s>) flags=4096(O_CLOEXEC) fd=-1(EPERM) mask=6"),
    ("timerfd_create", (), 3, (1, 0), "res=3(<t>) clockid=1 flags=0"),
    ("inotify_init", (), 3, (), "res=3(<i>) flags=0"),
    ("inotify_init1", (), 3, (0o4000,), "res=3(<i>) flags=64(O_NONBLOCK)"),
    ("epoll_create", (), 3, (1,), "res=3 size=1"),
    ("epoll_create1", (), 3, (0o2000000,), "res=3 flags=1(EPOLL_CLOEXEC)"),
    ("epoll_wait", (), 0, (3, 1, 64), "res=0 maxevents=64"),
    ("poll", (memory(0, struct.pack("<ihhihhihh", 3, 1, 0x11, 4, 1, 0, 9, 9, 9)), PASSWD), 1, (1, 2,
     0xFFFFFFFF),
     "res=1 fds=3:f21 timeout=-1"),
    ("ppoll", (memory(0, struct.pack("<ihh", 9, 1, 1)), memory(2, struct.pack("<qq", 1, 500_000_000))), 1,
     (1, 1, 1, 0), "res=1 fds=9:1 timeout=1500000000(1.5s) sigmask=0"),
    ("select", (), 1, (1,), "res=1"),
    ("memfd_create", (text(0, "m"),), 3, (1, 1), "fd=3(<m>m) name=m flags=1(MFD_CLOEXEC)"),
    ("pidfd_open", (), 3, (100, 0), "fd=3(<P>/proc/100) pid=100(cat) flags=0"),
    ("pidfd_getfd", (file(RETURNED, 5, "/a"),), 5, (3, 9, 0), "fd=5(<f>/a) pid_fd=3 target_fd=9 flags=0"),
    ("userfaultfd", (), 3, (0o2000000,), "res=3 flags=4096(O_CLOEXEC)"),
    ("bpf", (), 3, (5,), "fd=3(<b>) cmd=5(BPF_PROG_LOAD)"),
    ("io_uring_setup", (memory(1, struct.pack("<6I4I", 8, 16, 2, 1, 1000, 3, 0, 0, 0, 0)),), 3, (8, 1),
     "res=3 entries=8 sq_entries=8 cq_entries=16 flags=2(IORING_SETUP_SQPOLL) sq_thread_cpu=1 "
     "sq_thread_idle=1000 features=3(IORING_FEAT_SINGLE_MMAP|IORING_FEAT_NODROP)"),
    ("io_uring_enter", (file(0, 3, "[io_uring]", kind=1),), 1, (3, 1, 0, 1, 0),
     "res=1 fd=3(<r>) to_submit=1 min_complete=0 flags=1(IORING_ENTER_GETEVENTS) sig=0"),
    ("io_uring_register", (), 0, (3, 2, 255, 1),
     "res=0 fd=3 opcode=2(IORING_REGISTER_FILES) arg=FF nr_args=1"),
    ("ioctl", (PASSWD,), -25, (3, 0x5401, 0), "res=-25(ENOTTY) fd=3(<f>/etc/passwd) request=5401 argument=0"),
]  # fmt: skip

SOCKETS: list[Case] = [
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

IDENTITIES: list[Case] = [
    ("setuid", (), 0, (0,), "res=0 uid=0(root)"),
    ("setgid", (), 0, (7,), "res=0 gid=7(<NA>)"),
    ("setreuid", (), 0, (0xFFFFFFFF, 0), "res=0 ruid=-1(<NONE>) euid=0(root)"),
    ("setregid", (), 0, (7, 0xFFFFFFFF), "res=0 rgid=7(<NA>) egid=-1(<NONE>)"),
    ("setresuid", (), 0, (1, 2, 3), "res=0 ruid=1(<NA>) euid=2(<NA>) suid=3(<NA>)"),
    ("setresgid", (), 0, (1, 2, 3), "res=0 rgid=1(<NA>) egid=2(<NA>) sgid=3(<NA>)"),
    ("getuid", (), 0, (), "uid=0(root)"),
    ("geteuid", (), 5, (), "euid=5(<NA>)"),
    ("getgid", (), 5, (), "gid=5(<NA>)"),
    ("getegid", (), 5, (), "egid=5(<NA>)"),
    ("getresuid", tuple(memory(n, struct.pack("<I", n + 1)) for n in range(3)), 0, (1, 1, 1),
     "res=0 ruid=1(<NA>) euid=2(<NA>) suid=3(<NA>)"),
    ("getresgid", tuple(memory(n, struct.pack("<I", n + 1)) for n in range(3)), 0, (1, 1, 1),
     "res=0 rgid=1(<NA>) egid=2(<NA>) sgid=3(<NA>)"),
    ("setsid", (), 100, (), "res=100(cat)"),
    ("setpgid", (), 0, (0, 100), "res=0 pid=0 pgid=100(cat)"),
    ("setns", (file(0, 3, "net:[4026531840]"),), 0, (3, 0x40000000),
     "res=0 fd=3(<f>net:[4026531840]) nstype=16(CLONE_NEWNET)"),
    ("unshare", (), 0, (0x10020000,), "res=0 flags=1048608(CLONE_NEWNS|CLONE_NEWUSER)"),
    ("prctl", (text(1, "worker"),), 0, (15, 1), "res=0 option=15(PR_SET_NAME) arg2_str=worker arg2_int=0"),
    ("prctl", (), 0, (36, 1), "res=0 option=36(PR_SET_CHILD_SUBREAPER) arg2_str= arg2_int=1"),
    ("prctl", (memory(1, struct.pack("<I", 1)),), 0, (37, 1),
     "res=0 option=37(PR_GET_CHILD_SUBREAPER) arg2_str= arg2_int=1"),
    ("ptrace", (), 0, (16, 100, 0, 0), "res=0 addr=0 data=0 request=11(PTRACE_ATTACH) pid=100(cat)"),
    ("ptrace", (), 0, (7, 5, 1, 9), "res=0 addr=1 data=9(SIGKILL) request=8(PTRACE_CONT) pid=5"),
    ("kill", (), 0, (100, 9), "res=0 pid=100(cat) sig=9(SIGKILL)"),
    ("tkill", (), 0, (100, 15), "res=0 tid=100(cat) sig=15(SIGTERM)"),
    ("tgkill", (), -3, (100, 7, 2), "res=-3(ESRCH) pid=100(cat) tid=7 sig=2(SIGINT)"),
    ("getrlimit", (memory(1, struct.pack("<QQ", 1024, (1 << 64) - 1)),), 0, (7, 1),
     "res=0 cur=1024 max=-1 resource=7(RLIMIT_NOFILE)"),
    ("setrlimit", (memory(1, struct.pack("<QQ", 10, 20)),), 0, (99, 1),
     "res=0 cur=10 max=20 resource=255(RLIMIT_UNKNOWN)"),
    ("prlimit64", (memory(3, struct.pack("<QQ", 10, 20)),), 0, (0, 7, 0, 1),
     "res=0 newcur=-1 newmax=-1 oldcur=10 oldmax=20 pid=0 resource=7(RLIMIT_NOFILE)"),
    ("seccomp", (), 0, (1, 0), "res=0 op=1 flags=0"),
    ("keyctl", (text(1, "_ses"),), 5, (1, 1, 0, 0, 0),
     "res=5 operation=1(KEYCTL_JOIN_SESSION_KEYRING) arg2=_ses arg3=0 arg4=0 arg5=0"),
    ("nanosleep", (memory(0, struct.pack("<qq", 0, 5)),), 0, (1,), "res=0 interval=5(5e-09s)"),
    ("process_vm_readv", (memory(1, b"x"),), 1, (100, 1, 1), "res=1 pid=100(cat) data=x"),
    ("process_vm_writev", (memory(1, b"x"),), 1, (100, 1, 1), "res=1 pid=100(cat) data=x"),
]  # fmt: skip

MEMORY: list[Case] = [
    ("brk", (), 0x1000, (0x1000,), "res=1000 vm_size=2000 vm_rss=300 vm_swap=0 addr=1000"),
    ("mmap", (file(4, 3, "/lib/x.so"),), 0x1000, (0, 4096, 5, 0x12, 3, 0),
     "res=4096 vm_size=2000 vm_rss=300 vm_swap=0 addr=0 length=4096 prot=5(PROT_READ|PROT_EXEC) "
     "flags=6(MAP_PRIVATE|MAP_FIXED) fd=3(<f>/lib/x.so) offset=0"),
    ("munmap", (), 0, (16, 4096), "res=0 vm_size=2000 vm_rss=300 vm_swap=0 addr=10 length=4096"),
    ("mprotect", (), 0, (16, 4096, 7), "res=0 addr=10 length=4096 prot=7(PROT_READ|PROT_WRITE|PROT_EXEC)"),
    ("mlock", (), 0, (16, 1), "res=0 addr=10 len=1"),
    ("munlock", (), 0, (16, 1), "res=0 addr=10 len=1"),
    ("mlock2", (), 0, (16, 1, 1), "res=0 addr=10 len=1 flags=1(MLOCK_ONFAULT)"),
    ("mlockall", (), 0, (3,), "res=0 flags=3(MCL_CURRENT|MCL_FUTURE)"),
    ("munlockall", (), 0, (), "res=0"),
    ("futex", (), 0, (16, 129, 1), "res=0 addr=10 op=129(FUTEX_PRIVATE_FLAG|FUTEX_WAKE) val=1"),
    ("semop", (memory(1, struct.pack("<HhHHhH", 1, -1, 0o4000, 9, 9, 9)),), 0, (7, 1, 1),
     "res=0 nsops=1 sem_num_0=1 sem_op_0=-1 sem_flg_0=1(IPC_NOWAIT) sem_num_1=0 sem_op_1=0 "
     "sem_flg_1=0 semid=7"),
    ("semctl", (), 0, (7, 1, 16, 5), "res=0 semid=7 semnum=1 cmd=4096(SETVAL) val=5"),
    ("semget", (), 7, (5, 1, 0o1600), "res=7 key=5 nsems=1 semflg=8576(IPC_CREAT)"),
]  # fmt: skip

SYSTEM: list[Case] = [
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

ALL = [*FILES, *TRANSFERS, *DESCRIPTORS, *SOCKETS, *IDENTITIES, *MEMORY, *SYSTEM]
OF_PROCESSES = {"execve", "execveat", "clone", "clone3", "fork", "vfork", "capset"}


@pytest.mark.parametrize(("name", "items", "ret", "args", "expected"), ALL)
def test_the_arguments_of_a_call(
    name: str, items: tuple[bytes, ...], ret: int, args: tuple[int, ...], expected: str
) -> None:
    event = called(name, *items, ret=ret, args=args)
    assert shown(event, "evt.args") == expected
    assert [event.data[slice(*event.span(n))] for n in range(event.count)] == event.params()


def test_each_call_with_an_event_of_its_own_is_tried() -> None:
    assert {case[0] for case in ALL} | OF_PROCESSES == OWN.keys()
