"""URLs of receivers and proxies, with what is secret in them apart."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from falcocore.api import ConfigError
from falcocore_outputs.secret import HIDDEN


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send. `url` has neither user nor password; `shown` is for messages.

    `authorization` is what the user and password of the URL become in a header, None without them.
    """

    url: str = field(repr=False)
    shown: str
    authorization: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def tls(self) -> bool:
        """True where the connection is encrypted."""
        return self.url.startswith("https:")


def parse_target(text: str, option: str) -> Target:
    """Take a URL apart. `option` names it for messages, which do not show the URL: it may hold a password.

    Raises:
        ConfigError: it is no URL with http or https and a host.
    """
    hint = "write http://HOST:PORT/PATH or https://HOST:PORT/PATH"
    text = text.strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        usable = usable and text.isprintable() and " " not in text
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{option} is not a URL that alerts can be sent to", hint=hint)
    where = parts.netloc.rpartition("@")[2]
    bare = parts._replace(netloc=where, path=parts.path or "/", fragment="")
    secrets = [parts.query] if parts.query else []
    authorization = None
    if parts.username is not None or parts.password is not None:
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        authorization = f"Basic {token}"
        secrets += [secret for secret in (token, password, parts.password or "") if secret]
    return Target(bare.geturl(), _shown(bare), authorization, tuple(secrets))


def _shown(parts: SplitResult) -> str:
    """A URL for messages; a query often has a key in it."""
    netloc = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc, query=HIDDEN if parts.query else "", fragment="").geturl()


def shown_location(location: str) -> str:
    """Where a redirection leads, for messages."""
    try:
        return _shown(urlsplit(location))
    except ValueError:
        return HIDDEN


def proxy_for(target: Target, configured: str | None, option: str) -> Target | None:
    """The proxy that is configured, or else that of the environment: HTTP_PROXY, HTTPS_PROXY and NO_PROXY.

    Raises:
        ConfigError: it is no URL.
    """
    if configured:
        return parse_target(configured, option)
    parts = urlsplit(target.url)
    proxies: Mapping[str, str] = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found or proxy_bypass(parts.netloc):
        return None
    found = found if "://" in found else f"http://{found}"
    return parse_target(found, f"the proxy of the environment for {parts.scheme}")
