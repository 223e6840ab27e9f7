"""The event source `k8s_audit`: a webhook for the kube-apiserver, or files that it wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from falcocore.api import Batch, Circumstances, ConfigError, Finding, Progress, Source, SourceError
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.server_tls import TlsFiles
from falcocore_k8s_audit.webhook_options import PathOptions, WebhookOptions

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet
    from falcocore_k8s_audit.seen import Seen
    from falcocore_k8s_audit.webhook import Webhook

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

    The target is `http://HOST:PORT/PATH` or `https://...` for the webhook (by default on loopback);
    `file://PATH` for a log that is followed; or a file, a directory, or `-` for standard input, which are
    read once.
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
        max_connections: Annotated[int, "webhook: connections that may be open, others are closed"] = 1000,
        cert_file: Annotated[str | None, "webhook: PEM file of the certificate, for https"] = None,
        key_file: Annotated[
            str | None, "webhook: PEM file of its key; without it, it is in cert_file"
        ] = None,
        client_ca_file: Annotated[
            str | None, "webhook: only clients with a certificate from this CA may post"
        ] = None,
        client_names: Annotated[
            list[str] | None, "webhook: and only if their certificate has one of these names"
        ] = None,
        token_file: Annotated[str | None, "webhook: only clients with a token of this file may post"] = None,
        cluster: Annotated[str, "name of the cluster, a label of its events and part of their identity"] = "",
        paths: Annotated[
            dict[str, PathOptions] | None,
            "webhook: more paths, each with a cluster and token_file of its own",
        ] = None,
        follow_from: Annotated[
            Literal["end", "start"], "file://: where a log is begun that was not followed before"
        ] = "end",
    ) -> None:
        limits = {
            "max_body_bytes": max_body_bytes,
            "max_in_flight": max_in_flight,
            "max_connections": max_connections,
        }
        for option, value in limits.items():
            if value < 1:
                raise ConfigError(f"source k8s_audit: {option} is {value}, it has to be 1 or more")
        target = (target or "").strip()
        scheme, separator, _ = target.partition("://")
        scheme = scheme.lower() if separator else ""
        tls = _tls(scheme, cert_file, key_file, client_ca_file, client_names or [])
        self._cluster = cluster
        self._follow_from = follow_from
        options = WebhookOptions(
            max_body_bytes, max_in_flight, max_connections, cluster, token_file, tls, paths or {}
        )
        self._webhook: Webhook | None = None
        self._seen: Seen | None = None
        self._rules: RuleSet | None = None
        self._intake = self._make_intake(target, scheme, options)

    def _make_intake(self, target: str, scheme: str, options: WebhookOptions) -> Intake:
        if not target or scheme in ("http", "https"):
            from falcocore_k8s_audit.seen import Seen
            from falcocore_k8s_audit.webhook import Webhook

            self._webhook = Webhook(target, options, self._note)
            self._seen = Seen()
            return self._webhook
        if scheme == "file":
            return self._make_follow(target.partition("://")[2])
        if scheme:
            hint = "give http://HOST:PORT/PATH, https://..., file://PATH, a file, a directory, or - for stdin"
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

    @classmethod
    def events_from(cls, descriptions: Iterable[Any]) -> Iterator[AuditEvent]:
        """Events of tests; a description is the event's JSON object.

        `kind`, `auditID` and `stageTimestamp`, which rules hardly look at, are filled in where they are
        missing.
        """
        for number, description in enumerate(descriptions, 1):
            yield from _described(description, number)

    def prepare(self, rules: RuleSet) -> None:
        """Know the rules that may have nothing to match."""
        self._rules = rules

    def doubts(self, events: int, rules: RuleSet) -> str | None:
        """For the webhook: why nothing comes, or why rules can't match what comes."""
        seen, self._seen = self._seen, None
        if self._webhook is None or (not events and self.rejected):
            return None
        from falcocore_k8s_audit.doubts import doubts_about_events, doubts_about_nothing

        if not events:
            return doubts_about_nothing(self._webhook.url)
        return doubts_about_events(seen, rules.rules) if seen is not None else None

    def _note(self, decoded: Decoded) -> None:
        """Report what could not be read, once, and count it."""
        if self._seen is not None and self._seen.note(decoded.events) and self._rules is not None:
            self._look_no_further(self._seen, self._rules)
        self.rejected += decoded.rejected
        for complaint in decoded.complaints:
            log.warning("%s", complaint)
        if more := decoded.rejected - len(decoded.complaints):
            log.warning("... and %d more items of the same batch could not be read", more)

    def _look_no_further(self, seen: Seen, rules: RuleSet) -> None:
        """Forget what was seen once every rule can match some of it: more can raise no doubt then."""
        from falcocore_k8s_audit.doubts import doubts_about_events

        if doubts_about_events(seen, rules.rules) is None:
            self._seen = None

    @property
    def shardable(self) -> bool:
        """True for the webhook: the kernel gives each process a part of the connections."""
        return self._webhook is not None

    def reserve(self) -> None:
        """Hold the webhook's port."""
        self._seen = None  # Each process will see a part only, and none of them is asked for its doubts.
        if self._webhook is not None:
            self._webhook.reserve()

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

    def diagnose(self, circumstances: Circumstances) -> Iterable[Finding]:
        """For the webhook: address, certificate, tokens, the API server's files, and whether events come."""
        if self._webhook is None:
            return ()
        return self._webhook.diagnose(circumstances)

    def progress(self) -> Progress | None:
        """How far the files are read."""
        return self._intake.progress()


def _tls(
    scheme: str, cert_file: str | None, key_file: str | None, client_ca_file: str | None, names: list[str]
) -> TlsFiles | None:
    """What https needs, and None without it.

    Raises:
        ConfigError: an option for https is missing, or there is one without it.
    """
    if scheme == "https":
        if cert_file is None:
            raise ConfigError(
                "source k8s_audit: https needs a certificate",
                hint="name its PEM file with the option cert_file, and that of its key with key_file",
            )
        if names and client_ca_file is None:
            raise ConfigError(
                "source k8s_audit: client_names is given without client_ca_file",
                hint="name the CA that the clients' certificates come from",
            )
        return TlsFiles(cert_file, key_file, client_ca_file, frozenset(names))
    for option, value in (
        ("cert_file", cert_file),
        ("key_file", key_file),
        ("client_ca_file", client_ca_file),
        ("client_names", names),
    ):
        if value:
            raise ConfigError(
                f"source k8s_audit: {option} is given, and the target is not https://",
                hint="write --source k8s_audit=https://HOST:PORT/PATH, or take the option out",
            )
    return None
