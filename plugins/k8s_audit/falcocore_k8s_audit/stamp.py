"""`stageTimestamp` as nanoseconds since 1970."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

_NS_PER_S = 1_000_000_000
_SECOND_CHARS = len("2018-10-20T00:18:28")
_MICRO_CHARS = len("2018-10-20T00:18:28.428398Z")
_LONGEST_CHARS = len("2018-10-20T00:18:28.428398123Z")
_EPOCH = "1970"
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d", re.ASCII)
_REST = re.compile(r"(?:[.,](\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII)


def are_usual(stamps: Sequence[str]) -> bool:
    """True where every one is a time that `parse_time_ns` reads, in UTC; tells for many at little cost.

    msgspec reads times in C, also such that are none here: with a blank, `t` or `z`, or an offset without
    its colon, which the counts find.
    """
    try:
        msgspec.convert(stamps, list[datetime])
    except msgspec.ValidationError:
        return False
    joined = "".join(stamps)
    return (
        joined.count("T") == joined.count("Z") == len(stamps)
        and len(max(stamps, key=len, default="")) <= _LONGEST_CHARS
        and min(stamps, default=_EPOCH) >= _EPOCH
    )


def parse_time_ns(stamp: str) -> int | None:
    """Read an RFC 3339 time with up to nine digits of a second; None where it is none, or before 1970."""
    second_ns = _parse_second_ns(stamp[:_SECOND_CHARS])
    if second_ns is None:
        return None
    if len(stamp) == _MICRO_CHARS and stamp[19] == "." and stamp[26] == "Z":
        # What every kube-apiserver writes: C code reads the fraction.
        try:
            time_ns = second_ns + datetime.fromisoformat(stamp).microsecond * 1000
        except ValueError:
            return None
    else:
        rest = _REST.fullmatch(stamp, _SECOND_CHARS)
        if rest is None:
            return None
        fraction, sign, hours, minutes = rest.groups()
        time_ns = second_ns + int((fraction or "0").ljust(9, "0"))
        if sign:
            offset_ns = (int(hours) * 3600 + int(minutes) * 60) * _NS_PER_S
            time_ns += offset_ns if sign == "-" else -offset_ns
    return time_ns if time_ns >= 0 else None


def time_text(stamp: str) -> str:
    """The nanoseconds of a time that `parse_time_ns` reads, in digits.

    Upstream's rules read them of every event, to have something that is never true.
    """
    if len(stamp) == _MICRO_CHARS and stamp[26] == "Z" and (seconds := _second_text(stamp[:_SECOND_CHARS])):
        return f"{seconds}{stamp[20:26]}000"
    return str(parse_time_ns(stamp))


@functools.lru_cache(maxsize=1024)
def _second_text(text: str) -> str:
    """The seconds in digits; empty for those after which digits could not just be put."""
    second_ns = _parse_second_ns(text)
    return str(second_ns // _NS_PER_S) if second_ns is not None and second_ns > 0 else ""


@functools.lru_cache(maxsize=1024)
def _parse_second_ns(text: str) -> int | None:
    # Cached: events come in the order of time, so that most share their second with the one before.
    if _SECOND.fullmatch(text) is None:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * _NS_PER_S
    except ValueError:
        return None
