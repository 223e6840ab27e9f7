"""Falco's `plugins`, `load_plugins`, `webserver` and outputs, and what becomes of them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falcocore.config import legacy
from falcocore.config.legacy import (
    Found,
    http_output,
    plugin_sources,
    program_output,
    syslog_output,
    unserved_outputs,
    webserver_source,
)
from falcocore.config.tree import parse_tree
from falcocore.config.values import Reader
from falcocore.errors import ConfigError
from falcocore.lang.text import SourceFile


def reader_of(text: str, notes: list[str]) -> Reader:
    return Reader(parse_tree(SourceFile("falco.yaml", text), notes.append, {}), notes.append)


def plugins(text: str) -> tuple[list[Found], list[str]]:
    notes: list[str] = []
    return list(plugin_sources(reader_of(text, notes), notes.append)), notes


K8SAUDIT = (
    "plugins: [{name: k8saudit, library_path: libk8saudit.so, open_params: 'http://:9765/k8s-audit'}]\n"
)
FOUND: Found = ("k8s_audit", "http://:9765/k8s-audit", {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("plugins: []", []),
        (K8SAUDIT, [FOUND]),
        # Open parameters are trimmed; without them the source runs live.
        ("plugins: [{name: k8saudit, open_params: '  audit.log\n '}]", [("k8s_audit", "audit.log", {})]),
        ("plugins: [{name: k8saudit}]", [("k8s_audit", None, {})]),
        ("plugins: [{name: k8saudit, open_params: ''}]", [("k8s_audit", None, {})]),
        # Plugins that only offer fields, which the source has by itself.
        ("plugins: [{name: json, init_config: ''}, {name: container}, {name: k8smeta}]", []),
        # `load_plugins` chooses; null is as if it was not there.
        (K8SAUDIT + "load_plugins: [k8saudit]", [FOUND]),
        (K8SAUDIT + "load_plugins: k8saudit", [FOUND]),
        (K8SAUDIT + "load_plugins: []", []),
        (K8SAUDIT + "load_plugins:", [FOUND]),
        ("plugins: [{name: k8saudit}, {name: json}]\nload_plugins: [json]", []),
    ],
)
def test_a_plugin_of_falco_is_the_source_that_it_offered(text: str, found: list[Found]) -> None:
    assert plugins(text) == (found, [])


@pytest.mark.parametrize(
    ("init_config", "options"),
    [
        ("", {}),
        ("~", {}),
        ("''", {}),
        ("{}", {}),
        ("'{}'", {}),
        ("{webhookMaxBatchSize: 1000}", {"max_body_bytes": "1000"}),
        ("'{\"webhookMaxBatchSize\": 1000}'", {"max_body_bytes": 1000}),
        # What has no counterpart has no effect.
        ("{maxEventSize: 262144, sslCertificate: /etc/falco/falco.pem, useAsync: true}", {}),
    ],
)
def test_the_initial_configuration_becomes_options(init_config: str, options: dict[str, Any]) -> None:
    found, notes = plugins(f"plugins:\n- name: k8saudit\n  init_config: {init_config}\n")
    assert (found, notes) == ([("k8s_audit", None, options)], [])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("plugins: [k8saudit]", "plugins[0] has to be a map of keys, not `k8saudit`", None),
        ("plugins: [{library_path: x.so}]", "plugins[0].name is missing", "add `name:`"),
        (
            "plugins: [{name: json}, {name: k8saudit, init_config: '{'}]",
            "plugins[1].init_config is not JSON: Expecting property name enclosed in double quotes: "
            "line 1 column 2 (char 1)",
            None,
        ),
        (
            "plugins: [{name: k8saudit, init_config: '[]'}]",
            "plugins[0].init_config is not a JSON object",
            None,
        ),
        (
            K8SAUDIT + "load_plugins: [k8saudti]",
            "load_plugins: there is no plugin k8saudti in `plugins`",
            "did you mean k8saudit?",
        ),
        (
            "load_plugins: [json]",
            "load_plugins: there is no plugin json in `plugins`",
            "add it to `plugins`, or take it out of load_plugins",
        ),
    ],
)
def test_plugins_that_cannot_be_used_are_refused(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        plugins(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_plugin_without_a_counterpart_is_warned_of_where_it_is_loaded() -> None:
    text = "plugins: [{name: okta}, {name: k8saudit}, {name: github}]\nload_plugins: [github, k8saudit]"
    note = "plugins[2]: plugin github has no counterpart here and is left out"
    assert plugins(text) == ([("k8s_audit", None, {})], [note])


@pytest.mark.parametrize(
    ("server", "target"),
    [
        (
            "{enabled: true, k8s_audit_endpoint: /k8s_audit, listen_port: 9765, listen_address: 127.0.0.1}",
            "http://127.0.0.1:9765/k8s_audit",
        ),
        ("{enabled: true, k8s_audit_endpoint: /k8s-audit}", "http://0.0.0.0:8765/k8s-audit"),
        ("{enabled: true, k8s_audit_endpoint: events}", "http://0.0.0.0:8765/events"),
        ("{enabled: true, k8s_audit_endpoint: /a, listen_address: '::1'}", "http://[::1]:8765/a"),
        # Without the endpoint it is the newer server, for health checks and metrics.
        ("{enabled: true, listen_port: 8765, k8s_healthz_endpoint: /healthz, ssl_enabled: true}", None),
        ("{enabled: false, k8s_audit_endpoint: /k8s-audit}", None),
        ("{k8s_audit_endpoint: /k8s-audit}", None),
        ("{}", None),
        ("~", None),
    ],
)
def test_the_old_web_server_is_the_webhook(server: str, target: str | None) -> None:
    notes: list[str] = []
    found = list(webserver_source(reader_of(f"webserver: {server}", notes)))
    assert found == ([("k8s_audit", target, {})] if target else [])
    assert notes == []


@pytest.mark.parametrize(
    ("more", "certificate"),
    [("", "/etc/falco/falco.pem"), (", ssl_certificate: /etc/mine.pem", "/etc/mine.pem")],
)
def test_the_old_web_server_with_tls_is_the_webhook_with_https(more: str, certificate: str) -> None:
    text = f"webserver: {{enabled: true, k8s_audit_endpoint: /k8s-audit, ssl_enabled: true{more}}}"
    found = list(webserver_source(reader_of(text, [])))
    assert found == [("k8s_audit", "https://0.0.0.0:8765/k8s-audit", {"cert_file": certificate})]


@pytest.mark.parametrize(
    ("init_config", "certificate"),
    [("{}", "/etc/falco/falco.pem"), ("{sslCertificate: /etc/mine.pem}", "/etc/mine.pem")],
)
def test_the_plugin_with_https_takes_its_certificate(init_config: str, certificate: str) -> None:
    target = "https://:9765/k8s-audit"
    entry = f"{{name: k8saudit, init_config: {init_config}, open_params: '{target}'}}"
    assert plugins(f"plugins: [{entry}]") == ([("k8s_audit", target, {"cert_file": certificate})], [])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("syslog_output: {enabled: true}\ngrpc_output: {enabled: false}", []),
        ("http_output: {enabled: yes}\nprogram_output: {enabled: on}\ngrpc_output:", []),
        ("grpc_output: {enabled: on}", ["grpc_output"]),
    ],
)
def test_outputs_that_are_enabled_and_not_served_are_named(text: str, names: list[str]) -> None:
    notes: list[str] = []
    unserved_outputs(reader_of(text, notes), notes.append)
    assert [note.partition(" ")[0] for note in notes] == names
    assert all("does not deliver there: alerts go to the other outputs" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", None),
        ("program_output:", None),
        ("program_output: {program: cat}", None),
        ("program_output: {enabled: false, program: cat}", None),
        ("program_output: {enabled: true, program: cat}", {"program": "cat", "keep_alive": False}),
        (
            "program_output: {enabled: yes, keep_alive: on, program: 'jq . >> f'}",
            {"program": "jq . >> f", "keep_alive": True},
        ),
    ],
)
def test_falcos_program_output_is_the_output_program(text: str, options: dict[str, Any] | None) -> None:
    notes: list[str] = []
    assert program_output(reader_of(text, notes)) == options
    assert notes == []


PLAIN = {
    "url": "http://localhost:2801/",
    "user_agent": "falcosecurity/falco",
    "insecure": False,
    "echo": False,
    "compress_uploads": False,
}
CLIENT = {"client_cert": "/etc/ssl/certs/client.crt", "client_key": "/etc/ssl/certs/client.key"}


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ("", PLAIN),
        # What is taken by curl, and so by Falco.
        ("url: localhost:2801/", PLAIN),
        ("url: \"'http://localhost:2801/'\"", PLAIN),
        ("user_agent: mine", {**PLAIN, "user_agent": "mine"}),
        (
            "insecure: true, echo: true, compress_uploads: true",
            {**PLAIN, "insecure": True, "echo": True, "compress_uploads": True},
        ),
        # A stock falco.yaml gives them empty.
        ("ca_cert: '', ca_bundle: '', ca_path: /etc/ssl/certs", {**PLAIN, "ca_path": "/etc/ssl/certs"}),
        ("ca_cert: a.pem, ca_bundle: b.pem", {**PLAIN, "ca_cert": "a.pem", "ca_bundle": "b.pem"}),
        ("mtls: false, client_cert: c.pem, client_key: k.pem", PLAIN),
        ("mtls: true", {**PLAIN, **CLIENT}),
        (
            "mtls: true, client_cert: c.pem, client_key: k.pem",
            {**PLAIN, "client_cert": "c.pem", "client_key": "k.pem"},
        ),
        ("keep_alive: false, max_consecutive_timeouts: 5", PLAIN),
    ],
)
def test_falcos_http_output_is_the_output_http(keys: str, options: dict[str, Any]) -> None:
    notes: list[str] = []
    url = "" if "url:" in keys else "url: http://localhost:2801/, "
    text = f"http_output: {{enabled: true, {url}{keys}}}"
    assert http_output(reader_of(text, notes)) == options
    assert notes == []


def test_falcos_http_output_that_is_not_enabled_needs_nothing() -> None:
    assert http_output(reader_of("http_output: {enabled: false, url: ''}", [])) is None


@pytest.mark.parametrize(("text", "key"), [("program_output", "program"), ("http_output", "url")])
def test_outputs_that_miss_what_they_need_are_refused(text: str, key: str) -> None:
    reader = reader_of(f"{text}: {{enabled: true}}", [])
    with pytest.raises(ConfigError, match=rf"{text}\.{key} is missing"):
        (program_output if text == "program_output" else http_output)(reader)


@pytest.mark.parametrize(
    ("text", "there", "options", "note"),
    [
        ("", True, None, None),
        ("syslog_output:", True, None, None),
        ("syslog_output: {enabled: false}", False, None, None),
        ("syslog_output: {enabled: true}", True, {"app_name": "falco"}, None),
        ("syslog_output: {enabled: true}", False, None, "there is no {}: alerts go to the other outputs"),
    ],
)
def test_syslog_is_used_where_this_host_has_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    there: bool,
    options: dict[str, Any] | None,
    note: str | None,
) -> None:
    path = tmp_path / "log"
    if there:
        path.touch()
    monkeypatch.setattr(legacy, "SYSLOG_SOCKET", path)
    notes: list[str] = []
    assert syslog_output(reader_of(text, notes), notes.append) == options
    assert [said.partition("but ")[2] for said in notes] == ([note.format(path)] if note else [])
