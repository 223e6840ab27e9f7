"""Every key of the configuration: Falco's, so that a stock falco.yaml is taken as it is, and our own.

A dict holds the keys of a map; True stands for a value of any kind.
"""

from __future__ import annotations

from typing import Any

_ENABLED = {"enabled": True}

USED: dict[str, Any] = {
    "rules_files": True,
    "rules_file": True,
    "rules": True,
    "rule_matching": True,
    "priority": True,
    "config_files": True,
    "json_output": True,
    "json_include_output_property": True,
    "json_include_message_property": True,
    "json_include_tags_property": True,
    "json_include_output_fields_property": True,
    "time_format_iso_8601": True,
    "append_output": True,
    "static_fields": True,
    "stdout_output": _ENABLED,
    "file_output": {"enabled": True, "keep_alive": True, "filename": True},
    "outputs": True,
    "sources": True,
    "plugins": True,
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
