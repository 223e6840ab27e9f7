"""What an answer means: taken, not now, or never."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from falcocore.api import OutputError, PermanentRefusal

SHOWN_CHARACTERS = 200
"""How much of an answer stands in a message."""
# 407 is a proxy's and says nothing of what the receiver would do.
_NOT_NOW = frozenset({407, 408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, reason phrase, headers by name in small letters, and the beginning of its text."""

    status: int
    reason: str
    headers: Mapping[str, str]
    text: str

    @property
    def taken(self) -> bool:
        """True where the receiver has what was sent."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        said = f"{self.status} {self.reason}".rstrip()
        return f"{said}: {one_line(self.text)}" if self.text.strip() else said


def judge(answer: Answer, where: str, location: str = "") -> None:
    """Return where the alerts were taken; `where` is the receiver for messages, `location` a redirection.

    A redirection is not followed: the alerts, and what authorises them, are meant for the host that is
    configured. Whoever runs it has to change the URL, so the alerts wait.

    Raises:
        PermanentRefusal: 4xx, but for 407, 408, 425 and 429.
        OutputError: anything else that is not 2xx.
    """
    if answer.taken:
        return
    said = f"{where} answered {answer}"
    if 300 <= answer.status < 400:
        to = f" (to {location})" if location else ""
        raise OutputError(f"{said}{to}", hint="redirections are not followed: change `url` to where it leads")
    if 400 <= answer.status < 500 and answer.status not in _NOT_NOW:
        raise PermanentRefusal(said)
    raise OutputError(said, retry_after_s=retry_after_s(answer.headers))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, of a Retry-After in seconds or as a date (RFC 9110, 10.2.3); None without one.

    A date is compared with the answer's own, because the two clocks may differ.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    until = _date(text)
    if until is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def one_line(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """The beginning of a text on one line, without anything that a terminal would obey."""
    flat = " ".join(text[: limit * 4].split())
    shown = "".join(character if character.isprintable() else "\ufffd" for character in flat)
    return f"{shown[:limit]}..." if len(shown) > limit else shown
