"""The event source `k8s_audit`: a webhook for the kube-apiserver, or files that it wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated, Any, ClassVar, Protocol

from falcocore.api import Batch, ConfigError, Progress, Source, SourceError
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent

log = logging.getLogger("falcocore.k8s_audit")


class Intake(Protocol):
    """One way in which events arrive; the source hands its work to one."""

    def open(self) -> None:
        """Get ready."""

    def batches(self) -> Iterator[Batch] | AsyncIterator[Batch]:
        """Yield what arrives."""

    def stop(self) -> None:
        """End soon."""

    def banner(self) -> str:
        """What it does now."""

    def next_step(self) -> str | None:
        """What a user does next."""

    def progress(self) -> Progress | None:
        """How far it is."""


_TEST_TIME = "2024-01-01T00:00:00.000000Z"


def _described(description: Any, number: int) -> list[AuditEvent]:
    if not isinstance(description, dict):
        raise ValueError("an audit event is a map, as its JSON object is")
    filled_in = {"kind": "Event", "auditID": f"test-{number}", "stageTimestamp": _TEST_TIME}
    decoded = Decoded()
    decoded.read(json.dumps({**filled_in, **description}).encode(), "event")
    if decoded.complaints:
        raise ValueError("; ".join(decoded.complaints))
    return decoded.events


class K8sAuditSource(Source):
    """Kubernetes audit events, from a webhook or from JSON Lines.

    The target is `http://HOST:PORT/PATH` for the webhook (also the default, on loopback), or a file, a
    directory, or `-` for standard input, which are read once.
    """

    name: ClassVar[str] = "k8s_audit"
    plugin_name: ClassVar[str] = "k8saudit"

    def __init__(
        self,
        target: str | None = None,
        *,
        max_body_bytes: Annotated[int, "webhook: size of a request body, larger ones are refused"] = 12
        * 1024
        * 1024,
        max_in_flight: Annotated[int, "webhook: bodies that are worked on at a time, others get 429"] = 50,
        cluster: Annotated[str, "name of the cluster, a label of its events and part of their identity"] = "",
    ) -> None:
        for option, value in (("max_body_bytes", max_body_bytes), ("max_in_flight", max_in_flight)):
            if value < 1:
                raise ConfigError(f"source k8s_audit: {option} is {value}, it has to be 1 or more")
        self._cluster = cluster
        self._intake = self._make_intake((target or "").strip(), max_body_bytes, max_in_flight)

    def _make_intake(self, target: str, max_body_bytes: int, max_in_flight: int) -> Intake:
        scheme, separator, _ = target.partition("://")
        scheme = scheme.lower() if separator else ""
        if not target or scheme == "http":
            from falcocore_k8s_audit.webhook import Webhook

            return Webhook(target, max_body_bytes, max_in_flight, self._cluster, self._note)
        if scheme == "https":
            raise SourceError(
                "source k8s_audit: https is not supported by this version",
                hint="listen with http on loopback, behind a proxy that terminates TLS",
            )
        if scheme:
            hint = "give http://HOST:PORT/PATH, a file, a directory, or - for standard input"
            raise SourceError(f"source k8s_audit: the scheme `{scheme}` is not supported", hint=hint)
        from falcocore_k8s_audit.files import Files

        return Files(target, self._cluster, self._note)

    @classmethod
    def events_from(cls, descriptions: Iterable[Any]) -> Iterator[AuditEvent]:
        """Events of tests; a description is the event's JSON object.

        `kind`, `auditID` and `stageTimestamp`, which rules hardly look at, are filled in where they are
        missing.
        """
        for number, description in enumerate(descriptions, 1):
            yield from _described(description, number)

    def _note(self, decoded: Decoded) -> None:
        """Report what could not be read, once, and count it."""
        self.rejected += decoded.rejected
        for complaint in decoded.complaints:
            log.warning("%s", complaint)
        if more := decoded.rejected - len(decoded.complaints):
            log.warning("... and %d more items of the same batch could not be read", more)

    def open(self) -> None:
        """Bind the address, or find the files."""
        self._intake.open()

    def batches(self) -> Iterator[Batch] | AsyncIterator[Batch]:
        """Yield a batch for each request body, or block of lines."""
        return self._intake.batches()

    def stop(self) -> None:
        """Take nothing new."""
        self._intake.stop()

    def banner(self) -> str:
        """What it does now."""
        return self._intake.banner()

    def next_step(self) -> str | None:
        """A request that raises an alert, for the webhook."""
        return self._intake.next_step()

    def progress(self) -> Progress | None:
        """How far the files are read."""
        return self._intake.progress()
