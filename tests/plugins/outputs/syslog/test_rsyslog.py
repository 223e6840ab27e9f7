"""What Debian's rsyslog makes of our messages, over each transport."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from falcocore.api import Alert, OutputError, Priority
from falcocore_outputs.syslog.connection import Framing
from falcocore_outputs.syslog.message import Facility, Layout
from falcocore_outputs.syslog.output import SyslogOutput
from tests.support.rsyslog import Rsyslog, free_port, needs_rsyslog, needs_rsyslog_tls, rsyslog
from tests.support.small_alerts import alert, send
from tests.support.time_zone import time_zone

pytestmark = needs_rsyslog

# 2024-03-09 22:04:05.067890 UTC.
TIME_NS = 1_710_021_845_067_890_000
LINE = '22:04:05.067890000: Warning {"a": [1, "ä"]} \\ (user=x)'


def small(**changes: Any) -> Alert:
    return replace(alert(LINE), time_ns=TIME_NS, priority=Priority.WARNING, **changes)


@contextmanager
def opened(address: str, **options: Any) -> Iterator[SyslogOutput]:
    output = SyslogOutput(address=address, **{"settle_s": 0.0, **options})
    output.open()
    try:
        yield output
    finally:
        output.close()


def tcp(port: int, module: str = "") -> str:
    return f'module(load="imtcp" {module})\ninput(type="imtcp" port="{port}" address="127.0.0.1")'


def udp(port: int) -> str:
    return f'module(load="imudp")\ninput(type="imudp" port="{port}" address="127.0.0.1")'


def unix(path: Path) -> str:
    return f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{path}")'


def unix_stream(path: Path) -> str:
    return f'module(load="imptcp")\ninput(type="imptcp" path="{path}" unlink="on")'


def taken(receiver: Rsyslog) -> tuple[str, ...]:
    found = receiver.message()
    return tuple(found[name] for name in ("facility", "severity", "host", "program", "pid", "data", "text"))


SEEN_NEW = ("user", "warning", "host", "falcocore", str(os.getpid()), "-", LINE)
SEEN_OLD = ("user", "warning", "host", "falcocore", "-", "-", f" {LINE}")


@pytest.mark.parametrize("layout", list(Layout))
def test_udp(tmp_path: Path, layout: Layout) -> None:
    port = free_port(socket.SOCK_DGRAM)
    with rsyslog(tmp_path, udp(port)) as receiver, opened(f"udp://127.0.0.1:{port}", format=layout) as output:
        asyncio.run(output.send([small()]))
        assert taken(receiver) == (SEEN_NEW if layout is Layout.RFC5424 else SEEN_OLD)


@pytest.mark.parametrize("framing", [None, *Framing])
@pytest.mark.parametrize("layout", list(Layout))
def test_tcp(tmp_path: Path, layout: Layout, framing: Framing | None) -> None:
    port = free_port()
    with (
        rsyslog(tmp_path, tcp(port)) as receiver,
        opened(f"tcp://127.0.0.1:{port}", format=layout, framing=framing) as output,
    ):
        asyncio.run(output.send([small(), small()]))
        asyncio.run(output.send([small()]))
        for _ in range(3):
            assert taken(receiver) == (SEEN_NEW if layout is Layout.RFC5424 else SEEN_OLD)


def test_unix_socket_as_syslog_3_speaks_to_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with rsyslog(tmp_path, unix(path)) as receiver, opened(str(path)) as output:
        asyncio.run(output.send([small()]))
        # rsyslog puts in its own name for this host.
        assert taken(receiver) == (*SEEN_OLD[:2], socket.gethostname().split(".")[0], *SEEN_OLD[3:])


@pytest.mark.parametrize("framing", [None, *Framing])
def test_unix_stream(tmp_path: Path, framing: Framing | None) -> None:
    path = tmp_path / "stream"
    with (
        rsyslog(tmp_path, unix_stream(path)) as receiver,
        opened(str(path), framing=framing, format=Layout.RFC5424) as output,
    ):
        asyncio.run(output.send([small(), small()]))
        assert [taken(receiver), taken(receiver)] == [SEEN_NEW, SEEN_NEW]


@pytest.mark.parametrize("layout", list(Layout))
def test_the_time_is_the_events(tmp_path: Path, layout: Layout) -> None:
    port = free_port()
    with (
        time_zone("UTC"),
        rsyslog(tmp_path, tcp(port)) as receiver,
        opened(f"tcp://127.0.0.1:{port}", format=layout) as output,
    ):
        asyncio.run(output.send([small()]))
        time = receiver.message()["said_time"]
        # The old format has no year, and no part of a second.
        wanted = "2024-03-09T22:04:05.067890Z" if layout is Layout.RFC5424 else "03-09T22:04:05+00:00"
        assert time.endswith(wanted)


def test_structured_data_options_and_severities(tmp_path: Path) -> None:
    port = free_port()
    options = {"facility": Facility.LOCAL3, "app_name": "falco", "hostname": "h", "structured_data": True}
    with rsyslog(tmp_path, tcp(port)) as receiver, opened(f"tcp://127.0.0.1:{port}", **options) as output:
        words = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
        alerts = [replace(small(rule='R "x" ]\\', tags=("a", "b")), priority=p) for p in Priority]
        asyncio.run(output.send(alerts))
        data = r'[falcocore@32473 id="id" rule="R \"x\" \]\\" source="small" tags="a,b"]'
        for word in words:
            assert taken(receiver) == ("local3", word, "h", "falco", str(os.getpid()), data, LINE)


def test_control_characters_break_no_framing(tmp_path: Path) -> None:
    port = free_port()
    with (
        rsyslog(tmp_path, tcp(port)) as receiver,
        opened(f"tcp://127.0.0.1:{port}", framing=Framing.NEWLINE, structured_data=True) as output,
    ):
        given = small(rule="one\ntwo", hostname="a\nb", tags=("c\0d",))
        asyncio.run(output.send([replace(given, line="x\n<0>1 - - - - - - y\0z"), small()]))
        first = receiver.message()
        assert first["text"] == r"x\u000a<0>1 - - - - - - y\u0000z"
        assert r"one\u000atwo" in first["data"]
        assert receiver.message()["text"] == LINE


def test_a_long_message_is_whole_in_a_stream_and_marked_in_a_datagram(tmp_path: Path) -> None:
    port, path = free_port(socket.SOCK_DGRAM), tmp_path / "stream"
    line = "x" * 200_000
    with rsyslog(tmp_path, f"{udp(port)}\n{unix_stream(path)}") as receiver:
        with opened(str(path)) as output:
            send(output, line)
        assert receiver.message()["text"].strip() == line
        with opened(f"udp://127.0.0.1:{port}") as output:
            send(output, line)
        text = receiver.message()["text"]
        assert text.startswith("xxx")
        assert len(text) > 50_000
        assert text.endswith(" bytes]")


@contextmanager
def certificates(folder: Path) -> Iterator[tuple[trustme.CA, str]]:
    """An authority, and rsyslog's global settings to use it."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.cert_chain_pems[0].write_to_path(folder / "server.pem")
    server.private_key_pem.write_to_path(folder / "server.key")
    yield (
        authority,
        'global(defaultNetstreamDriver="gtls"'
        f' defaultNetstreamDriverCAFile="{folder / "ca.pem"}"'
        f' defaultNetstreamDriverCertFile="{folder / "server.pem"}"'
        f' defaultNetstreamDriverKeyFile="{folder / "server.key"}")\n',
    )


