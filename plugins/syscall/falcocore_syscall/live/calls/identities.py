"""Processes change who they are and what they may, and act on each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from falcocore_syscall.live.calls import call as ops
from falcocore_syscall.live.calls.call import Call, Read, call
from falcocore_syscall.live.calls.transfers import MOST_DATA_BYTES
from falcocore_syscall.live.descriptors import used
from falcocore_syscall.live.flags import clone_flags, limit
from falcocore_syscall.live.items import ProcessItem
from falcocore_syscall.live.reads import (
    NOT_AVAILABLE,
    data,
    flags,
    in_memory,
    integer,
    interval,
    long_in_memory,
    number,
    packed,
    result,
    result_32,
)

if TYPE_CHECKING:
    from falcocore_syscall.live.event import LiveEvent

_LOW_32 = 0xFFFFFFFF
_PR_SET_NAME, _PR_GET_NAME, _PR_GET_CHILD_SUBREAPER = 15, 16, 37
_CONT, _SINGLESTEP, _DETACH, _SYSCALL = 7, 9, 17, 24
_GIVES_SIGNAL = frozenset({_CONT, _SINGLESTEP, _DETACH, _SYSCALL})
_LIMIT_BYTES = 16
_TIME_BYTES = 16
_TEXT_ARGS = {1: (1,), 10: (2, 3), 29: (2, 3)}
"""Operations of keyctl and which of their arguments are texts."""


def _capabilities(name: str) -> Read:
    """A set that the process has after the call."""
    place = ProcessItem._fields.index(name)

    def read(event: LiveEvent) -> bytes:
        process = event.record.process()
        return NOT_AVAILABLE if process is None else packed(process[place], 8)

    return read


def _traced_address(event: LiveEvent) -> bytes:
    return b"\x00" + packed(event.record.args[2], 8)


def _traced_data(event: LiveEvent) -> bytes:
    """A signal for the requests that give one, else a number."""
    args = event.record.args
    if event.record.ret >= 0 and args[0] & _LOW_32 in _GIVES_SIGNAL:
        return b"\x01" + packed(args[3], 1)
    return b"\x00" + packed(args[3], 8)


def _request(event: LiveEvent) -> bytes:
    return packed(event.call.numbers.requests.get(event.record.args[0] & _LOW_32, 0), 2)


def _prctl_text(event: LiveEvent) -> bytes:
    option = event.record.args[0] & _LOW_32
    found = event.record.text(1) if option in (_PR_SET_NAME, _PR_GET_NAME) else b""
    return NOT_AVAILABLE if found is None else found + b"\0"


def _prctl_number(event: LiveEvent) -> bytes:
    option = event.record.args[0] & _LOW_32
    if option in (_PR_SET_NAME, _PR_GET_NAME):
        return packed(0, 8)
    if option == _PR_GET_CHILD_SUBREAPER:
        return in_memory(1, 0, 4, 8)(event)
    return packed(event.record.args[1], 8)


def _key_argument(arg: int) -> Read:
    """A text where the operation takes one, else a number; the first byte says which."""

    def read(event: LiveEvent) -> bytes:
        if arg in _TEXT_ARGS.get(event.record.args[0] & _LOW_32, ()):
            found = event.record.text(arg)
            if found is not None:
                return b"\x01" + found + b"\0"
        return b"\x00" + packed(event.record.args[arg], 8)

    return read


def _limit_number(arg: int, index: int) -> Read:
    """A number of a limit that stands in 64 bits in every program."""
    pointed = in_memory(arg, index * 8, 8)
    return lambda event: pointed(event) if event.record.args[arg] else packed(-1, 8)


_ids = (number(0, 4), number(1, 4), number(2, 4))
_told_ids = tuple(in_memory(arg, 0, 4) for arg in range(3))
_ids_in_memory = tuple(ops.memory(arg, 4) for arg in range(3))
_limits = (long_in_memory(1, 0), long_in_memory(1, 1), flags(0, 1, limit))

CALLS: Mapping[str, Call] = dict(
    (
        call("setuid", result, number(0, 4)),
        call("setgid", result, number(0, 4)),
        call("setreuid", result, *_ids[:2]),
        call("setregid", result, *_ids[:2]),
        call("setresuid", result, *_ids),
        call("setresgid", result, *_ids),
        call("getuid", result_32),
        call("geteuid", result_32),
        call("getgid", result_32),
        call("getegid", result_32),
        call("getresuid", result, *_told_ids, ops=_ids_in_memory),
        call("getresgid", result, *_told_ids, ops=_ids_in_memory),
        call("setsid", result),
        call("setpgid", result, integer(0), integer(1)),
        call("setns", result, integer(0), flags(1, 4, clone_flags), ops=(ops.fd(0),), find=used(0)),
        call("unshare", result, flags(0, 4, clone_flags)),
        call(
            "capset", result, _capabilities("cap_inheritable"), _capabilities("cap_permitted"),
            _capabilities("cap_effective"),
            ops=(ops.PROCESS,),
        ),
        call(
            "prctl", result, number(0, 4), _prctl_text, _prctl_number, ops=(ops.text(1), ops.memory(1, 4))
        ),
        call("ptrace", result, _traced_address, _traced_data, _request, integer(1)),
        call("kill", result, integer(0), number(1, 1)),
        call("tkill", result, integer(0), number(1, 1)),
        call("tgkill", result, integer(0), integer(1), number(2, 1)),
        call("getrlimit", result, *_limits, ops=(ops.memory(1, _LIMIT_BYTES),)),
        call("setrlimit", result, *_limits, ops=(ops.memory(1, _LIMIT_BYTES),)),
        call(
            "prlimit64", result, *(_limit_number(arg, index) for arg in (2, 3) for index in (0, 1)),
            integer(0), flags(1, 1, limit), ops=(ops.memory(2, _LIMIT_BYTES), ops.memory(3, _LIMIT_BYTES)),
        ),
        call("seccomp", result, flags(0, 8, lambda value: value), flags(1, 8, lambda value: value)),
        call(
            "keyctl", result, number(0, 4), *(_key_argument(arg) for arg in range(1, 5)),
            ops=(ops.text(1), ops.text(2), ops.text(3)),
        ),
        call("nanosleep", result, interval(0), ops=(ops.memory(0, _TIME_BYTES),)),
        *(
            call(
                name, result, integer(0), data(1), ops=(ops.vectors(1, 2, MOST_DATA_BYTES),)
            )
            for name in ("process_vm_readv", "process_vm_writev")
        ),
    )
)  # fmt: skip
"""Calls by the kernel's names."""
