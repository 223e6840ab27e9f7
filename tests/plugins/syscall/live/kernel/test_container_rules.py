"""The rules of the stable pack that need a container fire for what is done in one, whoever made it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.support.bpf_objects import needs_kernel
from tests.support.container_runtimes import IMAGE, REPOSITORY
from tests.support.container_triggers import ADDRESS, LAYERED, ON_TERMINAL, PRIVILEGED, TRIGGERS, addresses
from tests.support.live_container import RUNTIMES, Inside, inside, short_folder, sockets_in
from tests.support.live_watch import SAFETY_S, Watch, bundled_rules, rule_set
from tests.support.syscall_events import value_of

pytestmark = needs_kernel


class Seen(NamedTuple):
    """An alert, and what is known of the container then."""

    rule: str
    output: str
    container: tuple[Any, ...]


FIELDS = ("container.id", "container.name", "container.image", "container.privileged")


class Stage:
    """The packs at work before there is a container, and then a container."""

    def __init__(self, watch: Watch, acting: Inside, port: int) -> None:
        self.watch = watch
        self.acting = acting
        self._port = port

    def does(self, code: str) -> list[Seen]:
        """The alerts that commands in the container raise."""
        return self._alerts(self.acting.begin(code.format(address=ADDRESS, port=self._port)))

    def does_on_terminal(self, code: str) -> list[Seen]:
        """The alerts that a shell with a terminal raises that runs them in the container."""
        self.acting.container.run_on_terminal("/bin/sh", "-c", code)
        return self._alerts(self.acting.begin(":"))

    def _alerts(self, sentinel: str) -> list[Seen]:
        return [
            Seen(rule, output, tuple(value_of(event, name) for name in FIELDS))
            for event in self.watch.until(sentinel)
            if value_of(event, "container.id") == self.acting.container.short_id
            for rule, output in self.watch.alerts(event)
        ]

    def await_runtime(self) -> None:
        """Until the runtime has told of the container, of which it was asked when the container began."""
        end = time.monotonic() + SAFETY_S
        while not any(IMAGE in seen.container for seen in self.does("/bin/nc -e")):
            assert time.monotonic() < end, "the runtime was not asked, or has not answered"


@pytest.fixture(scope="module", params=RUNTIMES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if os.geteuid():
        pytest.skip("only root can run containers")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(socket, "getaddrinfo", addresses)
        server = stack.enter_context(socket.create_server((ADDRESS, 0), backlog=64))
        folder = stack.enter_context(short_folder())
        watch = Watch(rule_set(*bundled_rules()), container_sockets=sockets_in(folder), resolves_names=True)
        stack.callback(watch.close)
        acting = stack.enter_context(inside(request.param, folder))
        made = Stage(watch, acting, server.getsockname()[1])
        made.await_runtime()
        yield made


@pytest.mark.parametrize("rule", TRIGGERS)
def test_a_rule_fires(stage: Stage, rule: str) -> None:
    if rule in LAYERED and not stage.acting.is_layered:
        pytest.skip("overlayfs can't be mounted in the folder for temporary files")
    container = stage.acting.container
    if rule in PRIVILEGED and not container.is_privileged:
        pytest.skip("Docker can't make a privileged container for who lacks a capability")
    does = stage.does_on_terminal if rule in ON_TERMINAL else stage.does
    seen = does(TRIGGERS[rule])
    known = (container.short_id, container.name, IMAGE, container.is_privileged)
    assert known in {one.container for one in seen if one.rule == rule}, seen
    shown = f"container_id={container.short_id} container_image={REPOSITORY}"
    assert all(shown in one.output for one in seen), seen
