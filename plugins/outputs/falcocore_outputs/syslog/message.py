"""Alerts as syslog messages, in the formats of RFC 3164 and RFC 5424."""

from __future__ import annotations

import enum
import os
import re
import time
from dataclasses import dataclass

from falcocore.api import Alert, ConfigError

NS_PER_S = 1_000_000_000
NS_PER_US = 1000
LEAST_SIZE_BYTES = 480
"""What every receiver has to take (RFC 5424, 6.1); room enough for any header but structured data."""

# Both formats name months in English, whatever the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A line feed ends a message for many receivers, and NUL for some; terminals obey the others.
_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_PARAM = {**_CONTROLS, ord('"'): '\\"', ord("\\"): "\\\\", ord("]"): "\\]"}
_NOT_IN_A_NAME = re.compile(r"[^!-~]")
# Narrower than RFC 5424's, so that RFC 3164's receivers find its end too.
_APP_NAME = re.compile(r"[A-Za-z0-9._/-]{1,48}")
# RFC 5424, 6.3.2: a name without an at sign is reserved for IANA.
_SD_ID = re.compile(r"(?=.{1,32}\Z)[A-Za-z0-9._-]+@[0-9.]+")


class Layout(enum.Enum):
    """The format of messages."""

    RFC3164 = "rfc3164"
    RFC5424 = "rfc5424"


class Facility(enum.Enum):
    """What kind of program speaks, by the names of syslog.conf, in the order of RFC 5424's table."""

    KERN = "kern"
    USER = "user"
    MAIL = "mail"
    DAEMON = "daemon"
    AUTH = "auth"
    SYSLOG = "syslog"
    LPR = "lpr"
    NEWS = "news"
    UUCP = "uucp"
    CRON = "cron"
    AUTHPRIV = "authpriv"
    FTP = "ftp"
    NTP = "ntp"
    AUDIT = "audit"
    ALERT = "alert"
    CLOCK = "clock"
    LOCAL0 = "local0"
    LOCAL1 = "local1"
    LOCAL2 = "local2"
    LOCAL3 = "local3"
    LOCAL4 = "local4"
    LOCAL5 = "local5"
    LOCAL6 = "local6"
    LOCAL7 = "local7"


_FACILITY_CODES = {facility: code for code, facility in enumerate(Facility)}


@dataclass(frozen=True, slots=True)
class MessageFormat:
    """How alerts are written.

    `hostname` replaces the alert's; `with_hostname` is False for a socket of this host, which expects none.
    `sd_id` is the name of the structured data, None for messages without.
    """

    layout: Layout
    facility: Facility = Facility.USER
    app_name: str = "falcocore"
    hostname: str | None = None
    with_hostname: bool = True
    sd_id: str | None = None

    def __post_init__(self) -> None:
        if not _APP_NAME.fullmatch(self.app_name):
            raise ConfigError(
                f"app_name: `{self.app_name}` can't stand in a message",
                hint="use up to 48 letters, digits and . _ / -",
            )
        if self.hostname and not self.with_hostname:
            raise ConfigError(
                "hostname: messages in rfc3164 to a socket of this host have none", hint="use format: rfc5424"
            )
        if self.sd_id is not None and self.layout is Layout.RFC3164:
            raise ConfigError("rfc3164 has no structured data", hint="use format: rfc5424")
        if self.sd_id is not None and not _SD_ID.fullmatch(self.sd_id):
            raise ConfigError(
                f"sd_id: `{self.sd_id}` is not a name for structured data",
                hint="write NAME@NUMBER, up to 32 characters, with your organisation's enterprise number",
            )

    def message(self, alert: Alert) -> Message:
        """The alert as a message; its severity is the alert's priority, which has syslog's numbers."""
        priority = _FACILITY_CODES[self.facility] * 8 + alert.priority
        if self.layout is Layout.RFC3164:
            host = f"{self._hostname(alert)} " if self.with_hostname else ""
            header, data = f"<{priority}>{_bsd_time(alert.time_ns)} {host}{self.app_name}:", ""
        else:
            header = (
                f"<{priority}>1 {_iso_time(alert.time_ns)} {self._hostname(alert)} {self.app_name} "
                f"{os.getpid()} -"
            )
            data = self._structured_data(alert)
        return Message(header, data, alert.line.translate(_CONTROLS))

    def _hostname(self, alert: Alert) -> str:
        return _NOT_IN_A_NAME.sub("_", self.hostname or alert.hostname)[:255] or "-"

    def _structured_data(self, alert: Alert) -> str:
        if self.sd_id is None:
            return "-"
        params = {"id": alert.id, "rule": alert.rule, "source": alert.source, "tags": ",".join(alert.tags)}
        parts = (f'{name}="{value.translate(_PARAM)}"' for name, value in params.items())
        return f"[{' '.join((self.sd_id, *parts))}]"


@dataclass(frozen=True, slots=True)
class Message:
    """One message in parts. `data` is "-" without structured data, and empty where the format has none."""

    header: str
    data: str
    text: str

    def whole(self) -> bytes:
        """The message in UTF-8."""
        return self._head(self.data) + _utf8(self.text)

    def cut(self, size_bytes: int) -> bytes:
        """The message where it is too long for `size_bytes`, which is LEAST_SIZE_BYTES or more.

        Its text is cut and ends in how long the whole message is. Structured data is left out where it
        leaves no room for that.
        """
        mark = f" [cut, {len(self.whole())} bytes]".encode()
        head = self._head(self.data)
        if len(head) + len(mark) > size_bytes:
            head = self._head("-")
        text = _utf8(self.text)[: size_bytes - len(head) - len(mark)]
        # Without half of a character at the end.
        return head + text.decode("utf-8", "ignore").encode() + mark

    def _head(self, data: str) -> bytes:
        return _utf8(f"{self.header} {data} " if data else f"{self.header} ")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _bsd_time(time_ns: int) -> str:
    """Local time as RFC 3164 has it: `Mmm dd hh:mm:ss`, the day padded with a blank."""
    local = time.localtime(time_ns // NS_PER_S)
    clock = f"{local.tm_hour:02}:{local.tm_min:02}:{local.tm_sec:02}"
    return f"{_MONTHS[local.tm_mon - 1]} {local.tm_mday:2} {clock}"


def _iso_time(time_ns: int) -> str:
    """UTC with the six digits that RFC 5424 allows."""
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest_ns // NS_PER_US:06}Z"