@needs_rsyslog_tls
def test_tls(tmp_path: Path) -> None:
    port = free_port()
    module = 'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'
    with (
        certificates(tmp_path) as (_, settings),
        rsyslog(tmp_path, settings + tcp(port, module)) as receiver,
        opened(f"tls://localhost:{port}", ca_cert=str(tmp_path / "ca.pem")) as output,
    ):
        asyncio.run(output.send([small(), small()]))
        asyncio.run(output.send([small()]))
        assert [taken(receiver) for _ in range(3)] == [SEEN_NEW] * 3


@needs_rsyslog_tls
@pytest.mark.parametrize("name", ["client.example", "other.example", None])
def test_tls_with_a_client_certificate(tmp_path: Path, name: str | None) -> None:
    port = free_port()
    module = (
        'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name"'
        ' PermittedPeer=["client.example"]'
    )
    with (
        certificates(tmp_path) as (authority, settings),
        rsyslog(tmp_path, settings + tcp(port, module)) as receiver,
    ):
        options: dict[str, Any] = {"ca_cert": str(tmp_path / "ca.pem"), "settle_s": 0.5}
        if name is not None:
            authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
            options["client_cert"] = str(tmp_path / "client.pem")
        with opened(f"tls://localhost:{port}", **options) as output:
            if name == "client.example":
                asyncio.run(output.send([small()]))
                assert taken(receiver) == SEEN_NEW
            else:
                # The handshake is over for us when rsyslog looks at the name, and refuses.
                with pytest.raises(OutputError):
                    asyncio.run(output.send([small()]))


@needs_rsyslog_tls
def test_alerts_arrive_after_the_receiver_was_restarted(tmp_path: Path) -> None:
    port = free_port()
    module = 'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"'
    with (
        certificates(tmp_path) as (_, settings),
        opened(f"tls://localhost:{port}", ca_cert=str(tmp_path / "ca.pem")) as output,
    ):
        with rsyslog(tmp_path, settings + tcp(port, module)) as receiver:
            send(output, "one")
            assert receiver.message()["text"] == "one"
        with pytest.raises(OutputError, match="Connection refused"):
            send(output, "two")
        with rsyslog(tmp_path, settings + tcp(port, module)) as receiver:
            send(output, "two")
            send(output, "three")
            assert [receiver.message()["text"], receiver.message()["text"]] == ["two", "three"]
