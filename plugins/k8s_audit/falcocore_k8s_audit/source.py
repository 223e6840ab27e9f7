"""The event source `k8s_audit`: a webhook for the kube-apiserver, or files that it wrote."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, ClassVar, Literal, Protocol

from falcocore.api import Batch, ConfigError, Progress, Source, SourceError
from falcocore_k8s_audit.decode import Decoded

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


class K8sAuditSource(Source):
    """Kubernetes audit events, from a webhook or from JSON Lines.

    The target is `http://HOST:PORT/PATH` for the webhook (also the default, on loopback); `file://PATH` for a
    log that is followed; or a file, a directory, or `-` for standard input, which are read once.
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
        follow_from: Annotated[
            Literal["end", "start"], "file://: where a log is begun that was not followed before"
        ] = "end",
    ) -> None:
        for option, value in (("max_body_bytes", max_body_bytes), ("max_in_flight", max_in_flight)):
            if value < 1:
                raise ConfigError(f"source k8s_audit: {option} is {value}, it has to be 1 or more")
        self._cluster = cluster
        self._follow_from = follow_from
        self._intake = self._make_intake((target or "").strip(), max_body_bytes, max_in_flight)

    def _make_intake(self, target: str, max_body_bytes: int, max_in_flight: int) -> Intake:
        scheme, separator, _ = target.partition("://")
        scheme = scheme.lower() if separator else ""
        if not target or scheme == "http":
            from falcocore_k8s_audit.webhook import Webhook

            return Webhook(target, max_body_bytes, max_in_flight, self._cluster, self._note)
        if scheme == "file":
            return self._make_follow(target.partition("://")[2])
        if scheme == "https":
            raise SourceError(
                "source k8s_audit: https is not supported by this version",
                hint="listen with http on loopback, behind a proxy that terminates TLS",
            )
        if scheme:
            hint = "give http://HOST:PORT/PATH, file://PATH, a file, a directory, or - for standard input"
            raise SourceError(f"source k8s_audit: the scheme `{scheme}` is not supported", hint=hint)
        from falcocore_k8s_audit.files import Files

        return Files(target, self._cluster, self._note)

    def _make_follow(self, path: str) -> Intake:
        from falcocore_k8s_audit.follow.intake import Follow

        if not path:
            raise SourceError(
                "source k8s_audit: file:// names no file",
                hint="write it as file:///var/log/kubernetes/audit.log",
            )
        self.keeps_state = True
        from_end = self._follow_from == "end"
        return Follow(path, self._cluster, self._note, from_end=from_end, state=lambda: self.state)

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
