"""The webhook: a web server for what kube-apiservers post."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
import socket
from collections.abc import AsyncIterator, Callable, Iterator

from hypercorn.config import Config

from falcocore.api import Batch, Circumstances, Finding, Progress
from falcocore_k8s_audit.address import Address, url_of
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.listener import LimitedListener
from falcocore_k8s_audit.posts import Posts
from falcocore_k8s_audit.server_tls import ReloadingContext
from falcocore_k8s_audit.serving import serve
from falcocore_k8s_audit.webhook_options import WebhookOptions

log = logging.getLogger("falcocore.k8s_audit")

IDLE_S = 120
"""Seconds that an idle connection stays open: longer than the kube-apiserver keeps it, which sends no
request into a connection that closes."""
CLOSE_S = 3
"""Seconds that open connections have to end from then on; Hypercorn breaks the others off."""
KEPT_BYTES = 1 << 24
"""The memory of bodies that were answered: twice as much is kept for those to come."""

_EXAMPLE_EVENT = (
    '{"kind":"Event","auditID":"1","stage":"ResponseComplete","stageTimestamp":"2018-10-20T00:18:28.428398Z",'
    '"verb":"create","user":{"username":"minikube-user"},"objectRef":{"resource":"configmaps",'
    '"namespace":"default","name":"my-config"},"requestObject":{"data":{"password":"secret"}}}'
)


class Webhook:
    """Serves the posts of kube-apiservers, on a socket that is bound before the server starts."""

    def __init__(self, url: str, options: WebhookOptions, note: Callable[[Decoded], None]) -> None:
        self._address = Address.parse(url)
        self._options = options
        self._doors = options.doors(self._address.path)
        self._note = note
        self._posts = self._new_posts()
        self._url = ""
        self._held: socket.socket | None = None
        self._config = Config()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _new_posts(self) -> Posts:
        return Posts(self._doors, self._options.max_body_bytes, self._options.max_in_flight, self._note)

    def open(self) -> None:
        """Bind the address; once more, where the source is started again after it failed."""
        _keep_memory()
        for door in self._doors:
            if door.tokens is not None:
                door.tokens.open()
        tls = self._options.tls
        context = ReloadingContext(tls) if tls is not None else None
        bound = self._address.bind(is_shared=self._held is not None)
        self._posts = self._new_posts()
        self._url = url_of(bound, self._address.path, is_secure=context is not None)
        self._listener = LimitedListener(bound, self._options.max_connections)
        self._tls = context
        errors = logging.getLogger("falcocore.k8s_audit.http")
        errors.setLevel(logging.WARNING)
        self._config.errorlog = errors
        self._config.graceful_timeout = CLOSE_S
        self._config.keep_alive_timeout = IDLE_S
        # Bounded, Hypercorn waits for ever to hand over a body that nobody reads to its end. It is read
        # as it comes, so that little waits.
        self._config.max_app_queue_size = 0
        self._warn_of_strangers()

    def reserve(self) -> None:
        """Hold the port for several processes, each of which then binds it."""
        self._held, self._address = self._address.reserve()
        self._url = url_of(self._held, self._address.path, is_secure=self._options.tls is not None)

    def _warn_of_strangers(self) -> None:
        known = self._options.tls is not None and self._options.tls.client_ca is not None
        open_doors = [door.path for door in self._doors if door.tokens is None]
        if open_doors and not (known or self._address.is_loopback):
            log.warning(
                "anybody who reaches %s may post events: set token_file, or client_ca_file with https",
                self._url if len(self._doors) == 1 else f"{self._url} at {', '.join(open_doors)}",
            )

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._url

    def banner(self) -> str:
        """Where it listens."""
        more = [door.path for door in self._doors if door.path != self._address.path]
        also = f" and at {', '.join(more)}" if more else ""
        return f"listening on {self._url}{also}"

    def next_step(self) -> str:
        """A request that raises an alert of the bundled rules."""
        event = shlex.quote(_EXAMPLE_EVENT)
        token = " -H 'Authorization: Bearer TOKEN'" if self._doors[0].tokens is not None else ""
        tls = self._options.tls
        trust = "" if tls is None else " --cacert CA.pem"
        if tls is not None and tls.client_ca is not None:
            trust += " --cert CLIENT.pem --key CLIENT-KEY.pem"
        type_ = "-H 'Content-Type: application/json'"
        return f"To see an alert: curl{trust}{token} {type_} -d {event} {self._url}"

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """Whether all is there that it needs."""
        from falcocore_k8s_audit.diagnosis import findings_about

        return findings_about(self._address, self._options, circumstances)

    def progress(self) -> Progress | None:
        """A webhook has no end."""
        return None

    def stop(self) -> None:
        """Refuse what is new; `batches` ends when what was accepted is answered."""
        self._posts.stop()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: it has ended already.
                self._loop.call_soon_threadsafe(self._posts.end_when_idle)

    async def batches(self) -> AsyncIterator[Batch]:
        """Serve, and yield a batch for each body that holds events."""
        self._loop = asyncio.get_running_loop()
        posts, closing = self._posts, asyncio.Event()
        posts.end_when_idle()
        application = posts.application()
        server = asyncio.create_task(
            serve(application, self._listener, self._tls, self._config, closing), name="k8s_audit webhook"
        )
        server.add_done_callback(lambda _server: posts.end())
        try:
            async for batch in posts.batches():
                yield batch
                del batch  # It would stay until the next one comes.
        finally:
            posts.refuse_the_rest()
            closing.set()
            await server


def _keep_memory() -> None:
    """Have glibc keep what is freed: to get it anew for each body costs as much as to match its events.

    The bound up to which it does grows with the largest block that was freed (mallopt(3)). This one is never
    written to.
    """
    bytes(KEPT_BYTES)
