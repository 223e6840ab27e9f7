"""Run by test_recording.py while it records: one thing after the other that a replay has to get right."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

folder, tcp_port, udp_port = Path(sys.argv[1]), *map(int, sys.argv[2:])
os.chdir(folder)


def opens() -> None:
    """By whole, relative and linked paths, by a directory's descriptor, in vain."""
    (folder / "real").mkdir()
    (folder / "real" / "file").write_text("x")
    (folder / "link").symlink_to(folder / "real")
    (folder / "link" / "file").read_text()
    Path("link/../real/file").read_text()
    directory = os.open("link", os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open("file", os.O_RDWR, dir_fd=directory))
    os.close(directory)
    assert not Path("missing").exists()
    with contextlib.suppress(FileNotFoundError):
        os.open("/nowhere/at/all", os.O_RDONLY)


def moves() -> None:
    """The working directory follows a link, a descriptor, and goes up."""
    os.chdir("link")
    Path("file").read_text()
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fchdir(directory)
    os.close(directory)
    Path("real/file").read_text()
    os.chdir("link/..")
    Path("real/file").read_text()


def changes() -> None:
    """Files get other names, places and rights."""
    os.rename("real/file", "real/other")
    os.link("real/other", "real/second")
    os.symlink("second", "real/soft")
    os.chmod("real/other", 0o600)
    os.chown("real/other", 0, 0)
    os.unlink("real/soft")
    os.mkdir("real/sub")
    os.rmdir("real/sub")


def copies() -> None:
    """Descriptors are copied and marked, pipes and memory made."""
    first = os.open("real/other", os.O_RDONLY)
    second = os.dup(first)
    os.read(second, 1)
    os.dup2(first, 77)
    os.read(77, 1)
    os.set_inheritable(77, True)
    reader, writer = os.pipe()
    os.write(writer, b"x")
    os.read(reader, 1)
    memory = os.memfd_create("memory")
    os.write(memory, b"x")
    for fd in (first, second, reader, writer, memory):
        os.close(fd)


def connects() -> None:
    """TCP, UDP and unix sockets, both sides of each."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        chosen.listen()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", tcp_port))
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            client.sendall(b"hello")
            accepted.recv(5)
            accepted.close()
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", udp_port))
        child = os.fork()
        if child == 0:
            receiver.close()
            with socket.socket(type=socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", ("127.0.0.1", udp_port))
            os._exit(0)
        receiver.recvfrom(1)
        os.waitpid(child, 0)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(folder / "socket"))
        server.listen()
        client.connect(str(folder / "socket"))
        accepted, _ = server.accept()
        client.sendall(b"x")
        accepted.recv(1)
        accepted.close()


def forks() -> None:
    """Children that run programs, or don't; a thread; descriptors that are inherited."""
    child = os.fork()
    if child == 0:
        os.read(77, 1)
        os.execv("/bin/sh", ["sh", "-c", "cat real/other; (cd link && cat second); true"])
    os.waitpid(child, 0)
    child = os.fork()
    if child == 0:
        Path("real/other").read_text()
        os._exit(3)
    os.waitpid(child, 0)
    subprocess.run(["/bin/cat", "real/other"], stdout=subprocess.DEVNULL, check=True)
    thread = threading.Thread(target=lambda: Path("real/second").read_text())
    thread.start()
    thread.join()


def becomes_somebody() -> None:
    """A child gives up being root, its session's leader and its name."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(15, b"renamed")
        os.setpgid(0, 0)
        os.setgid(1)
        os.setuid(1)
        os._exit(0 if os.path.exists("/etc/passwd") else 1)
    os.waitpid(child, 0)


for action in (opens, moves, changes, copies, connects, forks, becomes_somebody):
    action()
