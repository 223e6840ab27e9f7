"""Descriptions of tests become events."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from falcocore_syscall.described.calls import NOTHING, call_of
from falcocore_syscall.described.model import ProcessModel, parents_of, process_of
from falcocore_syscall.described.scene import Scene
from falcocore_syscall.event import Event

_PROCESS, _NAMES = "proc", "names"
_EXECS = frozenset({"execve", "execveat"})


def described_events(descriptions: Iterable[Any]) -> Iterator[Event]:
    """The events of a test, each after the state was brought up to it.

    Raises:
        ValueError: a description makes no event; the message says which, where and why.
    """
    scene = Scene()
    for number, description in enumerate(descriptions, 1):
        try:
            event = _event(scene, description)
        except ValueError as error:
            raise ValueError(f"event {number}: {error}") from None
        yield event


def _event(scene: Scene, description: Any) -> Event:
    if not isinstance(description, Mapping):
        raise ValueError(f"a map of `proc` and a system call is expected, not {description!r}")
    if _PROCESS not in description:
        raise ValueError("`proc` is missing: the process that makes the system call")
    calls = [str(key) for key in description if key not in (_PROCESS, _NAMES)]
    if len(calls) != 1:
        told = " and ".join(f"`{name}`" for name in calls) or "none"
        raise ValueError(f"one system call is needed beside `proc`, such as `execve: {{}}`, not {told}")
    _know(scene, description.get(_NAMES))
    name, told = calls[0], description[calls[0]]
    process = process_of(description[_PROCESS], _PROCESS)
    if process.is_reference:
        pid, program = _known_process(scene, process), NOTHING
    else:
        pid, program = _new_process(scene, process, has_run=name not in _EXECS)
    defaults = program if name in _EXECS else NOTHING
    return scene.happens(pid, call_of(name, told, defaults, lambda user: scene.uid(pid, user)))


def _new_process(scene: Scene, process: ProcessModel, *, has_run: bool) -> tuple[int, Mapping[str, Any]]:
    """Make a process and those above it; its pid, and what the event of its program says."""
    parent = 0
    for one in reversed(parents_of(process, _PROCESS)):
        parent, program = scene.add_process(one, parent, f"{_PROCESS}.parent")
        scene.run_program(parent, program)
    pid, program = scene.add_process(process, parent, _PROCESS)
    if has_run:
        scene.run_program(pid, program)
    return pid, program


def _known_process(scene: Scene, process: ProcessModel) -> int:
    pid = process.pid
    if pid is None or pid not in scene.machine.threads:
        raise ValueError(f"proc.pid: no event before is of process {pid}; give `cmdline` or `name`")
    return pid


def _know(scene: Scene, names: Any) -> None:
    """Let host names stand for addresses, as if they had been looked up."""
    if not isinstance(names, Mapping | None):
        raise ValueError(f"names: a map of host names and their addresses is expected, not {names!r}")
    for name, address in (names or {}).items():
        try:
            scene.machine.names.know(str(name), ipaddress.ip_address(str(address)).packed)
        except ValueError as error:
            raise ValueError(f"names.{name}: {error}") from None
