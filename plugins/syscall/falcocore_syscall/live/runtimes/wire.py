"""The wire format of protocol buffers: as much of it as the messages of CRI need.

Fields are asked for by number; what a message has besides is passed over, so that newer runtimes can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from falcocore_syscall.live.runtimes.errors import UnansweredError

Given: TypeAlias = str | bytes | int
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_MOST_VARINT_BYTES = 10


def encode(*fields: tuple[int, Given]) -> bytes:
    """A message of fields by number: text, a number that is not negative, or a message that was encoded."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += _varint(number << 3 | _BYTES) + _varint(len(data)) + data
    return bytes(out)


class Message:
    """A message that was read. A field that is not there has the default of its type."""

    def __init__(self, data: bytes) -> None:
        """Take a message apart.

        Raises:
            UnansweredError: it is none.
        """
        self._numbers: dict[int, int] = {}
        self._pieces: dict[int, list[bytes]] = {}
        for number, value in _fields(data):
            if isinstance(value, int):
                self._numbers[number] = value
            else:
                self._pieces.setdefault(number, []).append(value)

    def number(self, field: int) -> int:
        """An enum, or an integer that is not negative."""
        return self._numbers.get(field, 0)

    def flag(self, field: int) -> bool:
        """A bool."""
        return self._numbers.get(field, 0) != 0

    def text(self, field: int) -> str:
        """A string."""
        return self._pieces.get(field, [b""])[-1].decode("utf-8", "replace")

    def message(self, field: int) -> Message:
        """A message inside."""
        return Message(self._pieces.get(field, [b""])[-1])

    def messages(self, field: int) -> list[Message]:
        """Messages inside, where there may be several."""
        return [Message(piece) for piece in self._pieces.get(field, ())]

    def texts(self, field: int) -> dict[str, str]:
        """A map of strings."""
        return {entry.text(1): entry.text(2) for entry in self.messages(field)}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise UnansweredError(f"no message: wire type {kind}")
        if size > len(data) - at:
            raise UnansweredError("no message: it ends inside a field")
        if kind == _BYTES:
            yield number, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _MOST_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise UnansweredError("no message: a number without an end")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
