"""Debian's Podman and Docker, each with its files in a folder of its own and a container."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.runtime_daemons import SAFETY_S, daemon, environment, needs, remove, run
from tests.support.small_image import root_archive

IMAGE = "registry.example:5000/team/box:1.0"
REPOSITORY, _, TAG = IMAGE.rpartition(":")


@dataclass(frozen=True)
class RunningContainer:
    """A container that sleeps, and where its runtime can be asked about it."""

    socket: str
    """As falcocore is told of it."""
    full_id: str
    name: str
    pid: int
    is_privileged: bool
    inside: tuple[str, ...]
    """The command by which a program is run in it, up to the program."""
    inside_on_terminal: tuple[str, ...]
    """The same for one that has a terminal."""

    @property
    def short_id(self) -> str:
        """As alerts show it."""
        return self.full_id[:12]

    def cgroups(self) -> bytes:
        """The control groups of its first process, as captures have them."""
        lines = Path(f"/proc/{self.pid}/cgroup").read_text().splitlines()
        entries = (line.split(":", 2) for line in lines)
        return b"".join(f"{subsystem}={path}\0".encode() for _, subsystem, path in entries)

    def run_on_terminal(self, *command: str) -> None:
        """Run a program in it as somebody does who wants to work there, until it ends."""
        master, slave = pty.openpty()
        try:
            done = subprocess.run(
                (*self.inside_on_terminal, *command),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                timeout=SAFETY_S,
                env=environment(),
                check=False,
            )
            readable, _, _ = select.select([master], [], [], 0)
            said = os.read(master, 4096).decode(errors="replace") if readable else ""
        finally:
            os.close(slave)
            os.close(master)
        assert not done.returncode, said


@contextmanager
def podman(folder: Path, *, layered: bool = False) -> Iterator[RunningContainer]:
    """Podman's service, and a privileged container; `layered` for overlayfs."""
    needs("podman", "runc", "conmon", "busybox")
    path = folder / "podman.sock"
    driver = "overlay" if layered else "vfs"
    command = (
        "podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/tmp",
        "--storage-driver", driver, "--cgroup-manager", "cgroupfs", "--events-backend", "none",
        "--runtime", "runc",
    )  # fmt: skip
    (folder / "root.tar").write_bytes(root_archive())
    run(*command, "import", f"{folder}/root.tar", IMAGE)
    with daemon(folder, path, *command, "system", "service", "--time", "0", f"unix://{path}"):
        # Without limits of its own a container gets higher ones than this process may have given away.
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
        running = (*command, "run", "-d", *limits, "--privileged", *_OPTIONS, IMAGE, "/bin/sleep", "600")
        full_id = run(*running).decode().strip()
        try:
            shown = run(*command, "inspect", "--format", "{{.State.Pid}} {{.State.ConmonPid}}", full_id)
            pid, monitor_pid = map(int, shown.split())
            monitor = os.pidfd_open(monitor_pid)
            yield _named(f"docker:{path}", full_id, pid, True, command)
        finally:
            remove(*command, "rm", "-f", "-t", "0", full_id)
        # It runs a last command of Podman, which writes to the folder.
        select.select([monitor], [], [], SAFETY_S)
        os.close(monitor)
    if layered:
        remove("umount", f"{folder}/root/overlay")


_NAME = "shop-web"
_OPTIONS = ("--network", "host", "--name", _NAME, "--label", "app=shop", "-v", "/etc:/data:ro")


def _named(
    socket: str, full_id: str, pid: int, is_privileged: bool, command: tuple[str, ...]
) -> RunningContainer:
    inside, on_terminal = ((*command, "exec", option, full_id) for option in ("-i", "-it"))
    return RunningContainer(socket, full_id, _NAME, pid, is_privileged, inside, on_terminal)


@contextmanager
def docker(folder: Path, *, layered: bool = False, powerful: bool = False) -> Iterator[RunningContainer]:
    """Docker's daemon, and a container; `layered` for overlayfs.

    A powerful one is privileged, or where Docker can't make that, has the capabilities that matter.
    """
    needs("dockerd", "docker", "containerd", "runc", "busybox")
    path = folder / "docker.sock"
    driver = "overlay2" if layered else "vfs"
    serving = (
        "dockerd", "-H", f"unix://{path}", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec",
        "--pidfile", f"{folder}/pid", "--storage-driver", driver, "--bridge", "none", "--iptables=false",
        "--ip6tables=false", "--ip-forward=false", "--config-file", f"{folder}/daemon.json",
    )  # fmt: skip
    (folder / "daemon.json").write_text("{}")
    command = ("docker", "-H", f"unix://{path}")
    is_privileged = powerful and _has_all_capabilities()
    rights: tuple[str, ...] = ("--privileged",) if is_privileged else ()
    if powerful and not is_privileged:
        rights = ("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_MODULE")
    try:
        with daemon(folder, path, *serving):
            run(*command, "import", "-", IMAGE, given=root_archive())
            running = (*command, "run", "-d", *rights, *_OPTIONS, IMAGE, "/bin/sleep", "600")
            full_id = run(*running).decode().strip()
            try:
                pid = int(run(*command, "inspect", "--format", "{{.State.Pid}}", full_id))
                yield _named(f"docker:{path}", full_id, pid, is_privileged, command)
            finally:
                remove(*command, "rm", "-f", full_id)
    finally:
        remove("umount", f"{folder}/exec/netns/default")


def _has_all_capabilities() -> bool:
    """Docker gives all of them to privileged containers, and fails where it lacks one."""
    bounds = Path("/proc/self/status").read_text().split("CapBnd:")[1].split()[0]
    return int(bounds, 16) == (2 << int(Path("/proc/sys/kernel/cap_last_cap").read_text())) - 1


def can_layer(folder: Path) -> bool:
    """Whether a container whose files are in this folder can have overlayfs."""
    parts = [folder / name for name in ("lower", "upper", "work", "mounted")]
    for part in parts:
        part.mkdir()
    lower, upper, work, mounted = map(str, parts)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mounting = ("mount", "-t", "overlay", "overlay", "-o", options, mounted)
    done = subprocess.run(mounting, capture_output=True, timeout=SAFETY_S, check=False)
    if not done.returncode:
        remove("umount", mounted)
    return not done.returncode
