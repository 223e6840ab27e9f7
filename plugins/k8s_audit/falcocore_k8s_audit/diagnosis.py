"""What `falcocore doctor` says of the webhook, and of the API server's files that lead to it."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator

from falcocore.api import Circumstances, ConfigError, Finding, SourceError
from falcocore_k8s_audit.address import Address
from falcocore_k8s_audit.doubts import doubts_about_nothing
from falcocore_k8s_audit.posts import HEALTH_PATH
from falcocore_k8s_audit.setup_files import findings_about_file
from falcocore_k8s_audit.webhook_options import Door, WebhookOptions

_ANSWER_S = 5.0


def findings_about(
    address: Address, options: WebhookOptions, circumstances: Circumstances
) -> Iterator[Finding]:
    """Every finding about a webhook that is not open."""
    if options.tls is not None:
        yield _tried("certificate", options.tls.context, options.tls.certificate)
    doors = options.doors(address.path)
    for door in doors:
        if door.tokens is not None:
            yield _tried("tokens", door.tokens.open, str(door.tokens.path))
    yield _about_address(address, options, is_running=circumstances.events is not None)
    yield _about_events(address, circumstances.events)
    for file in circumstances.files:
        yield from findings_about_file(file, address, _readable(doors), circumstances.rules)


def _tried(name: str, use: Callable[[], object], detail: str) -> Finding:
    try:
        use()
    except ConfigError as error:
        return Finding(name, ok=False, detail=error.message, remedy=error.hint or "")
    return Finding(name, ok=True, detail=detail)


def _readable(doors: list[Door]) -> list[Door]:
    """The doors whose tokens can be told: what is wrong with the others is a finding of its own."""
    found = []
    for door in doors:
        try:
            if door.tokens is not None:
                door.tokens.open()
        except ConfigError:
            continue
        found.append(door)
    return found


def _about_address(address: Address, options: WebhookOptions, *, is_running: bool) -> Finding:
    place = f"{address.host or 'every address'}, port {address.port}"
    refused = None
    if not is_running:
        try:
            address.bind().close()
        except SourceError as error:
            refused = error
        else:
            return Finding("address", ok=True, detail=f"{place} is free")
    problem = _health(address, options)
    if problem is None:
        return Finding("address", ok=True, detail=f"the webhook answers at {place}")
    if refused is not None:
        return Finding("address", ok=False, detail=refused.message, remedy=refused.hint or "")
    remedy = "`falcocore status` says where the process listens; its log says what is wrong"
    return Finding("address", ok=False, detail=f"nothing answers at {place}: {problem}", remedy=remedy)


def _health(address: Address, options: WebhookOptions) -> str | None:
    """What is wrong with the answer of whoever listens there; None where it is a webhook that is well."""
    host = address.host or "localhost"
    connection: http.client.HTTPConnection
    if address.is_secure:
        # It is this machine that is asked, and whether the API server trusts the certificate isn't seen here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, address.port, timeout=_ANSWER_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, address.port, timeout=_ANSWER_S)
    try:
        connection.connect()
        if options.tls is not None and options.tls.client_ca is not None:
            return None  # It answers clients with a certificate only, and we have none.
        connection.request("GET", HEALTH_PATH)
        answer = connection.getresponse()
        body = answer.read(100)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    if answer.status == http.client.OK and body.strip() == b"ok":
        return None
    return f"it answers {answer.status} to {HEALTH_PATH}"


def _about_events(address: Address, events: int | None) -> Finding:
    if events is None:
        return Finding("first event", ok=True, detail="no process is running that could have had one")
    if events:
        return Finding(
            "first event", ok=True, detail=f"{events:,} {'event' if events == 1 else 'events'} came"
        )
    scheme, host = "https" if address.is_secure else "http", address.host or "ADDRESS"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{address.port}{address.path}"
    return Finding("first event", ok=False, detail="none has come", remedy=doubts_about_nothing(url))
