"""Messages of protocol buffers, written and read."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.wire import Message, encode


def test_what_is_written_is_read() -> None:
    inner = encode((1, "key"), (2, "välue"))
    message = Message(encode((1, "text"), (2, 1), (3, 2**63), (16, inner), (16, inner), (2000, b"\xff")))
    assert (message.text(1), message.flag(2), message.number(3)) == ("text", True, 2**63)
    assert [one.text(2) for one in message.messages(16)] == ["välue", "välue"]
    assert message.message(16).text(1) == "key"
    assert message.texts(16) == {"key": "välue"}
    assert message.text(2000) == "�"


def test_what_is_not_there_has_its_default() -> None:
    message = Message(b"")
    assert (message.text(1), message.flag(1), message.number(1)) == ("", False, 0)
    assert (message.message(1).text(1), message.messages(1), message.texts(1)) == ("", [], {})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # `text b = 2` of the documentation of the format: 12 07 "testing".
        (b"\x12\x07testing", "testing"),
        # After a fixed64 and a fixed32, and before another value of the same field: the last one counts.
        (b"\x09" + b"\x01" * 8 + b"\x1d" + b"\x01" * 4 + b"\x12\x01a\x12\x01b", "b"),
    ],
)
def test_bytes_of_others(data: bytes, expected: str) -> None:
    assert Message(data).text(2) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\x12\x07test",
        b"\x12",
        b"\x80",
        b"\xff" * 11,
        b"\x08" + b"\xff" * 10,
        b"\x0b",
        b"\x09\x01",
        b"\x12\xff\x01a",
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(UnansweredError, match="no message"):
        Message(data)
