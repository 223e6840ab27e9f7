"""Every key of the configuration: Falco's, so that a stock falco.yaml is taken as it is, and our own.

A dict holds the keys of a map, ANY for whatever name a user gives; a list holds what its entries are; a Key
stands for a value, and so does True where nothing is done with it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from falcocore.errors import nearest

ANY = "*"


class Kind(enum.Enum):
    """What a value is."""

    TEXT = "a text"
    BOOLEAN = "true or false"
    NUMBER = "a whole number"
    TEXTS = "a text or a list of texts"
    MAP = "a map"
    TEXT_OR_MAP = "a text or a map"
    TEXTS_AND_MAPS = "a list of texts and maps"


@dataclass(frozen=True, slots=True)
class Key:
    """What the value of a key is, for the schema. `words` are all that it may be, in any case."""

    doc: str
    kind: Kind = Kind.TEXT
    words: tuple[str, ...] = ()
    required: bool = False


_SEVERITIES = (
    *("emergency", "alert", "critical", "error", "warning", "notice"),
    *("info", "informational", "debug"),
)
_ENABLED = {"enabled": Key("whether it is used", Kind.BOOLEAN)}
_WHICH_RULES = {
    "rule": Key("name of a rule, in which * stands for any text"),
    "tag": Key("a tag of rules"),
}

USED: dict[str, Any] = {
    "rules_files": Key("rule files, directories and pack:NAME, read in this order", Kind.TEXTS),
    "rules_file": Key("the older name of rules_files", Kind.TEXTS),
    "rules": [{"enable": _WHICH_RULES, "disable": _WHICH_RULES}],
    "rule_matching": Key("alerts for the first rule that an event fits, or for all", words=("first", "all")),
    "priority": Key(
        "the least severe priority that runs",
        words=_SEVERITIES,
    ),
    "config_files": [
        {
            "path": Key("a file, or a directory of files", required=True),
            "strategy": Key("what becomes of keys given before", words=("append", "override", "add-only")),
        }
    ],
    "json_output": Key("alerts as JSON objects, one a line", Kind.BOOLEAN),
    "json_include_output_property": Key("`output` in JSON alerts", Kind.BOOLEAN),
    "json_include_message_property": Key(
        "`message`, the output without time and priority, in JSON alerts", Kind.BOOLEAN
    ),
    "json_include_tags_property": Key("`tags` in JSON alerts", Kind.BOOLEAN),
    "json_include_output_fields_property": Key("`output_fields` in JSON alerts", Kind.BOOLEAN),
    "time_format_iso_8601": Key("times in UTC, in ISO form", Kind.BOOLEAN),
    "append_output": [
        {
            "match": {
                "source": Key("only rules of this source"),
                "rule": Key("only the rule of this name"),
                "tags": Key("only rules with all of these tags", Kind.TEXTS),
            },
            "extra_output": Key("a template that is put behind the output of rules"),
            "extra_fields": Key(
                "fields by name, and `KEY: TEMPLATE`, for output_fields", Kind.TEXTS_AND_MAPS
            ),
            "suggested_output": Key("add the fields that the source suggests", Kind.BOOLEAN),
        }
    ],
    "static_fields": Key("fields with a fixed value, which rules have as %static.NAME", Kind.MAP),
    "stdout_output": _ENABLED,
    "file_output": {
        **_ENABLED,
        "keep_alive": Key("keep the file open between alerts", Kind.BOOLEAN),
        "filename": Key("path of the file, which is appended to"),
    },
    "program_output": {
        **_ENABLED,
        "keep_alive": Key("keep one process running, instead of one for each alert", Kind.BOOLEAN),
        "program": Key("command for the shell, which reads alerts from its standard input"),
    },
    "http_output": {
        **_ENABLED,
        "url": Key("where alerts are posted to"),
        "user_agent": Key("how falcocore names itself"),
        "insecure": Key("trust any certificate", Kind.BOOLEAN),
        "echo": Key("log what the receiver answers", Kind.BOOLEAN),
        "mtls": Key("show client_cert to the receiver", Kind.BOOLEAN),
        "compress_uploads": Key("compress bodies with gzip, where the receiver takes that", Kind.BOOLEAN),
        # Falco's only asks TCP to look for dead peers: its connections are always used again, as are ours.
        "keep_alive": True,
        "ca_cert": Key("PEM file of the CA that the receiver's certificate comes from"),
        "ca_bundle": Key("the same for a file of several CAs, where there is no ca_cert"),
        "ca_path": Key("the same for a directory, where there is neither of the two"),
        "client_cert": Key("PEM file of the certificate for mtls"),
        "client_key": Key("PEM file of its key"),
        # How often something is tried is the same for all outputs.
        "max_consecutive_timeouts": True,
    },
    "syslog_output": _ENABLED,
    # Falco's removed rate limiter had its settings under the same key.
    "outputs": {
        "rate": True,
        "max_burst": True,
        ANY: {
            "type": Key("which output it is; without it, the one of this name"),
            "options": Key("options of the output", Kind.MAP),
            "minimum_priority": Key("only alerts that are at least so severe", words=_SEVERITIES),
            "rules": Key("only alerts of these rules; * stands for any text", Kind.TEXTS),
            "tags": Key("only alerts with one of these tags", Kind.TEXTS),
            "sources": Key("only alerts of these sources", Kind.TEXTS),
            "condition": Key("only alerts that this condition over alert.* fields is true for"),
        },
    },
    "outbox": {
        "enabled": Key("keep alerts on disk until every output has them", Kind.BOOLEAN),
        "path": Key("the state directory, which one process owns"),
        "max_size_mb": Key("size of the outbox in MiB", Kind.NUMBER),
        "max_age_hours": Key("alerts that waited longer are given up", Kind.NUMBER),
        "when_full": Key("what happens at max_size_mb", words=("drop_oldest", "drop_least_severe", "refuse")),
        "duplicates_minutes": Key("how long a second copy of an event raises nothing", Kind.NUMBER),
    },
    "sources": [
        {
            "name": Key("which source runs", required=True),
            "instance": Key("tells two of the same name apart"),
            "target": Key("what it reads, or where it listens; without it, it runs live"),
            "options": Key("options of the source", Kind.MAP),
            "restart": Key("start it again when it has failed", Kind.BOOLEAN),
            "workers": Key("processes that share its work", Kind.NUMBER),
        }
    ],
    "plugins": [
        {
            "name": Key("name of one of Falco's plugins", required=True),
            "library_path": True,
            "init_config": Key("its settings, as a map or as JSON", Kind.TEXT_OR_MAP),
            "open_params": Key("the target of the source that it is here"),
        }
    ],
    "load_plugins": Key("which of `plugins` are used; without it, all", Kind.TEXTS),
    "log_stderr": Key("log on stderr", Kind.BOOLEAN),
    "log_level": Key(
        "the least severe lines of the log",
        words=_SEVERITIES,
    ),
    "webserver": {
        **_ENABLED,
        "threadiness": True,
        "listen_port": Key("port of the webhook"),
        "listen_address": Key("address of the webhook"),
        "k8s_audit_endpoint": Key("path of the webhook; without it there is none"),
        "k8s_healthz_endpoint": True,
        "ssl_enabled": Key("https instead of http", Kind.BOOLEAN),
        "ssl_certificate": Key("PEM file of the certificate and its key"),
        "prometheus_metrics_enabled": True,
    },
}
"""Keys that do something."""

DOCS = {
    "rules": "which rules run; the last entry that speaks of a rule decides",
    "config_files": "more files, read after this one",
    "append_output": "what is added to the alerts of the rules that `match` fits",
    "stdout_output": "alerts on standard output, which is on unless another output is configured",
    "file_output": "alerts in a file, one line each",
    "program_output": "alerts for a program that reads them, one line each",
    "http_output": "alerts posted to an HTTP server, one in each request",
    "syslog_output": "alerts to the syslog of this host, at /dev/log, in the name of falco",
    "outputs": "any number of outputs, by a name of your choice",
    "outbox": "where alerts wait for outputs; it is used when there is one other than stdout and files",
    "sources": "what runs without --source",
    "plugins": "Falco's way to name sources",
    "webserver": "the webhook for audit events, as Falco up to 0.31 had it",
}
"""What the maps and lists of USED are for."""

ACCEPTED: dict[str, Any] = {
    "watch_config_files": True,
    "plugins_hostinfo": True,
    "engine": {
        "kind": True,
        "kmod": {"buf_size_preset": True, "drop_failed_exit": True},
        "ebpf": True,
        "modern_ebpf": {
            "cpus_for_each_buffer": True,
            "buf_size_preset": True,
            "drop_failed_exit": True,
            "disable_iterators": True,
        },
        "replay": {"capture_file": True},
        "gvisor": True,
    },
    "container_engines": True,
    # Keys of older releases, which now stand under `engine` or are gone.
    "syscall_buf_size_preset": True,
    "syscall_drop_failed_exit": True,
    "modern_bpf": {"cpus_for_each_syscall_buffer": True},
    "metadata_download": {"max_mb": True, "chunk_wait_us": True, "watch_freq_sec": True},
    "base_syscalls": {"custom_set": True, "repair": True, "all": True},
    "falco_libs": {
        "thread_table_size": True,
        "thread_table_auto_purging_interval_s": True,
        "thread_table_auto_purging_thread_timeout_s": True,
        "snaplen": True,
    },
    "syscall_event_drops": {
        "actions": True,
        "threshold": True,
        "rate": True,
        "max_burst": True,
        "simulate_drops": True,
    },
    "syscall_event_timeouts": {"max_consecutives": True},
    "capture": {
        "enabled": True,
        "path_prefix": True,
        "mode": True,
        "default_duration": True,
        "max_file_size_mb": True,
    },
    "buffer_format_base64": True,
    "buffered_outputs": True,
    "outputs_queue": {"capacity": True},
    "output_timeout": True,
    "grpc": True,
    "grpc_output": True,
    "log_syslog": True,
    "libs_logger": {"enabled": True, "severity": True},
    "metrics": {
        "enabled": True,
        "interval": True,
        "output_rule": True,
        "output_file": True,
        "rules_counters_enabled": True,
        "resource_utilization_enabled": True,
        "state_counters_enabled": True,
        "kernel_event_counters_enabled": True,
        "kernel_event_counters_per_cpu_enabled": True,
        "kernel_iter_event_counters_enabled": True,
        "libbpf_stats_enabled": True,
        "plugins_metrics_enabled": True,
        "jemalloc_stats_enabled": True,
        "convert_memory_to_mb": True,
        "include_empty_values": True,
    },
}
"""Falco's keys that have no effect here, or none yet."""

KNOWN: dict[str, Any] = {**USED, **ACCEPTED}


def path_of(key: str, path: str) -> str:
    """The path of a key in the map at `path`."""
    return f"{path}.{key}" if path else key


def complaint(key: str, known: Mapping[str, Any], path: str) -> str | None:
    """What is to be said of a key of the map at `path`; None where it is known."""
    if key in known or ANY in known:
        return None
    near = nearest(key, known)
    hint = f"did you mean `{path_of(near, path)}`?" if near else "it is ignored"
    return f"unknown key `{path_of(key, path)}`: {hint}"


def complaints(value: Any, known: Any = KNOWN, path: str = "") -> Iterator[str]:
    """What is to be said of the keys of a plain tree."""
    if isinstance(known, list) and isinstance(value, list):
        for item in value:
            yield from complaints(item, known[0], f"{path}[]")
    elif isinstance(known, dict) and isinstance(value, dict):
        for key, inner in value.items():
            if said := complaint(key, known, path):
                yield said
            else:
                yield from complaints(inner, known.get(key, known.get(ANY)), path_of(key, path))
