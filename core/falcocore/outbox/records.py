"""Alerts as the outbox keeps them: MessagePack."""

from __future__ import annotations

from typing import Any

import msgspec

from falcocore.alerts import clean
from falcocore.output import Alert

_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode = msgspec.msgpack.Decoder(Alert).decode


def encoded(alert: Alert) -> bytes:
    """The alert as bytes, whatever a plugin has put into its fields: one alert must not hold others up.

    Text that is no UTF-8 becomes U+FFFD; numbers of more than 64 bits and what is no JSON become text.
    """
    try:
        return _encode(alert)
    except (UnicodeEncodeError, OverflowError):
        return _encode(_with_small_numbers(clean(msgspec.to_builtins(alert, enc_hook=str))))


def _with_small_numbers(value: Any) -> Any:
    match value:
        case bool():
            return value
        case int() if not -(1 << 63) <= value < 1 << 64:
            return str(value)
        case dict():
            return {key: _with_small_numbers(item) for key, item in value.items()}
        case list():
            return [_with_small_numbers(item) for item in value]
        case _:
            return value


class UnreadableError(Exception):
    """What was kept is no alert, as after damage to the disk."""


def decoded(body: Any) -> Alert:
    """The alert again.

    Raises:
        UnreadableError: it is none.
    """
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
        raise UnreadableError(str(error)) from None
