"""What the output `http` sends in its headers, and what of it may be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from falcocore.api import ConfigError
from falcocore_outputs.http_target import Target, shown_location
from falcocore_outputs.secret import HIDDEN, Secret, is_reference

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset({"content-length", "transfer-encoding", "content-encoding", "connection"})
_SECRET_NAME = re.compile("auth|cookie|token|secret|password|key", re.IGNORECASE)
"""Headers whose values are not shown, wherever they come from."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of one request. `secrets` are the values, or parts of them, that no message may show."""

    values: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def shown(self) -> Iterator[str]:
        """The headers as lines for the log."""
        for name, value in self.values.items():
            hidden = value in self.secrets or _SECRET_NAME.search(name)
            yield f"{name}: {HIDDEN if hidden else value}"


class HeaderOptions:
    """The configured headers; secret ones are looked up for each request."""

    def __init__(
        self, headers: Mapping[str, str], user_agent: str, bearer_token: str | None, target: Target
    ) -> None:
        """Check them.

        Raises:
            ConfigError: a header that can't be sent, that falcocore sets itself, or two that authorise.
        """
        self._headers: dict[str, str | Secret] = {}
        for name, value in {"User-Agent": user_agent, **headers}.items():
            _check(name, value)
            # One that is given replaces what would be sent by itself.
            self._headers = {n: v for n, v in self._headers.items() if n.lower() != name.lower()}
            where = f"output http: header {name}"
            self._headers[name] = Secret(value, where) if is_reference(value) else value
        self._bearer = Secret(bearer_token, "output http: bearer_token") if bearer_token else None
        self._target = target
        given = any(name.lower() == "authorization" for name in headers)
        if sum((given, self._bearer is not None, target.authorization is not None)) > 1:
            raise ConfigError(
                "output http: there is more than one authorization",
                hint="keep one of `bearer_token`, the header Authorization, and user and password in `url`",
            )

    def make(self, defaults: Mapping[str, str]) -> Headers:
        """The headers of a request; `defaults` are those that the configured ones may replace.

        Raises:
            OutputError: a secret can't be read.
        """
        names = {name.lower() for name in self._headers}
        values = {name: value for name, value in defaults.items() if name.lower() not in names}
        secrets = list(self._target.secrets)
        for name, value in self._headers.items():
            values[name] = value.value() if isinstance(value, Secret) else value
            if isinstance(value, Secret) or _SECRET_NAME.search(name):
                # Of `SCHEME TOKEN`, the token alone may be repeated.
                secrets += [values[name], values[name].rpartition(" ")[2]]
        if self._bearer is not None:
            token = self._bearer.value()
            values["Authorization"] = f"Bearer {token}"
            secrets.append(token)
        elif self._target.authorization is not None:
            values["Authorization"] = self._target.authorization
        return Headers(values, tuple(secret for secret in secrets if secret))


def shown_answer(headers: Mapping[str, str]) -> Iterator[str]:
    """The headers of an answer as lines for the log; names are in small letters."""
    for name, value in headers.items():
        if name == "location":
            yield f"{name}: {shown_location(value)}"
        else:
            yield f"{name}: {HIDDEN if _SECRET_NAME.search(name) else value}"


def _check(name: str, value: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ConfigError(f"output http: `{name}` is no name of a header")
    if name.lower() in _OURS:
        raise ConfigError(f"output http: the header {name} is set by falcocore", hint="leave it out")
    if not value.isprintable():
        raise ConfigError(f"output http: the header {name} has characters that no header may have")
