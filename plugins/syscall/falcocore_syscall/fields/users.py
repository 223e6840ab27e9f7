"""Fields of the user and group that the event was made as."""

from __future__ import annotations

from collections.abc import Iterator

from falcocore.api import Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import Get, of_thread, text
from falcocore_syscall.state.threads import NO_ID, Thread


def _login_id(thread: Thread) -> int:
    return -1 if thread.loginuid == NO_ID else thread.loginuid


def _of_user(attribute: str) -> Get:
    def get(event: Event) -> Value:
        thread = event.thread
        if thread is None:
            return None
        found = event.machine.accounts.user(thread.container_id, thread.uid)
        value: str = getattr(found, attribute) if found is not None else "<NA>"
        return value

    return get


def _user_name(event: Event) -> str | None:
    thread = event.thread
    return None if thread is None else event.machine.accounts.user_name(thread.container_id, thread.uid)


def _login_name(event: Event) -> str | None:
    thread = event.thread
    if thread is None:
        return None
    return event.machine.accounts.user_name(thread.container_id, thread.loginuid)


def _group_name(event: Event) -> str | None:
    thread = event.thread
    return None if thread is None else event.machine.accounts.group_name(thread.container_id, thread.gid)


def user_fields() -> Iterator[Field]:
    """Fields `user.*` and `group.*`."""
    yield Field("user.uid", FieldType.UINT32, "Number of the effective user.", of_thread(lambda t: t.uid))
    yield text("user.name", "Name of the effective user; <NA> where it is not known.", _user_name)
    yield text("user.homedir", "Home directory of the effective user.", _of_user("home"))
    yield text("user.shell", "Login shell of the effective user.", _of_user("shell"))
    login = "Number of the user who has logged in; -1 for nobody."
    yield Field("user.loginuid", FieldType.INT64, login, of_thread(_login_id))
    yield text("user.loginname", "Name of the user who has logged in.", _login_name)
    yield Field("group.gid", FieldType.UINT32, "Number of the effective group.", of_thread(lambda t: t.gid))
    yield text("group.name", "Name of the effective group; <NA> where it is not known.", _group_name)
