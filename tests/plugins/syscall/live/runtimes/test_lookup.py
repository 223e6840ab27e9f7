"""Asking without being held up."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from falcocore_syscall.live.runtimes.lookup import REFRESH_S, Runtimes
from falcocore_syscall.state.containers import Containers
from tests.support.unix_servers import Handler, http_answer, http_handler, unix_server

SAFETY_S = 10.0


def whole(number: int) -> str:
    """The id of one of many containers."""
    return f"{number:012x}" + "0" * 52


def short(number: int) -> str:
    """The same, short."""
    return whole(number)[:12]


def known(*numbers: int) -> dict[str, Any]:
    """Answers of Docker about these containers, each by its short id."""
    return {f"/containers/{short(n)}/json": {"Id": whole(n), "Name": f"/c{n}", "Config": {}} for n in numbers}


class Clock:
    """Time that a test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(socket_folder: Path) -> Path:
    return socket_folder / "docker.sock"


@contextmanager
def asking(*paths: Path, api: str = "docker", **options: Any) -> Iterator[Runtimes]:
    """Somebody who asks at these sockets."""
    runtimes = Runtimes([f"{api}:{path}" for path in paths], host_root="", **options)
    yield runtimes
    runtimes.stop()


def names(containers: Containers, *numbers: int) -> list[str | None]:
    """What is known."""
    found = [containers.get(short(n)) for n in numbers]
    return [one.data["name"] if one else None for one in found]


def answered(runtimes: Runtimes, containers: Containers) -> list[bytes]:
    """What comes of all that was asked."""
    assert runtimes.wait(SAFETY_S)
    return runtimes.deliver(containers)


def test_what_is_asked_is_known_later(path: Path, clock: Clock) -> None:
    containers = Containers()
    with unix_server(path, http_handler(known(1, 2))), asking(path, clock=clock) as runtimes:
        for number in (1, 1, 2, 3, 1):
            runtimes.ask(short(number))
        assert names(containers, 1) == [None]
        texts = answered(runtimes, containers)
        assert names(containers, 1, 2, 3) == ["c1", "c2", None]
        assert [msgspec.json.decode(text)["container"]["name"] for text in texts] == ["c1", "c2"]
        found = runtimes.statistics()
        assert (found.asked, found.answered, found.unknown, found.errors, found.waiting) == (3, 2, 1, 0, 0)
    assert containers.missed == 2


def test_nothing_waits_for_a_runtime_that_hangs(path: Path, clock: Clock) -> None:
    go = threading.Event()
    rest = http_handler(known(1))

    def handle(connection: socket.socket) -> None:
        go.wait(SAFETY_S)
        rest(connection)

    containers = Containers()
    with unix_server(path, handle), asking(path, clock=clock, patience_s=SAFETY_S) as runtimes:
        runtimes.ask(short(1))
        assert not runtimes.wait(0.01)
        assert runtimes.deliver(containers) == []
        assert runtimes.statistics().waiting == 1
        go.set()
        answered(runtimes, containers)
    assert names(containers, 1) == ["c1"]


def test_a_runtime_that_hangs_is_asked_once_for_each_rest(
    socket_folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    hung, good = socket_folder / "hung", socket_folder / "good"
    done = threading.Event()
    asked: list[object] = []

    def hang(connection: socket.socket) -> None:
        asked.append(connection)
        done.wait(SAFETY_S)

    containers = Containers()
    with (
        unix_server(hung, hang),
        unix_server(good, http_handler(known(*range(50)))),
        asking(hung, good, clock=clock, patience_s=0.2) as runtimes,
        caplog.at_level(logging.WARNING),
    ):
        for number in range(50):
            runtimes.ask(short(number))
        answered(runtimes, containers)
        done.set()
    assert names(containers, *range(50)) == [f"c{number}" for number in range(50)]
    assert len(asked) == 1
    assert runtimes.statistics().errors == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"source syscall: the container runtime at {hung} can't be asked: no answer in time; "
        "fields container.* may lack"
    ]


