"""What a wrapping is taken apart into, and the hands for it."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import NamedTuple

from msgspec import Raw

from falcocore_k8s_audit.compression import GZIP_MAGIC
from falcocore_k8s_audit.raw import Elements, Members, children, string

UNPACKED_BYTES = 1 << 26
"""So much may come out of what is packed in one wrapping."""


class Inner(NamedTuple):
    """A document in a wrapping: where it stands, and its text, or why there is none."""

    where: str
    text: bytes = b""
    refusal: str = ""


class UnpackError(ValueError):
    """A text that should be base64, or gzip in it, is not; the message says why."""


class Unpacker:
    """Opens base64, and gzip in it, up to UNPACKED_BYTES in all."""

    def __init__(self) -> None:
        self._left_bytes = UNPACKED_BYTES

    def unpack(self, encoded: str) -> bytes:
        """The bytes of a base64 text, unpacked where they are gzip.

        Raises:
            UnpackError: the text is none, or it is too much.
        """
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UnpackError(f"not base64: {error}") from None
        if not data.startswith(GZIP_MAGIC):
            return data
        stream = zlib.decompressobj(wbits=31)
        try:
            unpacked = stream.decompress(data, self._left_bytes + 1)
        except zlib.error as error:
            raise UnpackError(f"broken gzip: {error}") from None
        self._left_bytes -= len(unpacked)
        if self._left_bytes < 0:
            self._left_bytes = 0
            raise UnpackError(f"more than {UNPACKED_BYTES >> 20} MiB when it is unpacked")
        if not stream.eof:
            raise UnpackError("it ends in the middle of its gzip data")
        return unpacked


def object_at(members: Members, *keys: str) -> Members:
    """The members of an object below; none where there is no object."""
    for key in keys:
        found = children(members[key]) if key in members else None
        members = found if isinstance(found, dict) else {}
    return members


def array_at(members: Members, key: str) -> Elements:
    """The elements of an array; none where there is no array."""
    found = children(members[key]) if key in members else None
    return found if isinstance(found, list) else []


def text_at(members: Members, key: str) -> str | None:
    """A text; None where there is another value or none."""
    raw = bytes(members.get(key, Raw()))
    return string(raw) if raw.startswith(b'"') else None


def objects_at(members: Members, key: str) -> list[Members]:
    """The elements of an array that are objects; for another, an empty one, so that positions stay."""
    opened = [children(element) for element in array_at(members, key)]
    return [one if isinstance(one, dict) else {} for one in opened]
