"""Falco's own ways to name sources and outputs, mapped onto ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from falcocore.config.tree import Warn
from falcocore.config.values import Reader
from falcocore.errors import ConfigError, nearest

PLUGIN_SOURCES = {"k8saudit": "k8s_audit"}
"""Falco's plugins that are a source here."""
FIELD_PLUGINS = frozenset({"json", "container", "k8smeta"})
"""Falco's plugins that only offer fields, which the sources here have by themselves."""
SYSCALL = "syscall"
"""The source that Falco has by itself."""
ENGINES = ("modern_ebpf", "kmod", "ebpf", "replay", "nodriver")
"""Ways to get at system calls, and at last none. The drivers are all one here."""
_BUFFER_PRESET = 4
"""Falco's default: presets are powers of two, beginning with 1 MB."""
CERTIFICATE = "/etc/falco/falco.pem"
"""Where Falco has the certificate of its web servers, with the key in the same file."""
OPTIONS = {"k8saudit": {"webhookMaxBatchSize": "max_body_bytes", "sslCertificate": "cert_file"}}
"""Keys of `init_config` and the options that they are; the others have no counterpart and no effect."""

SYSLOG_SOCKET = Path("/dev/log")
"""Where syslog(3) delivers."""

Found = tuple[str, str | None, dict[str, Any]]


def plugin_sources(reader: Reader, warn: Warn) -> Iterator[Found]:
    """(source, target, options) of `plugins`, those that `load_plugins` names where it is given."""
    loaded = reader.texts("load_plugins") if reader.has("load_plugins") else None
    known = []
    for entry in reader.entries("plugins"):
        name = entry.required_text("name")
        known.append(name)
        if loaded is not None and name not in loaded:
            continue
        if name in PLUGIN_SOURCES:
            target = (entry.text("open_params", "") or "").strip() or None
            yield PLUGIN_SOURCES[name], target, _options(entry, name, target or "")
        elif name not in FIELD_PLUGINS:
            warn(f"{entry.where}: plugin {name} has no counterpart here and is left out")
    for name in loaded or ():
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else "add it to `plugins`, or take it out of load_plugins"
            raise ConfigError(f"load_plugins: there is no plugin {name} in `plugins`", hint=hint)


def _options(entry: Reader, name: str, target: str) -> dict[str, Any]:
    if isinstance(entry.raw("init_config"), str):
        text = entry.text("init_config", "") or "{}"
        try:
            given = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{entry.where}.init_config is not JSON: {error}") from None
        if not isinstance(given, dict):
            raise ConfigError(f"{entry.where}.init_config is not a JSON object")
    else:
        given = dict(entry.mapping("init_config"))
    renamed: Mapping[str, str] = OPTIONS[name]
    options = {renamed[key]: value for key, value in given.items() if key in renamed}
    # Falco's plugin has the certificate always, and takes it for https only.
    if target.lower().startswith("https://"):
        return {"cert_file": CERTIFICATE, **options}
    options.pop("cert_file", None)
    return options


def webserver_source(reader: Reader) -> Iterator[Found]:
    """The webhook as Falco up to 0.31 had it, in the web server's settings.

    Without `k8s_audit_endpoint` the settings are those of the newer server for health checks.
    """
    server = reader.inner("webserver")
    if server.boolean("enabled", False) and server.has("k8s_audit_endpoint"):
        host = server.text("listen_address", "0.0.0.0")  # noqa: S104 - Falco's default
        host = f"[{host}]" if ":" in host else host
        port, path = server.text("listen_port", "8765"), server.text("k8s_audit_endpoint", "/k8s-audit")
        secure = server.boolean("ssl_enabled", False)
        options = {"cert_file": server.text("ssl_certificate", CERTIFICATE)} if secure else {}
        yield "k8s_audit", f"http{'s' * secure}://{host}:{port}/{path.lstrip('/')}", options


def engine_source(reader: Reader) -> Iterator[Found]:
    """The system calls that `engine` asks for: of this machine, or of a capture.

    Where the key is not there nothing is asked for: here a source runs that somebody names.
    """
    engine = reader.inner("engine")
    if not engine.has("kind"):
        return
    kind = engine.choice("kind", ENGINES)
    if kind == "replay":
        yield SYSCALL, engine.inner("replay").required_text("capture_file"), {}
    elif kind != "nodriver":
        preset = engine.inner(kind).number("buf_size_preset", _BUFFER_PRESET, least=1)
        options: dict[str, Any] = {"buffer_mb": 1 << (preset - 1)}
        if reader.has("syscall_event_drops"):
            options["drops"] = _drops(reader.inner("syscall_event_drops"))
        yield SYSCALL, None, options


def _drops(reader: Reader) -> dict[str, Any]:
    """What is done about lost events; Falco's way to simulate them is for its own tests."""
    found: dict[str, Any] = {"actions": reader.texts("actions")} if reader.has("actions") else {}
    for key in ("threshold", "rate", "max_burst"):
        if reader.has(key):
            text = reader.required_text(key)
            try:
                found[key] = float(text)
            except ValueError:
                raise ConfigError(f"{reader.path(key)} is not a number: {text}") from None
    return found


def program_output(reader: Reader) -> dict[str, Any] | None:
    """Options of the output `program`; None where it is not enabled."""
    program = reader.inner("program_output")
    if not program.boolean("enabled", False):
        return None
    return {
        "program": program.required_text("program"),
        "keep_alive": program.boolean("keep_alive", False),
    }


def http_output(reader: Reader) -> dict[str, Any] | None:
    """Options of the output `http`, with Falco's defaults; None where it is not enabled."""
    http = reader.inner("http_output")
    if not http.boolean("enabled", False):
        return None
    # Falco takes a URL in quotation marks of its own, and one without a scheme.
    url = http.required_text("url").strip().strip("\"'")
    options: dict[str, Any] = {
        "url": url if "://" in url else f"http://{url}",
        "user_agent": http.text("user_agent", "falcosecurity/falco"),
    }
    for flag in ("insecure", "echo", "compress_uploads"):
        options[flag] = http.boolean(flag, False)
    trusted = ("ca_cert", "ca_bundle", "ca_path")
    options |= {key: path for key in trusted if (path := http.text(key, "").strip())}
    if http.boolean("mtls", False):
        options["client_cert"] = http.text("client_cert", "/etc/ssl/certs/client.crt")
        options["client_key"] = http.text("client_key", "/etc/ssl/certs/client.key")
    return options


def syslog_output(reader: Reader, warn: Warn) -> dict[str, Any] | None:
    """Options of the output that `syslog_output` enables, None where it does not.

    Falco's stock configuration enables it, and in a container without a log socket nobody notices. It is left
    out there: an output that can never deliver would hold up everything that waits for it.
    """
    if not reader.inner("syslog_output").boolean("enabled", False):
        return None
    if not SYSLOG_SOCKET.exists():
        warn(f"syslog_output is enabled, but there is no {SYSLOG_SOCKET}: alerts go to the other outputs")
        return None
    return {"app_name": "falco"}


def unserved_outputs(reader: Reader, warn: Warn) -> None:
    """Say which of Falco's outputs are enabled and not served by this version."""
    for name in ("grpc_output",):
        if reader.inner(name).boolean("enabled", False):
            warn(
                f"{name} is enabled, but this version does not deliver there: alerts go to the other outputs"
            )
