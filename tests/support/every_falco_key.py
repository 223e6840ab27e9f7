"""A configuration that gives every key of Falco's once."""

from __future__ import annotations

EVERY_KEY = """
config_files: [/etc/falco/config.d]
watch_config_files: true
rules_files: [/etc/falco/falco_rules.yaml, /etc/falco/rules.d]
rules: [{disable: {rule: "*"}}, {enable: {tag: network}}]
rule_matching: all
priority: notice
plugins:
  - {name: k8saudit, library_path: libk8saudit.so, init_config: {maxEventSize: 1}, open_params: audit.log}
  - {name: json, library_path: libjson.so, init_config: ""}
  - {name: container, library_path: libcontainer.so, init_config: {engines: {docker: {enabled: true}}}}
load_plugins: [k8saudit, json, container]
plugins_hostinfo: true
engine:
  kind: modern_ebpf
  kmod: {buf_size_preset: 4, drop_failed_exit: false}
  modern_ebpf: {cpus_for_each_buffer: 2, buf_size_preset: 4, drop_failed_exit: false, disable_iterators: no}
  replay: {capture_file: ""}
base_syscalls: {custom_set: ["!mprotect"], repair: false, all: false}
falco_libs:
  thread_table_size: 262144
  thread_table_auto_purging_interval_s: 300
  thread_table_auto_purging_thread_timeout_s: 300
  snaplen: 80
syscall_event_drops: {actions: [log], threshold: .1, rate: .03333, max_burst: 1, simulate_drops: false}
syscall_event_timeouts: {max_consecutives: 1000}
capture: {enabled: false, path_prefix: /tmp/f, mode: rules, default_duration: 5000, max_file_size_mb: 0}
static_fields: {cluster: prod, zone: 7}
json_output: true
json_include_output_property: false
json_include_tags_property: false
json_include_message_property: true
json_include_output_fields_property: false
time_format_iso_8601: true
buffer_format_base64: false
buffered_outputs: false
append_output:
  - match: {source: k8s_audit, tags: [a, b], rule: R}
    extra_output: x=%evt.num
    extra_fields: [evt.time, {key: "%evt.num"}]
    suggested_output: true
outputs_queue: {capacity: 0}
output_timeout: 2000
stdout_output: {enabled: true}
syslog_output: {enabled: false}
file_output: {enabled: true, keep_alive: true, filename: events.txt}
program_output: {enabled: false, keep_alive: false, program: cat}
http_output:
  enabled: false
  url: https://example.invalid
  user_agent: x
  insecure: false
  echo: false
  mtls: false
  compress_uploads: false
  keep_alive: false
  ca_cert: ""
  ca_bundle: ""
  ca_path: /etc/ssl/certs
  client_cert: /etc/ssl/certs/client.crt
  client_key: /etc/ssl/certs/client.key
  max_consecutive_timeouts: 5
grpc: {enabled: false, bind_address: "unix:///run/falco.sock", threadiness: 0}
grpc_output: {enabled: false}
outputs: {rate: 1, max_burst: 1000}
webserver:
  enabled: true
  threadiness: 0
  listen_port: 8765
  listen_address: 0.0.0.0
  k8s_healthz_endpoint: /healthz
  ssl_enabled: false
  ssl_certificate: /etc/falco/falco.pem
  prometheus_metrics_enabled: false
log_stderr: false
log_syslog: true
log_level: debug
libs_logger: {enabled: true, severity: info}
metrics:
  enabled: false
  interval: 1h
  output_rule: true
  output_file: ""
  rules_counters_enabled: true
  resource_utilization_enabled: true
  state_counters_enabled: true
  kernel_event_counters_enabled: true
  libbpf_stats_enabled: true
  plugins_metrics_enabled: true
  kernel_iter_event_counters_enabled: true
  kernel_event_counters_per_cpu_enabled: false
  jemalloc_stats_enabled: false
  convert_memory_to_mb: true
  include_empty_values: false
"""
