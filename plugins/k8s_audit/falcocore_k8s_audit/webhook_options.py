"""What the webhook is told: limits, TLS, and who may post to which path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from falcocore_k8s_audit.server_tls import TlsFiles
from falcocore_k8s_audit.tokens import TokenFile

MOST_CONNECTIONS = 1000


class PathOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One more path of the webhook: the cluster that posts to it, and its tokens."""

    cluster: str = ""
    token_file: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """What the source was told. `cluster` and `token_file` are for the path of the URL."""

    max_body_bytes: int
    max_in_flight: int
    max_connections: int = MOST_CONNECTIONS
    cluster: str = ""
    token_file: str | None = None
    tls: TlsFiles | None = None
    paths: Mapping[str, PathOptions] = field(default_factory=dict)

    def doors(self, path: str) -> list[Door]:
        """Each path that may be posted to; `path` is that of the URL."""
        main = PathOptions(self.cluster, self.token_file)
        return [
            Door(name, options.cluster, TokenFile(Path(options.token_file)) if options.token_file else None)
            for name, options in {path: main, **self.paths}.items()
        ]


@dataclass(frozen=True, slots=True)
class Door:
    """A path, the cluster that its events are from, and whose tokens are asked for there."""

    path: str
    cluster: str
    tokens: TokenFile | None
