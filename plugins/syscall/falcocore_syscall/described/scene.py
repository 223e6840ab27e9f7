"""A machine on which what tests describe happens.

Processes and their descriptors come about by events, as in a capture; these are applied to the state like
others, and not shown.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from falcocore_syscall.described.calls import PROTOCOLS, Call, call_of, makes_fd
from falcocore_syscall.described.model import ContainerModel, ProcessModel, container_of, suggestion, user_of
from falcocore_syscall.described.values import family
from falcocore_syscall.event import Event
from falcocore_syscall.scap.blocks import HEADER_BYTES
from falcocore_syscall.scap.modernise import packed_event
from falcocore_syscall.scap.records import NO_ID, InterfaceRecord, UserRecord
from falcocore_syscall.state.containers import ID_LENGTH
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import CAPABILITIES

START_NS = 1_700_000_000_000_000_000
OWN_ADDRESSES = ("127.0.0.1", "10.0.0.5", "::1", "fd00::5")
"""The addresses of the machine; others are of others."""
_NS_PER_S = 1_000_000_000
_STEP_NS = 1_000_000
"""From one event to the next."""
_FIRST_PID, _FIRST_UID = 1000, 1000
_ID_DIGITS = 64
_FD_HINT = "give a path, `tcp` or `udp`, `tcp 10.0.0.5:22`, or `tcp 10.0.0.5:40000->192.0.2.7:443`"


class Scene:
    """Processes, containers and users as they come."""

    def __init__(self) -> None:
        self.machine = Machine("test-host")
        self.machine.load([_interface(address) for address in OWN_ADDRESSES])
        self._time_ns = START_NS
        self._num = 0
        self._last_pid = _FIRST_PID
        self._uids = {"root": 0}

    # --- events -------------------------------------------------------------------------------------------

    def happens(self, pid: int, call: Call) -> Event:
        """The next event that is shown."""
        self._prepare_fd(pid, call)
        self.machine.previous_time_ns = self._time_ns if self._num else None
        self._num += 1
        self._time_ns += _STEP_NS
        if self.machine.first_time_ns is None:
            self.machine.first_time_ns = self._time_ns
        return self._apply(pid, call, self._time_ns)

    def _apply(self, pid: int, call: Call, time_ns: int) -> Event:
        data = packed_event(time_ns, pid, call.type, call.params)
        event = Event(call.type, time_ns, pid, 0, self._num, data, HEADER_BYTES, len(call.params))
        self.machine.apply(event)
        return event

    def _before(self, pid: int, name: str, told: Mapping[str, Any], age_s: float = 0.0) -> None:
        """Something that has happened before."""
        self._apply(pid, call_of(name, told), self._time_ns - int(age_s * _NS_PER_S))

    # --- processes ----------------------------------------------------------------------------------------

    def add_process(self, told: ProcessModel, parent: int, where: str) -> tuple[int, Mapping[str, Any]]:
        """Make a process; its pid, and the arguments of the event that says what program it runs.

        Raises:
            ValueError: what is told of it can't be.
        """
        self._last_pid += 1
        pid = self._last_pid if told.pid is None else told.pid
        if pid in self.machine.threads:
            raise ValueError(f"{where}.pid: process {pid} is there already; `pid` alone stands for it")
        container = container_of(told.container, f"{where}.container")
        whole_id = "" if container is None else self._add_container(container)
        user = self._add_user(told.user, whole_id, f"{where}.user")
        login = NO_ID
        if told.loginuser is not None:
            login = self._add_user(told.loginuser, whole_id, f"{where}.loginuser")
        capabilities = _capabilities(told.capabilities, where)
        made = {
            "exe": told.program,
            "args": _vector(told.arguments),
            "tid": pid,
            "pid": pid,
            "ptid": parent,
            "comm": told.comm,
            "cgroups": f"cpuset=/docker/{whole_id}\0" if whole_id else "cpuset=/\0",
            "uid": user,
            "gid": user,
        }
        inside = pid if told.vpid is None else told.vpid
        self._before(pid, "clone", {**made, "vtid": inside, "vpid": inside}, told.age_s)
        self._before(pid, "chdir", {"path": told.cwd})
        for fd, what in told.fds.items():
            self._open(pid, fd, what, f"{where}.fds.{fd}")
        return pid, {
            **made,
            "cwd": told.cwd,
            "env": _vector(f"{name}={value}" for name, value in told.env.items()),
            "tty": told.tty,
            "vpgid": inside,
            "pgid": pid,
            "loginuid": login,
            "flags": told.exe_flags,
            "cap_permitted": capabilities,
            "cap_effective": capabilities,
            "trusted_exepath": told.path,
        }

    def run_program(self, pid: int, program: Mapping[str, Any]) -> None:
        """Have a process run its program before the next event."""
        self._before(pid, "execve", program)

    def uid(self, pid: int, name: str) -> int:
        """The number of a user, as a process sees it."""
        return self._add_user(name, self.machine.threads[pid].container_id, "uid")

    def _add_user(self, told: Any, container: str, where: str) -> int:
        user = user_of(told, where)
        uid = user.uid
        if uid is None:
            uid = self._uids.setdefault(user.name, _FIRST_UID + len(self._uids) - 1)
        record = UserRecord(uid, uid, user.name, f"/home/{user.name}", "/bin/sh")
        self.machine.accounts.add(container[:ID_LENGTH], record)
        return uid

    def _add_container(self, told: ContainerModel) -> str:
        """Tell of a container; its whole id."""
        whole_id = told.id or hashlib.sha256(f"{told.image} {told.name}".encode()).hexdigest()
        whole_id = whole_id.ljust(_ID_DIGITS, "0")
        if told.image:
            self.machine.containers.add_json(msgspec.json.encode(_container_data(told, whole_id)))
        return whole_id

    # --- descriptors --------------------------------------------------------------------------------------

    def _open(self, pid: int, fd: int, what: str, where: str) -> None:
        protocol, _, ends = what.partition(" ")
        source, arrow, destination = ends.partition("->")
        try:
            if what.startswith("/"):
                self._before(pid, "openat", {"fd": fd, "path": what, "flags": "O_RDWR"})
            elif protocol not in PROTOCOLS:
                raise ValueError(f"`{what}` is no descriptor; {_FD_HINT}")
            else:
                self._add_socket(pid, fd, family(source), protocol)
                if arrow:
                    self._before(pid, "connect", {"fd": fd, "from": source, "to": destination})
                elif source:
                    self._before(pid, "bind", {"fd": fd, "addr": source})
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None

    def _add_socket(self, pid: int, fd: int, domain: int, protocol: str) -> None:
        self._before(pid, "socket", {"fd": fd, "domain": domain, "type": PROTOCOLS[protocol]})

    def _prepare_fd(self, pid: int, call: Call) -> None:
        """Have the socket that a call says the ends of, where its process does not have it."""
        if call.ends is None or call.fd is None or makes_fd(call.type):
            return
        if call.fd not in self.machine.threads[pid].fds:
            self._add_socket(pid, call.fd, *call.ends)


def _interface(address: str) -> InterfaceRecord:
    ip = ipaddress.ip_address(address)
    return InterfaceRecord("lo" if ip.is_loopback else "eth0", ip.packed, b"\xff" * len(ip.packed))


def _vector(texts: Iterable[str]) -> str:
    """Texts as the kernel keeps those of a command line."""
    return "".join(f"{text}\0" for text in texts)


def _capabilities(names: Iterable[str], where: str) -> int:
    total = 0
    for name in names:
        if name not in CAPABILITIES:
            raise ValueError(f"{where}.capabilities: `{name}` is none; {suggestion(name, CAPABILITIES)}")
        total |= 1 << CAPABILITIES.index(name)
    return total


def _container_data(told: ContainerModel, whole_id: str) -> dict[str, Any]:
    """What a runtime tells of a container."""
    path, digest = told.image.partition("@")[::2]
    folder, slash, last = path.rpartition("/")
    last, _, tag = last.partition(":")
    pod = {"namespace": told.namespace, "name": told.pod}
    return {
        "id": whole_id[:ID_LENGTH],
        "full_id": whole_id,
        "name": told.name or last,
        "image": told.image,
        "imagerepo": folder + slash + last,
        "imagetag": tag,
        "imagedigest": digest,
        "privileged": told.privileged,
        "labels": {
            **told.labels,
            **{f"io.kubernetes.pod.{key}": value for key, value in pod.items() if value},
        },
    }
