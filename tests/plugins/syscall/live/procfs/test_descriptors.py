"""Descriptors of this process, of every kind that the kernel lets it have."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from falcocore_syscall.live.procfs.descriptors import read_fd, read_fds
from falcocore_syscall.live.procfs.sockets import SocketTables
from falcocore_syscall.scap.records import FdRecord
from falcocore_syscall.state.fds import FdType

LIBC = ctypes.CDLL(None, use_errno=True)
LOCAL, LOCAL6 = b"\x7f\0\0\1", bytes(15) + b"\1"
ANY, ANY6 = bytes(4), bytes(16)
TCP, UDP, ICMP, RAW = 2, 3, 4, 5
RDONLY, WRONLY, RDWR, APPEND, NONBLOCK, DIRECTORY, LARGEFILE, CLOEXEC = 1, 2, 3, 8, 64, 1024, 2048, 4096


def found(fd: int) -> FdRecord:
    record = read_fd(os.getpid(), fd)
    assert record is not None
    return record


def signalfd() -> int:
    return int(LIBC.signalfd(-1, bytes(128), 0))


def io_uring() -> int:
    return int(LIBC.syscall(425, 1, bytes(120)))


def userfaultfd() -> int:
    return int(LIBC.syscall({"x86_64": 323}.get(os.uname().machine, 282), 0))


def bpf_map() -> int:
    return int(LIBC.syscall({"x86_64": 321}.get(os.uname().machine, 280), 0,
                            struct.pack("<IIII", 2, 4, 4, 1) + bytes(64), 80))  # fmt: skip


@pytest.mark.parametrize(
    ("make", "kind", "name"),
    [
        (lambda: os.eventfd(0), FdType.EVENT, b""),
        (lambda: LIBC.epoll_create1(0), FdType.EVENTPOLL, b""),
        (lambda: LIBC.timerfd_create(1, 0), FdType.TIMERFD, b""),
        (lambda: LIBC.inotify_init1(0), FdType.INOTIFY, b""),
        (signalfd, FdType.SIGNALFD, b""),
        (io_uring, FdType.IO_URING, b""),
        (userfaultfd, FdType.USERFAULTFD, b""),
        (bpf_map, FdType.BPF, b""),
        (lambda: os.pidfd_open(os.getpid()), FdType.PIDFD, f"/proc/{os.getpid()}".encode()),
        (lambda: os.memfd_create("a name"), FdType.MEMFD, b"a name"),
        (lambda: os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY), FdType.DIRECTORY, b"/tmp"),
        (lambda: os.open("/dev/null", os.O_RDONLY), FdType.FILE, b"/dev/null"),
        (lambda: os.open("/proc/self/stat", os.O_RDONLY), FdType.FILE, f"/proc/{os.getpid()}/stat".encode()),
    ],
)
def test_what_a_descriptor_stands_for(make: Callable[[], int], kind: FdType, name: bytes) -> None:
    fd = make()
    if fd < 0:
        pytest.skip(f"this machine makes none: {os.strerror(ctypes.get_errno())}")
    try:
        record = found(fd)
        assert (record.fd, _of(record), record.name) == (fd, kind, name)
        assert record.ino == os.fstat(fd).st_ino
    finally:
        os.close(fd)


def _of(record: FdRecord) -> FdType:
    return next(kind for kind in FdType if kind.number == record.type)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (os.O_RDONLY, RDONLY | CLOEXEC),
        (os.O_WRONLY | os.O_APPEND, WRONLY | APPEND | CLOEXEC),
        (os.O_RDWR | os.O_NONBLOCK, RDWR | NONBLOCK | CLOEXEC),
        (os.O_RDWR | os.O_SYNC, RDWR | 128 | 16 | CLOEXEC),
        (os.O_RDWR | os.O_DSYNC, RDWR | 16 | CLOEXEC),
    ],
)
def test_flags_of_a_file(tmp_path: Path, flags: int, expected: int) -> None:
    path = tmp_path / "x"
    path.touch()
    fd = os.open(path, flags)
    try:
        record = found(fd)
        assert record.flags & ~LARGEFILE == expected
        os.set_inheritable(fd, True)
        assert found(fd).flags & CLOEXEC == 0
        status = os.fstat(fd)
        assert (record.ino, record.dev) == (status.st_ino, status.st_dev)
        assert record.name == os.fsencode(path.resolve())
    finally:
        os.close(fd)


def test_names_of_files_that_were_deleted(tmp_path: Path) -> None:
    with open(tmp_path / "gone", "w") as gone, open(tmp_path / "x (deleted)", "w") as kept:
        os.unlink(gone.name)
        assert found(gone.fileno()).name == os.fsencode((tmp_path / "gone").resolve())
        assert found(kept.fileno()).name == os.fsencode((tmp_path / "x (deleted)").resolve())


def test_pipes(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    ino = os.fstat(reader).st_ino
    for fd, flags in ((reader, RDONLY | CLOEXEC), (writer, WRONLY | CLOEXEC)):
        assert found(fd) == FdRecord(fd, ino, FdType.PIPE.number, f"pipe:[{ino}]".encode(), flags=flags)
        os.close(fd)
    os.mkfifo(tmp_path / "named")
    fd = os.open(tmp_path / "named", os.O_RDWR)
    assert (found(fd).type, found(fd).name) == (
        FdType.PIPE.number,
        os.fsencode((tmp_path / "named").resolve()),
    )
    os.close(fd)


@contextlib.contextmanager
def bound(family: int, kind: int, address: str) -> Iterator[tuple[socket.socket, int]]:
    with socket.socket(family, kind) as it:
        try:
            it.bind((address, 0))
        except OSError as error:
            pytest.skip(f"{address} can't be had: {error}")
        yield it, it.getsockname()[1]


def ends(record: FdRecord) -> tuple[FdType, bytes, int, bytes, int, int]:
    return _of(record), record.source, record.sport, record.destination, record.dport, record.l4proto


def test_tcp() -> None:
    with bound(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1") as (server, port):
        server.listen()
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:
            own = client.getsockname()[1]
            assert ends(found(server.fileno())) == (FdType.IPV4_SERVER, b"", 0, LOCAL, port, TCP)
            assert ends(found(client.fileno())) == (FdType.IPV4, LOCAL, own, LOCAL, port, TCP)
            assert ends(found(accepted.fileno())) == (FdType.IPV4, LOCAL, port, LOCAL, own, TCP)
            assert found(client.fileno()).ino == os.fstat(client.fileno()).st_ino
            assert found(client.fileno()).flags == RDWR | CLOEXEC


def test_tcp_over_ipv6() -> None:
    with bound(socket.AF_INET6, socket.SOCK_STREAM, "::1") as (server, port):
        server.listen()
        with socket.create_connection(("::1", port)) as client:
            own = client.getsockname()[1]
            assert ends(found(server.fileno())) == (FdType.IPV6_SERVER, b"", 0, LOCAL6, port, TCP)
            assert ends(found(client.fileno())) == (FdType.IPV6, LOCAL6, own, LOCAL6, port, TCP)


def test_an_ipv4_connection_to_a_socket_for_both() -> None:
    with bound(socket.AF_INET6, socket.SOCK_STREAM, "::") as (server, port):
        server.listen()
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:
            own = client.getsockname()[1]
            assert ends(found(server.fileno())) == (FdType.IPV6_SERVER, b"", 0, ANY6, port, TCP)
            assert ends(found(accepted.fileno())) == (FdType.IPV4, LOCAL, port, LOCAL, own, TCP)


def test_udp() -> None:
    with (
        bound(socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0") as (server, port),
        bound(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1") as (client, own),
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as fresh,
    ):
        client.connect(("127.0.0.1", port))
        assert ends(found(server.fileno())) == (FdType.IPV4_SERVER, b"", 0, ANY, port, UDP)
        assert ends(found(client.fileno())) == (FdType.IPV4, LOCAL, own, LOCAL, port, UDP)
        assert ends(found(fresh.fileno())) == (FdType.UNSUPPORTED, b"", 0, b"", 0, 0)


@pytest.fixture
def _pings_for_all() -> Iterator[None]:
    """Which groups may make sockets of datagrams of ICMP is a setting; usually none may, root neither."""
    setting = Path("/proc/sys/net/ipv4/ping_group_range")
    before = setting.read_text()
    with contextlib.suppress(OSError):
        setting.write_text("0 2147483647")
    yield
    with contextlib.suppress(OSError):
        setting.write_text(before)


@pytest.mark.parametrize(
    ("kind", "protocol", "expected"), [(socket.SOCK_RAW, 1, RAW), (socket.SOCK_DGRAM, 1, ICMP)]
)
@pytest.mark.usefixtures("_pings_for_all")
def test_sockets_without_ports(kind: int, protocol: int, expected: int) -> None:
    try:
        made = socket.socket(socket.AF_INET, kind, protocol)
    except OSError as error:
        pytest.skip(f"this machine makes none: {error}")
    with made:
        made.bind(("127.0.0.1", 0))
        assert ends(found(made.fileno())) == (FdType.IPV4_SERVER, b"", 0, LOCAL, 0, expected)


def test_unix_sockets(tmp_path: Path) -> None:
    path = str(tmp_path / "a  socket")
    first, second = socket.socketpair()
    with first, second, socket.socket(socket.AF_UNIX) as named, socket.socket(socket.AF_UNIX) as abstract:
        named.bind(path)
        abstract.bind(f"\0falcocore test {os.getpid()}")
        assert [(_of(found(it.fileno())), found(it.fileno()).name) for it in (first, named, abstract)] == [
            (FdType.UNIX, b""),
            (FdType.UNIX, path.encode()),
            (FdType.UNIX, f"@falcocore test {os.getpid()}".encode()),
        ]
        assert found(first.fileno()).source_pointer != found(second.fileno()).source_pointer


def test_netlink() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as it:
        it.bind((0, 0))
        assert (_of(found(it.fileno())), found(it.fileno()).name) == (FdType.NETLINK, b"")


def test_all_descriptors_of_a_process() -> None:
    first, second = socket.socketpair()
    poller = select.epoll()
    with first, second, poller:
        own = [first.fileno(), second.fileno(), poller.fileno()]
        records = {record.fd: record for record in read_fds(os.getpid())}
        assert [records[fd] for fd in own] == [found(fd) for fd in own]
        assert {int(name) for name in os.listdir("/proc/self/fd")} >= records.keys() - {max(records)}


def test_the_tables_of_sockets_are_read_once_for_many() -> None:
    tables = SocketTables()
    with bound(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1") as (early, _):
        early.listen()
        assert read_fd(os.getpid(), early.fileno(), sockets=tables) == found(early.fileno())
        with bound(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1") as (late, _):
            late.listen()
            record = read_fd(os.getpid(), late.fileno(), sockets=tables)
            assert record is not None
            assert _of(record) is FdType.UNSUPPORTED
            assert _of(found(late.fileno())) is FdType.IPV4_SERVER


def test_what_is_not_there() -> None:
    assert read_fd(os.getpid(), 1 << 20) is None
    assert read_fds(1 << 22) == []
    assert read_fd(1 << 22, 0) is None


def test_descriptors_that_come_and_go() -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            os.close(os.open("/dev/null", os.O_RDONLY))

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        for _ in range(100):
            assert {0, 1, 2} <= {record.fd for record in read_fds(os.getpid())}
    finally:
        stop.set()
        worker.join()
