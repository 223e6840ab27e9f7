"""What is posted: one alert, a JSON array of some, or JSON Lines."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence

from falcocore.api import Alert


class Body(enum.Enum):
    """What one body holds."""

    SINGLE = "single"
    ARRAY = "array"
    LINES = "lines"


def is_json(line: str) -> bool:
    """True where an alert is written as a JSON object; as text it begins with its time."""
    return line.startswith("{")


def encode(body: Body, alerts: Sequence[Alert]) -> tuple[str, bytes]:
    """(content type, body). Alerts that are configured as text are strings in an array, else lines."""
    as_json = is_json(alerts[0].line)
    lines = [alert.line for alert in alerts]
    match body:
        case Body.SINGLE:
            kind, text = ("application/json" if as_json else "text/plain; charset=utf-8"), "\n".join(lines)
        case Body.ARRAY:
            items = lines if as_json else [json.dumps(line, ensure_ascii=False) for line in lines]
            kind, text = "application/json", f"[{','.join(items)}]"
        case Body.LINES:
            kind = "application/x-ndjson" if as_json else "text/plain; charset=utf-8"
            text = "".join(f"{line}\n" for line in lines)
    return kind, text.encode("utf-8", "replace")
