"""What is posted: one alert, a JSON array of some, or JSON Lines."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence

from falcocore.api import Alert

_TEXT = "text/plain; charset=utf-8"


class Body(enum.Enum):
    """What one body holds."""

    SINGLE = "single"
    ARRAY = "array"
    LINES = "lines"


def is_json(line: str) -> bool:
    """True where an alert is written as a JSON object; as text it begins with its time."""
    return line.startswith("{")


def encode(body: Body, alerts: Sequence[Alert]) -> tuple[str, bytes]:
    """(content type, body). Alerts as text are strings in an array, else lines.

    Both may come together: those of yesterday wait, and the configuration was changed.
    """
    lines = [alert.line for alert in alerts]
    as_json = all(map(is_json, lines))
    match body:
        case Body.SINGLE:
            kind, text = "application/json" if as_json else _TEXT, "\n".join(lines)
        case Body.ARRAY:
            items = (line if is_json(line) else json.dumps(line, ensure_ascii=False) for line in lines)
            kind, text = "application/json", f"[{','.join(items)}]"
        case Body.LINES:
            kind = "application/x-ndjson" if as_json else _TEXT
            text = "".join(f"{line}\n" for line in lines)
    return kind, text.encode("utf-8", "replace")
