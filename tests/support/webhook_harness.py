"""The real webhook under a real runner and writer, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from falcocore.counters import Counters
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.output import Alert, Output
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.runner import Runner
from falcocore.stream import Stream
from falcocore_k8s_audit.source import K8sAuditSource
from tests.support.straight_writer import writer_to

RULES = """\
- rule: Created
  desc: Something was created.
  condition: ka.verb = create
  output: created %ka.auditid
  priority: NOTICE
  source: k8s_audit
"""
SAFETY_S = 60.0
"""For what never happens where the product is in order: a test fails then, rather than hangs."""


def audit_event(audit_id: str = "1", verb: str = "create", **more: object) -> dict[str, Any]:
    """An event that the rule `Created` matches, unless another verb is given."""
    event = {"kind": "Event", "auditID": audit_id, "stage": "ResponseComplete", "verb": verb}
    return {**event, "stageTimestamp": "2018-10-20T00:18:28.428398Z", **more}


def event_list(*events: object) -> dict[str, Any]:
    return {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": list(events)}


def encode(document: object) -> bytes:
    """A request body: bytes as they are, anything else as JSON."""
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def padded(audit_id: str, size_bytes: int) -> bytes:
    """An event's text, filled up to exactly that size."""
    short = encode(audit_event(audit_id, userAgent=""))
    return encode(audit_event(audit_id, userAgent="x" * (size_bytes - len(short))))


HEAD = b"POST /k8s-audit HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def declared(body: bytes, size_bytes: int | None = None) -> bytes:
    """A request with a Content-Length, that of the body unless another is given."""
    return HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body) if size_bytes is None else size_bytes, body)


def chunked(*pieces: bytes) -> bytes:
    """Pieces of a body as chunks; an empty one ends it."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


class Collected(Output):
    """Keeps the lines of alerts."""

    name = "collected"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.alerts: list[Alert] = []

    async def send(self, alerts: Sequence[Alert]) -> None:
        self.lines += [alert.line for alert in alerts]
        self.alerts += alerts


class Blocked(Collected):
    """Lets no alert through before `release` is set; `entered` says that one has come that far."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.release = threading.Event()

    async def send(self, alerts: Sequence[Alert]) -> None:
        self.entered.set()
        assert self.release.wait(SAFETY_S)
        await super().send(alerts)


@dataclass(frozen=True)
class Answer:
    """A response; header names are in lower case."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)


def answer_of(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, response.read().decode(), headers)


def response_on(connection: socket.socket) -> Answer:
    """Read one response from a raw connection."""
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        return answer_of(response)


def is_closed(connection: socket.socket) -> bool:
    """Wait for what comes next on a connection: its end, or a reset where there was more to read."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


class RunningWebhook:
    """A context manager; what the source fails with is raised at its end."""

    def __init__(
        self, output: Output | None = None, target: str = "http://127.0.0.1:0/k8s-audit", **options: Any
    ) -> None:
        self.output = output or Collected()
        self.source = K8sAuditSource(target, **options)
        self.counters = Counters()
        table = PluginHost().fields_for("k8s_audit")
        catalogue = Catalogue({"k8s_audit": table}, frozenset({"k8s_audit"}))
        loaded = load([SourceFile("rules.yaml", RULES)], catalogue, LoadSettings())
        assert not loaded.diagnostics
        self._writer = writer_to([self.output], self.counters)
        stream = Stream("k8s_audit", "k8s_audit", "k8saudit", "host")
        rules = loaded.rule_sets["k8s_audit"]
        self._runner = Runner(self.source, stream, rules, self._writer, self.counters)
        self._ended: Future[None] = Future()
        self._cancel: Callable[[], object] | None = None

    def __enter__(self) -> RunningWebhook:
        self.output.open()
        self._writer.start()
        self.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        if isinstance(self.output, Blocked):
            self.output.release.set()
        self.source.stop()
        try:
            self.join()
        finally:
            assert self._writer.close(SAFETY_S)

    def start(self) -> None:
        """Open the source and run it; once more, where it has ended."""
        self.source.open()
        self.run()

    def run(self) -> None:
        """Run the source, which is open."""
        self._ended = Future()
        threading.Thread(target=self._run, name="webhook under test", daemon=True).start()

    def _run(self) -> None:
        try:
            asyncio.run(self._run_source())
        except BaseException as error:  # raised again by `join`
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _run_source(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        with suppress(asyncio.CancelledError):
            await self._runner.run()

    def cut_short(self) -> None:
        """Cancel the running source, as the engine does with one that takes too long to end."""
        assert self._cancel is not None
        self._cancel()

    def join(self) -> None:
        """Wait until the source has ended."""
        self._ended.result(SAFETY_S)

    @property
    def lines(self) -> list[str]:
        """The messages of the alerts so far, of an output that keeps them."""
        assert isinstance(self.output, Collected)
        return [line.partition(": Notice ")[2] for line in self.output.lines]

    @property
    def alerts(self) -> list[Alert]:
        """The alerts so far, of an output that keeps them."""
        assert isinstance(self.output, Collected)
        return self.output.alerts

    @property
    def url(self) -> str:
        return self.source.banner().removeprefix("listening on ").partition(" ")[0]

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    @contextmanager
    def connect(self) -> Iterator[socket.socket]:
        """A raw connection."""
        with socket.create_connection(self.place, timeout=SAFETY_S) as connection:
            yield connection

    @contextmanager
    def client(self) -> Iterator[http.client.HTTPConnection]:
        """A connection that is kept alive."""
        connection = http.client.HTTPConnection(*self.place, timeout=SAFETY_S)
        try:
            yield connection
        finally:
            connection.close()

    def request(
        self,
        document: object = b"",
        *,
        method: str = "POST",
        path: str = "/k8s-audit",
        content_type: str | None = "application/json",
        client: http.client.HTTPConnection | None = None,
    ) -> Answer:
        """Send one request and read its answer, on a connection of its own unless one is given."""
        if client is None:
            with self.client() as own:
                return self.request(document, method=method, path=path, content_type=content_type, client=own)
        headers = {} if content_type is None else {"Content-Type": content_type}
        client.request(method, path, encode(document), headers)
        return answer_of(client.getresponse())
