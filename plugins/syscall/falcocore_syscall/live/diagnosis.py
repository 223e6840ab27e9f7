"""Whether this machine can be watched, for `falcocore doctor` and for a start that has failed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from falcocore.api import Circumstances, FalcocoreError, Finding, SourceError
from falcocore_syscall.live.bpf.support import find_out, other_processes
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.first_record import await_own_record
from falcocore_syscall.live.procfs.files import host_root
from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.questions import PATIENCE_S, ask
from falcocore_syscall.live.runtimes.sockets import Endpoint, RuntimeSocket, present
from falcocore_syscall.live.tables import Tables

_NOBODYS_ID = "f" * 64
"""The id of no container: a runtime that answers says that it does not know it."""
_AVAILABLE = re.compile(r"^MemAvailable: +(\d+) kB", re.MULTILINE)
_SHARE = 4
"""A buffer that takes more than this part of the memory is too much."""


def findings(buffer_bytes: int, sockets: Sequence[str], circumstances: Circumstances) -> Iterator[Finding]:
    """What was found out about privileges, kernel, memory and container runtimes; nothing of it stays.

    Where all is there, the programs are loaded with the rules, and an event of their own is waited for.
    """
    steps = find_out()
    yield from steps
    if all(step.ok for step in steps):
        yield _own_event(buffer_bytes, circumstances)
    yield other_processes()
    yield _buffer(buffer_bytes)
    yield from _runtimes(sockets)
    if circumstances.events is not None:
        count = f"{circumstances.events:,} events have come to the process that runs"
        yield Finding("events", ok=True, detail=count)


def explained(error: SourceError) -> SourceError:
    """Why watching could not begin: what is missing and how to get it, else what the kernel has said."""
    missing = [step for step in find_out() if not step.ok]
    if not missing:
        return error
    # A step is taken when those before it have worked: the last is what is really missing.
    last = missing[-1]
    told = "; ".join(dict.fromkeys(f"{step.name}: {step.detail}" for step in missing))
    return SourceError(f"source syscall: this machine can't be watched: {told}", hint=last.remedy)


def _own_event(buffer_bytes: int, circumstances: Circumstances) -> Finding:
    capture = Capture(buffer_bytes)
    begun = time.monotonic()
    try:
        rules = circumstances.rules
        capture.start(Tables.everything() if rules is None else Tables.of(rules))
        await_own_record(capture)
    except FalcocoreError as error:
        return Finding("own event", ok=False, detail=error.message, remedy=error.hint or "")
    finally:
        capture.close()
    detail = f"seen, {time.monotonic() - begun:.2f} s after loading began"
    return Finding("own event", ok=True, detail=detail)


def _buffer(buffer_bytes: int) -> Finding:
    size_mb = buffer_bytes >> 20
    found = _AVAILABLE.search(Path("/proc/meminfo").read_text(encoding="ascii"))
    available_mb = int(found[1]) >> 10 if found else None
    if available_mb is not None and size_mb * _SHARE > available_mb:
        remedy = f"Set the option buffer_mb of the source to less than {available_mb // _SHARE}."
        detail = f"{size_mb} MiB of {available_mb} MiB that are left"
        return Finding("buffer", ok=True, detail=detail, remedy=remedy)
    return Finding("buffer", ok=True, detail=f"{size_mb} MiB")


def _runtimes(sockets: Sequence[str]) -> Iterator[Finding]:
    found = list(present([RuntimeSocket.of(one) for one in sockets], host_root()))
    if not found:
        detail = "no runtime's socket is there: of containers only the id is known"
        yield Finding("containers", ok=True, detail=detail)
    for endpoint in found:
        yield _runtime(endpoint)


def _runtime(endpoint: Endpoint) -> Finding:
    try:
        ask(endpoint, _NOBODYS_ID, time.monotonic() + PATIENCE_S)
    except UnansweredError as error:
        detail = f"{endpoint.path}: {error}; of its containers only the id is known"
        remedy = (
            "Let the process use the socket (root or its group may), and look whether the runtime is well."
        )
        return Finding("containers", ok=True, detail=detail, remedy=remedy)
    return Finding("containers", ok=True, detail=f"{endpoint.path} answers")
