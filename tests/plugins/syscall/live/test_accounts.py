"""Users and groups of the host and of containers, as their files have them now."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_syscall.live import accounts as module
from falcocore_syscall.live.accounts import LiveAccounts


def write(root: Path, *users: str) -> None:
    (root / "etc").mkdir(parents=True, exist_ok=True)
    made = root / "etc" / "passwd.new"
    made.write_text(
        "".join(f"{name}:x:{1000 + number}:5::/home/{name}:/bin/sh\n" for number, name in enumerate(users))
    )
    made.rename(root / "etc" / "passwd")


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveAccounts:
    monkeypatch.setattr(module, "_LOOK_S", 0.0)
    write(tmp_path / "host", "ann", "bob")
    return LiveAccounts(str(tmp_path / "host"), str(tmp_path / "proc"))


def test_the_hosts_users(found: LiveAccounts) -> None:
    assert found.user_name("", 1000) == "ann"
    assert found.user_name("", 0) == "root"
    assert found.user_name("", 1009) == "<NA>"


def test_a_change_is_seen(found: LiveAccounts, tmp_path: Path) -> None:
    assert found.user_name("", 1001) == "bob"
    write(tmp_path / "host", "ann")
    assert found.user_name("", 1001) == "<NA>"


def test_a_containers_users_are_found_through_its_process(found: LiveAccounts, tmp_path: Path) -> None:
    write(tmp_path / "proc" / "77" / "root", "carol")
    assert found.user_name("abc", 1000) == "<NA>"
    found.met("abc", 77)
    assert found.user_name("abc", 1000) == "carol"
    assert found.user_name("", 1000) == "ann"


def test_what_is_known_of_a_container_stays_when_its_process_is_gone(
    found: LiveAccounts, tmp_path: Path
) -> None:
    write(tmp_path / "proc" / "77" / "root", "carol")
    found.met("abc", 77)
    assert found.user_name("abc", 1000) == "carol"
    (tmp_path / "proc" / "77").rename(tmp_path / "proc" / "gone")
    assert found.user_name("abc", 1000) == "carol"


def test_they_are_found_through_a_process_that_stays(found: LiveAccounts, tmp_path: Path) -> None:
    """Others in the container may be gone before anybody asks."""
    proc = tmp_path / "proc"
    write(proc / "77" / "root", "carol")
    found.met("abc", 77)
    found.met("abc", 78)
    assert found.user_name("abc", 1000) == "carol"
    (proc / "77").rename(proc / "79")
    found.met("abc", 79)
    write(proc / "79" / "root", "dave")
    assert found.user_name("abc", 1000) == "dave"


def test_the_oldest_containers_make_room(
    found: LiveAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_CONTAINERS", 2)
    write(tmp_path / "proc" / "1" / "root", "carol")
    for container in ("a", "b", "c"):
        found.met(container, 1)
        assert found.user_name(container, 1000) == "carol"
    assert found.user_name("a", 1000) == "<NA>"
    assert found.user_name("", 1000) == "ann"
