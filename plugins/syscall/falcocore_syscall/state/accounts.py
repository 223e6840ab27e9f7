"""Users and groups, of the host and of containers."""

from __future__ import annotations

from collections.abc import Sequence

from falcocore_syscall.scap.records import GroupRecord, UserRecord

HOST = ""
"""The container id under which the host's accounts are kept."""


class Accounts:
    """Accounts by container and number."""

    def __init__(self) -> None:
        self._users: dict[tuple[str, int], UserRecord] = {}
        self._groups: dict[tuple[str, int], GroupRecord] = {}

    def replace_host(self, records: Sequence[UserRecord | GroupRecord]) -> None:
        """Take these for the accounts of the host."""
        for record in records:
            self.add(HOST, record)

    def add(self, container: str, record: UserRecord | GroupRecord) -> None:
        """Add an account, or replace the one of its number."""
        if isinstance(record, UserRecord):
            self._users[container, record.uid] = record
        else:
            self._groups[container, record.gid] = record

    def forget(self, container: str) -> None:
        """Forget all accounts of a container."""
        for known in (self._users, self._groups):
            for key in [key for key in known if key[0] == container]:
                del known[key]

    def remove_user(self, container: str, uid: int) -> None:
        """Forget a user."""
        self._users.pop((container, uid), None)

    def remove_group(self, container: str, gid: int) -> None:
        """Forget a group."""
        self._groups.pop((container, gid), None)

    def user(self, container: str, uid: int) -> UserRecord | None:
        """The user of that number, None if there is none."""
        return self._users.get((container, uid))

    def group(self, container: str, gid: int) -> GroupRecord | None:
        """The group of that number, None if there is none."""
        return self._groups.get((container, gid))

    def user_name(self, container: str, uid: int) -> str:
        """The user's name; `root` is known everywhere, others are `<NA>` where they are not."""
        found = self.user(container, uid)
        return found.name if found is not None else "root" if uid == 0 else "<NA>"

    def group_name(self, container: str, gid: int) -> str:
        """The same for groups."""
        found = self.group(container, gid)
        return found.name if found is not None else "root" if gid == 0 else "<NA>"
