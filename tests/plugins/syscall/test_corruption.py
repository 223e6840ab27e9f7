"""Whatever bytes of a capture are damaged, it ends in alerts and a clear message."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import RuleSet
from falcocore.stream import Stream
from falcocore_syscall.fields import FIELDS
from falcocore_syscall.needs import Needs
from falcocore_syscall.replay import Replay
from falcocore_syscall.scap.compression import unpacked
from falcocore_syscall.scap.errors import CaptureError
from falcocore_syscall.scap.reader import Reader
from falcocore_syscall.state.machine import Machine
from falcocore_syscall.tables import EVENTS, EventFlag
from tests.support.scap_writer import ScapWriter
from tests.support.syscall_events import one_rule

DATA = Path(__file__).parents[2] / "data" / "syscall"
EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "60"))
MOST_BYTES = 60_000
PRINTABLE = [
    field.name for field in FIELDS
    if field.printable and not (field.argument and field.argument.required) and not field.deprecated
]  # fmt: skip
CAPTURES = ["cat_write", "curl_google", "syn_large", "modern_mini", "every type"]


@cache
def capture(name: str) -> bytes:
    """The beginning of a capture, cut in the middle of a block."""
    if name == "every type":
        writer = ScapWriter()
        for number, info in enumerate(EVENTS):
            if EventFlag.UNUSED not in info.flags and (number % 2 or EventFlag.OLD_VERSION not in info.flags):
                writer.event(number, number % 5, *(os.urandom(8) for _ in info.params), block=0x221)
        return writer.data
    return gzip.decompress((DATA / f"{name}.scap").read_bytes())[:MOST_BYTES]


@cache
def rules(condition: str) -> RuleSet:
    output = " ".join(f"%{name}" for name in PRINTABLE)
    file = SourceFile("r.yaml", one_rule(condition, f"%evt.arg[0] %proc.aname[2] {output}"))
    catalogue = Catalogue({"syscall": PluginHost().fields_for("syscall")}, frozenset({"syscall"}))
    loaded = load([file], catalogue)
    assert not loaded.errors
    return loaded.rule_sets["syscall"]


def run(data: bytes, condition: str, *, screened: bool) -> tuple[int, str | None]:
    """(alerts, what was said at the end); a getter that raises fails the test."""
    chunks: Iterator[bytes] = iter([data[:10_000], data[10_000:]])
    replay = Replay(Reader(unpacked(lambda: next(chunks, b""))), Machine())
    chosen = rules(condition)
    if screened:
        replay.needs = Needs.of(chosen)
    stream, count = Stream("syscall", "syscall", "syscall", "box"), 0
    try:
        for columns in replay.pieces():
            for event in replay.events(columns):
                for rule, values in chosen.match(event, stream):
                    assert rule.rendered(values)[0]
                    assert event.key
                    count += 1
    except CaptureError as error:
        return count, str(error)
    return count, None


@st.composite
def damage(draw: st.DrawFn) -> tuple[str, bytes]:
    """A capture with some of its bytes changed, taken out or put in, or with its end missing."""
    name = draw(st.sampled_from(CAPTURES))
    data = bytearray(capture(name))
    for _ in range(draw(st.integers(1, 4))):
        if not data:  # Nothing is left to damage.
            break
        at = draw(st.integers(0, len(data) - 1))
        new = draw(st.one_of(st.binary(min_size=1, max_size=9), st.sampled_from([b"\xff" * 4, b"\0" * 8])))
        match draw(st.sampled_from(["change", "change", "change", "insert", "remove", "end"])):
            case "change":
                data[at : at + len(new)] = new
            case "insert":
                data[at:at] = new
            case "remove":
                del data[at : at + len(new)]
            case _:
                del data[at + 1 :]
    return name, bytes(data)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage(), st.booleans())
def test_damage_ends_in_alerts_and_a_message(damaged: tuple[str, bytes], screened: bool) -> None:
    _, data = damaged
    condition = "evt.type in (openat, connect, execve, clone, read)" if screened else "evt.num >= 0"
    _, message = run(data, condition, screened=screened)
    assert message is None or "the capture is not readable from byte" in message


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=40), st.integers(0, 200))
def test_damage_of_a_compressed_capture(noise: bytes, at: int) -> None:
    packed = gzip.compress(capture("curl_google"))
    at = min(at * 100, len(packed))
    run(packed[:at] + noise + packed[at + len(noise) :], "evt.num >= 0", screened=False)


def test_every_field_of_every_type_of_event_can_be_read() -> None:
    assert run(capture("every type"), "evt.num >= 0", screened=False)[0] > 200


@pytest.mark.parametrize("length", [0x0FFFFFFC, 0xFFFFFFFC, 1 << 20])
def test_a_length_that_is_too_large_takes_no_memory(length: int) -> None:
    writer = ScapWriter().event(5, 1, 0, 3)
    data = writer.data + (0x216).to_bytes(4, "little") + length.to_bytes(4, "little") + bytes(100)
    tracemalloc.start()
    try:
        assert run(data, "evt.num >= 0", screened=False)[0] == 1
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
