"""Users and groups from the files that name them."""

from __future__ import annotations

from collections.abc import Iterator

from falcocore_syscall.scap.records import GroupRecord, UserRecord


def read_accounts(root: str = "/") -> list[UserRecord | GroupRecord]:
    """Users, then groups, of `etc/passwd` and `etc/group` below a directory; lines that are no account, and
    files that can't be read, are passed over.
    """
    base = root.rstrip("/")
    found: list[UserRecord | GroupRecord] = []
    for name, _, uid, gid, _, home, shell in _lines(f"{base}/etc/passwd", 7):
        if uid.isdigit() and gid.isdigit():
            found.append(UserRecord(int(uid), int(gid), name, home, shell))
    for name, _, gid, _ in _lines(f"{base}/etc/group", 4):
        if gid.isdigit():
            found.append(GroupRecord(int(gid), name))
    return found


def _lines(path: str, count: int) -> Iterator[list[str]]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                parts = line.rstrip("\n").split(":")
                if len(parts) == count:
                    yield parts
    except OSError:
        return
