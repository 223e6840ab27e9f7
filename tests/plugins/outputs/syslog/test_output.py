"""Delivery, failure and recovery with sockets of the test; what a receiver reads of it is in test_rsyslog."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import ConfigError, OutputError
from falcocore.options import build
from falcocore_outputs.syslog.message import LEAST_SIZE_BYTES
from falcocore_outputs.syslog.output import SyslogOutput
from tests.support.small_alerts import alert, send

SAFETY_S = 10.0


@contextmanager
def opened(address: str, **options: Any) -> Iterator[SyslogOutput]:
    """An output with options as the configuration has them."""
    texts = {name: str(value) for name, value in options.items()}
    output = build(SyslogOutput, {"address": address, "settle_s": "0", **texts}, "output syslog")
    output.open()
    try:
        yield output
    finally:
        output.close()


def datagrams(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.settimeout(SAFETY_S)
    sock.bind(str(path))
    return sock


def listener(port: int = 0) -> tuple[socket.socket, str]:
    sock = socket.create_server(("127.0.0.1", port))
    sock.settimeout(SAFETY_S)
    return sock, f"tcp://127.0.0.1:{sock.getsockname()[1]}"


def accept(listening: socket.socket) -> socket.socket:
    connection, _ = listening.accept()
    connection.settimeout(SAFETY_S)
    return connection


def everything(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def texts(received: bytes) -> list[str]:
    """The texts of octet-counted messages."""
    found = []
    while received:
        size, _, received = received.partition(b" ")
        message, received = received[: int(size)], received[int(size) :]
        assert len(message) == int(size)
        found.append(message.decode().split(" ", 7)[7])
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"address": "log"}, "`log` is not the address"),
        ({"address": "udp://h", "framing": "newline"}, "framing is for streams"),
        ({"address": "tcp://h", "ca_cert": "x"}, "are for TLS"),
        ({"address": "tcp://h", "server_name": "x"}, "are for TLS"),
        ({"address": "tls://h", "client_key": "x"}, "there is no client_cert that it belongs to"),
        ({"max_bytes": LEAST_SIZE_BYTES - 1}, "max_bytes: 479 is too little"),
        ({"timeout_s": 0}, "timeout_s and settle_s are times"),
        ({"settle_s": -1}, "timeout_s and settle_s are times"),
        ({"hostname": "h"}, "to a socket of this host have none"),
        ({"structured_data": True}, "rfc3164 has no structured data"),
        ({"format": "rfc1"}, "option `format`: Invalid enum value 'rfc1'"),
        ({"facility": "local8"}, "option `facility`: Invalid enum value 'local8'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(SyslogOutput, options, "output syslog")


def test_unix_socket_that_is_bound_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with opened(str(path)) as output:
        with pytest.raises(OutputError, match="log: No such file or directory"):
            send(output, "one")
        with datagrams(path) as receiver:
            send(output, "one", "two")
            assert [receiver.recv(100).split(b": ")[1] for _ in range(2)] == [b"one", b"two"]
        path.unlink()
        with datagrams(path) as receiver:
            # The old socket is gone: the connection to it is given up, and made anew at the next attempt.
            with pytest.raises(OutputError, match="log: Connection refused"):
                send(output, "three")
            send(output, "three")
            assert receiver.recv(100).endswith(b" falcocore: three")


def test_unix_socket_that_is_a_stream(tmp_path: Path) -> None:
    path, received = tmp_path / "log", []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.settimeout(SAFETY_S)

        def receive() -> None:
            with accept(listening) as connection:
                received.append(everything(connection))

        receiver = threading.Thread(target=receive)
        receiver.start()
        with opened(str(path)) as output:
            send(output, "one", "two")
        receiver.join()
    assert [line.split(": ")[1] for line in received[0].decode().splitlines()] == ["one", "two"]


def test_full_unix_socket_is_waited_for_and_then_an_error(tmp_path: Path) -> None:
    with datagrams(tmp_path / "log") as receiver, opened(str(tmp_path / "log"), timeout_s=0.05) as output:
        with pytest.raises(OutputError, match=r"log: no answer within 0.05 s"):
            send(output, *["x" * 10_000] * 1000)
        receiver.setblocking(False)
        with suppress(BlockingIOError):
            while receiver.recv(20_000):
                pass
        receiver.settimeout(SAFETY_S)
        send(output, "y")
        assert receiver.recv(100).endswith(b": y")


@pytest.mark.parametrize("transport", ["unix", "udp"])
def test_a_message_that_no_datagram_can_take_is_cut_and_marked(
    tmp_path: Path, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    if transport == "unix":
        receiver, address = datagrams(tmp_path / "log"), str(tmp_path / "log")
    else:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.settimeout(SAFETY_S)
        receiver.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{receiver.getsockname()[1]}"
    with receiver, opened(address) as output, caplog.at_level(logging.WARNING):
        for _ in range(2):
            send(output, "x" * 1_000_000)
            data = receiver.recv(1 << 20)
            assert len(data) > 50_000
            assert data.count(b"x") > 50_000
            assert data.endswith(b" bytes]")
            send(output, "short")
            assert receiver.recv(1 << 20).endswith(b"short")
    # Once, and not for each alert.
    assert len(caplog.messages) == 1
    assert "is cut" in caplog.messages[0]


def test_messages_are_cut_as_configured_and_counted_afterwards() -> None:
    listening, address = listener()
    with listening, opened(address, max_bytes=500) as output:
        send(output, "x" * 1000, "y" * 10)
        output.close()
        with accept(listening) as connection:
            received = everything(connection)
    assert received.startswith(b"500 <13>1 ")
    first, second = texts(received)
    assert first.endswith(" bytes]")
    assert second == "y" * 10


def test_udp_port_that_nobody_listens_on_is_an_error_and_tried_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
    with opened(f"udp://127.0.0.1:{port}") as output:
        for _ in range(2):
            with pytest.raises(OutputError, match=f"udp://127.0.0.1:{port}: Connection refused"):
                send(output, "one")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.settimeout(SAFETY_S)
            receiver.bind(("127.0.0.1", port))
            send(output, "one")
            assert receiver.recv(100).endswith(b" one")


def test_tcp_connection_is_kept_and_made_anew_when_it_was_closed() -> None:
    listening, address = listener()
    with listening, opened(address) as output:
        send(output, "one")
        send(output, "two")
        with accept(listening) as connection:
            assert texts(connection.recv(1 << 16)) == ["one", "two"]
        # Noticed before anything is written: nothing is lost, and nobody is told of an error.
        send(output, "three")
        with accept(listening) as connection:
            output.close()
            assert texts(everything(connection)) == ["three"]


def test_tcp_connection_that_was_reset_may_have_cost_an_alert_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listening, address = listener()
    with listening, opened(address) as output:
        send(output, "one")
        # With something unread, which our kernel was told has arrived.
        accept(listening).close()
        send(output, "two")
        output.close()
        with accept(listening) as connection:
            assert texts(everything(connection)) == ["two"]
    (message,) = caplog.messages
    assert message.startswith(f"{address}: Connection reset by peer since the last alert was sent")


def test_tcp_receiver_that_is_away_for_a_while() -> None:
    listening, address = listener()
    port = listening.getsockname()[1]
    with opened(address) as output:
        with listening:
            send(output, "one")
            accept(listening).close()
        for _ in range(2):
            with pytest.raises(OutputError, match=f"{address}: Connection refused"):
                send(output, "two")
        with listener(port)[0] as listening:
            send(output, "two")
            output.close()
            with accept(listening) as connection:
                assert texts(everything(connection)) == ["two"]


def test_tcp_receiver_that_does_not_read_is_an_error_and_gets_everything_again() -> None:
    listening, address = listener()
    lines = [f"{number} {'x' * 100_000}" for number in range(100)]
    with listening, opened(address, timeout_s=0.1) as output:
        with pytest.raises(OutputError, match=r"no answer within 0.1 s"):
            send(output, *lines)
        with accept(listening) as torn:
            assert texts_before_a_tear(everything(torn)) < len(lines)
        received: list[bytes] = []

        def receive() -> None:
            with accept(listening) as connection:
                received.append(everything(connection))

        receiver = threading.Thread(target=receive)
        receiver.start()
        send(output, *lines)
        output.close()
        receiver.join()
    assert texts(received[0]) == lines


def texts_before_a_tear(received: bytes) -> int:
    """How many octet-counted messages are whole; the last one is not."""
    whole = 0
    while received:
        size, _, received = received.partition(b" ")
        if len(received) < int(size):
            return whole
        received, whole = received[int(size) :], whole + 1
    pytest.fail("the last message is whole")


def test_tcp_receiver_that_closes_at_once_has_got_nothing() -> None:
    listening, address = listener()
    with listening, opened(address, settle_s=SAFETY_S) as output:
        receiver = threading.Thread(target=lambda: accept(listening).close())
        receiver.start()
        with pytest.raises(OutputError, match="accepted the connection and closed it at once"):
            send(output, "one")
        receiver.join()


def test_cancelled_send_leaves_no_half_message_to_be_continued() -> None:
    listening, address = listener()
    with listening, opened(address) as output:

        async def cancelled() -> None:
            sending = asyncio.create_task(output.send([alert("x" * 50_000_000)]))
            with await asyncio.to_thread(accept, listening) as connection:
                assert await asyncio.to_thread(connection.recv, 100)
                sending.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await sending

        asyncio.run(cancelled())
        send(output, "one")
        output.close()
        with accept(listening) as connection:
            assert texts(everything(connection)) == ["one"]


@pytest.mark.parametrize("address", ["tcp://host.invalid:1", "udp://host.invalid"])
def test_host_that_does_not_exist_is_no_reason_not_to_start(address: str) -> None:
    with opened(address) as output, pytest.raises(OutputError, match=r"host\.invalid:\d+: ."):
        send(output, "one")


def test_the_conversation_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    listening, address = listener()
    caplog.set_level(logging.DEBUG, "falcocore.outputs.syslog")
    with listening, opened(address, format="rfc3164") as output:
        send(output, "one")
        with accept(listening) as connection:
            assert connection.recv(100)
        send(output, "two")
    assert [message.split("<")[0] for message in caplog.messages] == [
        f"{address}: connected",
        f"to {address}: 39 ",
        f"{address}: closed by the receiver",
        f"{address}: connected",
        f"to {address}: 39 ",
    ]
    assert caplog.messages[1].endswith(" host falcocore: one")
