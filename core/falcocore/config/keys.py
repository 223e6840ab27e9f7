"""Every key of the configuration: Falco's, so that a stock falco.yaml is taken as it is, and our own.

A dict holds the keys of a map, ANY for whatever name a user gives; a list holds what its entries are; True
stands for a value of any kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from falcocore.errors import nearest

ANY = "*"

_ENABLED = {"enabled": True}
_WHICH_RULES = {"rule": True, "tag": True}

USED: dict[str, Any] = {
    "rules_files": True,
    "rules_file": True,
    "rules": [{"enable": _WHICH_RULES, "disable": _WHICH_RULES}],
    "rule_matching": True,
    "priority": True,
    "config_files": [{"path": True, "strategy": True}],
    "json_output": True,
    "json_include_output_property": True,
    "json_include_message_property": True,
    "json_include_tags_property": True,
    "json_include_output_fields_property": True,
    "time_format_iso_8601": True,
    "append_output": [
        {
            "match": {"source": True, "rule": True, "tags": True},
            "extra_output": True,
            "extra_fields": True,
            "suggested_output": True,
        }
    ],
    "static_fields": True,
    "stdout_output": _ENABLED,
    "file_output": {"enabled": True, "keep_alive": True, "filename": True},
    # Falco's removed rate limiter had its settings under the same key.
    "outputs": {"rate": True, "max_burst": True, ANY: {"type": True, "options": True}},
    "sources": [{"name": True, "instance": True, "target": True, "options": True, "restart": True}],
    "plugins": [{"name": True, "library_path": True, "init_config": True, "open_params": True}],
    "load_plugins": True,
    "log_stderr": True,
    "log_level": True,
    "webserver": {
        "enabled": True,
        "threadiness": True,
        "listen_port": True,
        "listen_address": True,
        "k8s_audit_endpoint": True,
        "k8s_healthz_endpoint": True,
        "ssl_enabled": True,
        "ssl_certificate": True,
        "prometheus_metrics_enabled": True,
    },
}
"""Keys that do something."""

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
    "syslog_output": _ENABLED,
    "program_output": {"enabled": True, "keep_alive": True, "program": True},
    "http_output": {
        "enabled": True,
        "url": True,
        "user_agent": True,
        "insecure": True,
        "echo": True,
        "mtls": True,
        "compress_uploads": True,
        "keep_alive": True,
        "ca_cert": True,
        "ca_bundle": True,
        "ca_path": True,
        "client_cert": True,
        "client_key": True,
        "max_consecutive_timeouts": True,
    },
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