def test_a_runtime_in_trouble_is_asked_again_after_its_rest(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    containers = Containers()
    good = http_handler(known(*range(9)))
    asked: list[int] = []

    def handle(connection: socket.socket) -> None:
        asked.append(1)
        if len(asked) > 2:
            good(connection)

    with (
        unix_server(path, handle),
        asking(path, clock=clock) as runtimes,
        caplog.at_level(logging.INFO, "falcocore.syscall"),
    ):
        for number, wait_s, times in ((0, 0.0, 1), (1, 0.9, 1), (2, 0.1, 2), (3, 1.9, 2), (4, 0.1, 3)):
            clock.now_s += wait_s
            runtimes.ask(short(number))
            answered(runtimes, containers)
            assert min(len(asked), 3) == times
            assert (names(containers, number) == [None]) is (times < 3)
    said = [record.getMessage().partition(f"{path} ")[2] for record in caplog.records]
    assert [text.partition(":")[0] for text in said] == ["can't be asked", "answers again"]


@pytest.mark.parametrize(
    "handle",
    [
        lambda connection: connection.sendall(b"\xff" * 1000),
        lambda _connection: None,
        http_handler({f"/containers/{short(1)}/json": http_answer(b'{"a":' * 100_000)}),
    ],
)
def test_garbage_is_an_error(path: Path, handle: Handler, clock: Clock) -> None:
    containers = Containers()
    with unix_server(path, handle), asking(path, clock=clock) as runtimes:
        runtimes.ask(short(1))
        assert answered(runtimes, containers) == []
        found = runtimes.statistics()
    assert (found.errors, found.unknown) == (1, 1)


def test_an_answer_about_another_container_is_none(path: Path, clock: Clock) -> None:
    """Docker finds containers by name as well, and a name may look like an id."""
    answers = {f"/containers/{short(1)}/json": {"Id": whole(2), "Name": f"/{short(1)}", "Config": {}}}
    containers = Containers()
    with unix_server(path, http_handler(answers)), asking(path, clock=clock) as runtimes:
        runtimes.ask(short(1))
        assert answered(runtimes, containers) == []
    assert names(containers, 1, 2) == [None, None]


def test_who_is_unknown_is_asked_for_again_with_growing_pauses(path: Path, clock: Clock) -> None:
    containers = Containers()
    asked_at_s: list[float] = []
    with asking(path, clock=clock) as runtimes:
        while len(asked_at_s) < 10:
            runtimes.ask(short(1))
            if runtimes.statistics().waiting:
                asked_at_s.append(clock.now_s)
                answered(runtimes, containers)
            clock.now_s += 0.25
    pauses_s = [later - earlier for earlier, later in itertools.pairwise(asked_at_s)]
    assert pauses_s == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_who_is_unknown_is_asked_for_again_by_itself_for_a_while(path: Path, clock: Clock) -> None:
    containers = Containers()
    with asking(path, clock=clock) as runtimes:
        runtimes.ask(short(1))
        for _ in range(50):
            answered(runtimes, containers)
            clock.now_s += 30
        assert runtimes.statistics().asked == 9
        runtimes.ask(short(1))
        assert runtimes.statistics().asked == 10


def test_a_socket_that_appears_later_is_found(path: Path, clock: Clock) -> None:
    containers = Containers()
    with asking(path, clock=clock) as runtimes:
        runtimes.ask(short(1))
        answered(runtimes, containers)
        assert names(containers, 1) == [None]
        clock.now_s += 1
        with unix_server(path, http_handler(known(1))):
            runtimes.deliver(containers)
            answered(runtimes, containers)
    assert names(containers, 1) == ["c1"]


def test_what_is_known_is_asked_for_again_much_later(path: Path, clock: Clock) -> None:
    containers = Containers()
    answers = known(1)
    with unix_server(path, http_handler(answers)), asking(path, clock=clock) as runtimes:
        runtimes.ask(short(1))
        answered(runtimes, containers)
        answers[f"/containers/{short(1)}/json"]["Name"] = "/renamed"
        clock.now_s += REFRESH_S - 1
        runtimes.ask(short(1))
        assert runtimes.statistics().asked == 1
        clock.now_s += 1
        runtimes.ask(short(1))
        answered(runtimes, containers)
        assert names(containers, 1) == ["renamed"]
        del answers[f"/containers/{short(1)}/json"]
        clock.now_s += REFRESH_S
        runtimes.ask(short(1))
        answered(runtimes, containers)
    assert names(containers, 1) == ["renamed"]


def test_the_oldest_is_forgotten(path: Path, clock: Clock) -> None:
    containers = Containers()
    with (
        unix_server(path, http_handler(known(*range(5)))),
        asking(path, clock=clock, remembered=3) as runtimes,
    ):
        for number in range(5):
            runtimes.ask(short(number))
            answered(runtimes, containers)
        answered(runtimes, containers)
        assert names(containers, *range(5)) == [None, None, "c2", "c3", "c4"]
        runtimes.ask(short(0))
        answered(runtimes, containers)
    assert names(containers, 0, 2) == ["c0", None]


def test_too_many_questions_are_put_off(path: Path, clock: Clock) -> None:
    go, taken = threading.Event(), threading.Event()
    rest = http_handler(known(*range(9)))

    def handle(connection: socket.socket) -> None:
        taken.set()
        go.wait(SAFETY_S)
        rest(connection)

    containers = Containers()
    with unix_server(path, handle), asking(path, clock=clock, questions=2, patience_s=SAFETY_S) as runtimes:
        runtimes.ask(short(0))
        assert taken.wait(SAFETY_S)
        for number in range(9):
            runtimes.ask(short(number))
        assert runtimes.statistics().put_off == 6
        go.set()
        answered(runtimes, containers)
        assert names(containers, 0, 1, 2, 3) == ["c0", "c1", "c2", None]
        runtimes.ask(short(3))
        answered(runtimes, containers)
        assert names(containers, 3) == ["c3"]


@pytest.mark.parametrize(
    "container_id", ["", "web", "../../info", "c0ffee", "my-container", "C0FFEEC0FFEE", "a" * 65]
)
def test_ids_that_no_runtime_gives_are_not_asked_for(path: Path, container_id: str) -> None:
    with asking(path) as runtimes:
        runtimes.ask(container_id)
        assert runtimes.statistics().asked == 0


def test_without_sockets_nothing_is_asked() -> None:
    with asking() as runtimes:
        runtimes.ask(short(1))
        assert runtimes.statistics().asked == 0


def test_the_root_of_the_host(socket_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_ROOT", str(socket_folder))
    containers = Containers()
    runtimes = Runtimes(["docker:/d*.sock"])
    with unix_server(socket_folder / "docker.sock", http_handler(known(1))):
        runtimes.ask(short(1))
        answered(runtimes, containers)
    runtimes.stop()
    assert names(containers, 1) == ["c1"]


def test_stopping_waits_for_nobody(path: Path) -> None:
    done = threading.Event()
    with unix_server(path, lambda _connection: (done.wait(SAFETY_S), None)[1]):
        runtimes = Runtimes([f"docker:{path}"], host_root="", patience_s=SAFETY_S, questions=1)
        for number in range(3):
            runtimes.ask(short(number))
        began_s = time.monotonic()
        runtimes.stop()
        assert time.monotonic() - began_s < SAFETY_S / 2
        done.set()
