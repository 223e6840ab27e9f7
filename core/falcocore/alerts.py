"""From a match to the alert that outputs deliver, in text or JSON (output-format, sections 4 and 5)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from falcocore import times
from falcocore.notice import Notice
from falcocore.output import Alert
from falcocore.ruleset import Rule, Values


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched, with the values of its captures; never the event itself. Or a notice, without."""

    rule: Rule | Notice
    time_ns: int
    key: str
    values: Values
    instance: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AlertFormat:
    """How alerts are written: the keys of falco.yaml that say so, with Falco's defaults."""

    hostname: str
    json_output: bool = False
    include_output: bool = True
    include_tags: bool = True
    include_message: bool = False
    include_output_fields: bool = True
    time_iso8601: bool = False

    def alert(self, match: Match) -> Alert:
        """Render a match."""
        rule, time_ns = match.rule, match.time_ns
        message, fields = rule.rendered(match.values)
        fields["evt.time.iso8601" if self.time_iso8601 else "evt.time"] = time_ns
        prefix = times.iso8601(time_ns) if self.time_iso8601 else times.clock(time_ns)
        text = f"{prefix}: {rule.priority.label} {message}"
        line = self._json(match, message, text, fields) if self.json_output else escape_line(text)
        return Alert(
            id=alert_id(match.instance, match.key, rule.name),
            time_ns=time_ns,
            rule=rule.name,
            priority=rule.priority,
            source=rule.source,
            tags=rule.tags,
            hostname=self.hostname,
            message=message,
            output_fields=fields,
            line=line,
            labels={"instance": match.instance, **match.labels},
        )

    def _json(self, match: Match, message: str, text: str, fields: dict[str, Any]) -> str:
        """One object with its keys in alphabetical order."""
        rule = match.rule
        record: dict[str, Any] = {"hostname": self.hostname}
        if self.include_message:
            record["message"] = message
        if self.include_output:
            record["output"] = text
        if self.include_output_fields:
            record["output_fields"] = fields
        record["priority"] = rule.priority.label
        record["rule"] = rule.name
        record["source"] = rule.source
        if self.include_tags:
            record["tags"] = rule.tags
        record["time"] = times.iso8601(match.time_ns, zone="Z")
        return encode_json(record)


def alert_id(instance: str, key: str, rule: str) -> str:
    """The identity of an alert: the same event and rule give the same id, also when received again."""
    return hashlib.blake2b(
        "\0".join((instance, key, rule)).encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


_encode = msgspec.json.Encoder(order="sorted").encode


def encode_json(record: dict[str, Any]) -> str:
    """JSON on one line; text that is no UTF-8 becomes U+FFFD."""
    try:
        return _encode(record).decode()
    except UnicodeEncodeError:
        return _encode(clean(record)).decode()


def clean(value: Any) -> Any:
    """JSON-able values with each text in them as `clean_text` makes it."""
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(key): clean(item) for key, item in value.items()}
        case list() | tuple():
            return [clean(item) for item in value]
        case _:
            return value


def clean_text(text: str) -> str:
    """The text with each byte that is no UTF-8, and each half of a surrogate pair, as U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHORT = {"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escape_line(text: str) -> str:
    """The text on one line, without anything that a terminal would obey; quotes and backslashes stay."""
    if text.isascii() and text.isprintable():
        return text
    escaped = _CONTROL.sub(lambda found: _SHORT.get(found.group()) or f"\\u{ord(found.group()):04x}", text)
    return escaped if escaped.isascii() else clean_text(escaped)
