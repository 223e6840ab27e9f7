"""Alerts as the outbox keeps them: MessagePack."""

from __future__ import annotations

import msgspec

from falcocore.alerts import clean
from falcocore.output import Alert

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Alert).decode


def encoded(alert: Alert) -> bytes:
    """The alert as bytes; text that is no UTF-8 becomes U+FFFD."""
    try:
        return _encode(alert)
    except UnicodeEncodeError:
        return _encode(clean(msgspec.to_builtins(alert)))


def decoded(body: bytes) -> Alert:
    """The alert again.

    Raises:
        msgspec.MsgspecError: the bytes are none, as after damage to the disk.
    """
    return _decode(body)
