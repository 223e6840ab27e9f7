"""A tree of files like /proc, with processes that don't exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class MadeProc:
    """Makes processes in a directory. Number n was started at tick 10 n, as user 1001."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def process(
        self,
        pid: int,
        *,
        ppid: int,
        comm: str,
        command: bytes = b"",
        state: str = "S",
        flags: int = 0x400000,
        cgroup: str = "0::/\n",
        threads: Mapping[int, str] | None = None,
    ) -> Path:
        """Make a process; one without a command has no program either."""
        directory = self.root / str(pid)
        names = {pid: comm, **(threads or {})}
        for tid, name in names.items():
            for place in (directory / "task" / str(tid), *([directory] if tid == pid else [])):
                place.mkdir(parents=True, exist_ok=True)
                self._thread(place, pid, tid, ppid, name, state, flags, len(names))
        (directory / "cmdline").write_bytes(command)
        (directory / "cgroup").write_text(cgroup)
        (directory / "environ").write_bytes(b"A=1\0" if command else b"")
        (directory / "loginuid").write_text("1500")
        (directory / "limits").write_text(
            "Limit                     Soft Limit           Hard Limit           Units     \n"
            "Max open files            1024                 4096                 files     \n"
        )
        if command:
            (directory / "exe").symlink_to(f"/bin/{comm}")
            (directory / "cwd").symlink_to(f"/srv/{comm}")
            (directory / "root").symlink_to("/")
        return directory

    @staticmethod
    def _thread(
        place: Path, pid: int, tid: int, ppid: int, name: str, state: str, flags: int, count: int
    ) -> None:
        numbers = f"{ppid} {pid} 1 0 -1 {flags} 5 0 6 0 0 0 0 0 20 0 {count} 0 {tid * 10} 0 0"
        (place / "stat").write_text(f"{tid} ({name}) {state} {numbers}\n")
        (place / "status").write_text(
            f"Name:\t{name}\nTgid:\t{pid}\nPid:\t{tid}\nPPid:\t{ppid}\n"
            "Uid:\t1000\t1001\t1002\t1003\nGid:\t2000\t2001\t2002\t2003\nGroups:\t5 6 \n"
            f"NStgid:\t{pid}\nNSpid:\t{tid}\nNSpgid:\t{pid}\nVmSize:\t  100 kB\nVmRSS:\t  50 kB\n"
            "VmSwap:\t  0 kB\nCapInh:\t0000000000000001\nCapPrm:\t0000000000000002\n"
            "CapEff:\t0000000000000004\n"
        )
