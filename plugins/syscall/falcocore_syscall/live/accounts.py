"""Users and groups of the machine that is watched and of its containers, as their files have them now."""

from __future__ import annotations

import os
import time
from typing import TypeAlias

from falcocore_syscall.live.procfs.accounts import read_accounts
from falcocore_syscall.scap.records import GroupRecord, UserRecord
from falcocore_syscall.state.accounts import HOST, Accounts

_FILES = ("etc/passwd", "etc/group")
_MOST_CONTAINERS = 1024
"""Containers whose accounts are remembered."""

_LOOK_S = 1.0
"""How often files are looked at."""

Version: TypeAlias = tuple[tuple[int, int] | None, ...]
"""Inode and time of change of each file; a file that was not there has none."""


class LiveAccounts(Accounts):
    """Accounts that are read when somebody asks for one, and again when their files have changed.

    A container's own files are found through a process that is in it.
    """

    def __init__(self, host_root: str = "/", proc_root: str = "/proc") -> None:
        super().__init__()
        self._proc_root = proc_root
        self._roots = {HOST: host_root}
        self._versions: dict[str, Version] = {}
        self._again_s: dict[str, float] = {}

    def met(self, container: str, pid: int) -> None:
        """A process was seen in a container; the files are found through it until it has ended."""
        if container not in self._roots and len(self._roots) > _MOST_CONTAINERS:
            oldest = next(name for name in self._roots if name != HOST)
            for known in (self._roots, self._versions, self._again_s):
                known.pop(oldest, None)
            self.forget(oldest)
        if container and not os.path.exists(self._roots.get(container, "")):
            self._roots[container] = f"{self._proc_root}/{pid}/root"

    def user(self, container: str, uid: int) -> UserRecord | None:
        """The user of that number, None if there is none."""
        self._read(container)
        return super().user(container, uid)

    def group(self, container: str, gid: int) -> GroupRecord | None:
        """The group of that number, None if there is none."""
        self._read(container)
        return super().group(container, gid)

    def _read(self, container: str) -> None:
        root = self._roots.get(container)
        now_s = time.monotonic()
        if root is None or now_s < self._again_s.get(container, 0.0):
            return
        self._again_s[container] = now_s + _LOOK_S
        version = tuple(_version(os.path.join(root, name)) for name in _FILES)
        if version == self._versions.get(container) or not any(version):
            return
        self._versions[container] = version
        self.forget(container)
        for record in read_accounts(root):
            self.add(container, record)


def _version(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
