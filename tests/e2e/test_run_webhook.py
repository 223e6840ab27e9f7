"""`falcocore run` with the webhook: alerts, signals, and the ways of falco.yaml to start it."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support.falcocore_process import WEBHOOK, Running, falcocore, post
from tests.support.webhook_harness import RULES, SAFETY_S, audit_event, event_list

LARGER_THAN_A_PIPE = "x" * (1 << 18)
ALERT = "00:18:28.428398000: Notice created "


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return str(path)


def test_alerts_are_all_that_is_on_stdout_and_totals_are_on_stderr(rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules) as running:
        url = running.url()
        assert post(url, event_list(audit_event("a"), audit_event("b", verb="get"), 5)).status == 200
        assert running.alert() == f"{ALERT}a"
        assert post(url, {"kind": "Pod"}).status == 400
        assert post(url, audit_event("c")).status == 200
        ended = running.end()
    assert ended.status == 0
    assert ended.alerts == [f"{ALERT}c"]
    totals = ended.err.splitlines()[-1]
    assert "3 events, 2 alerts (Notice 2), 2 items could not be read" in totals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_finishes_what_was_accepted(number: signal.Signals, rules: str) -> None:
    # stdout is full before its line is complete, and the request waits for the rest to be read.
    output = yaml.safe_load(Path(rules).read_text())
    output[0]["output"] = "created %ka.auditid %ka.useragent"
    Path(rules).write_text(yaml.safe_dump(output))
    document = audit_event("a", userAgent=LARGER_THAN_A_PIPE)
    with ThreadPoolExecutor() as pool, Running("run", "--source", WEBHOOK, "-r", rules) as running:
        url = running.url()
        accepted = pool.submit(post, url, document)
        begin = running.stdout.read(1).decode()
        running.send(number)
        running.said(number.name)
        assert post(url, audit_event("late")).status == 503
        ended = running.end(None)
        assert accepted.result().status == 200
    assert ended.status == 0
    assert begin + ended.out == f"{ALERT}a {LARGER_THAN_A_PIPE}\n"
    assert "1 events, 1 alerts" in ended.err.splitlines()[-1]


def test_open_connections_do_not_hold_the_end_up(rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules) as running:
        parts = urlsplit(running.url())
        place = (parts.hostname, parts.port)
        with socket.create_connection(place), socket.create_connection(place) as begun:
            begun.sendall(b"POST /k8s-audit HTTP/1.1\r\nHost: test\r\n")
            assert post(parts.geturl(), audit_event("a")).status == 200
            assert running.end().status == 0


def test_json_alert_has_the_shape_of_falco(rules: str) -> None:
    arguments = ("run", "--source", WEBHOOK, "-r", rules, "-o", "json_output=true")
    with Running(*arguments, FALCO_HOSTNAME="node-1") as running:
        assert post(running.url(), audit_event("a")).status == 200
        line = running.alert()
        assert running.end().out == ""
    found = json.loads(line)
    assert list(found) == sorted(found)
    assert found == {
        "hostname": "node-1",
        "output": f"{ALERT}a",
        "output_fields": {"evt.time": 1539994708428398000, "ka.auditid": "a"},
        "priority": "Notice",
        "rule": "Created",
        "source": "k8s_audit",
        "tags": [],
        "time": "2018-10-20T00:18:28.428398000Z",
    }


def test_file_is_rotated_with_a_signal(rules: str, tmp_path: Path) -> None:
    path, rotated = tmp_path / "alerts", tmp_path / "alerts.1"
    file = f"file_output={{enabled: true, keep_alive: true, filename: {path}}}"
    with Running("run", "--source", WEBHOOK, "-r", rules, "-o", file) as running:
        url = running.url()
        assert post(url, audit_event("a")).status == 200
        path.rename(rotated)
        assert post(url, audit_event("b")).status == 200
        running.send(signal.SIGUSR1)
        assert post(url, audit_event("c")).status == 200
        ended = running.end()
    assert (ended.status, ended.out) == (0, "")
    assert rotated.read_text() == f"{ALERT}a\n{ALERT}b\n"
    assert path.read_text() == f"{ALERT}c\n"


def test_alerts_that_can_not_be_written_are_asked_for_again(rules: str) -> None:
    file = "file_output={enabled: true, filename: /dev/full}"
    with Running("run", "--source", WEBHOOK, "-r", rules, "-o", file) as running:
        answer = post(running.url(), audit_event("a"))
        ended = running.end()
    assert answer.status == 503
    assert "/dev/full can't be written: No space left on device" in answer.text
    assert "1 events, 0 alerts, 1 output failure (file_output)" in ended.err.splitlines()[-1]


WEBSERVER = {
    "webserver": {
        "enabled": True,
        "listen_address": "127.0.0.1",
        "listen_port": 0,
        "k8s_audit_endpoint": "/events",
    }
}
PLUGINS = {
    "load_plugins": ["k8saudit", "json"],
    "plugins": [
        {
            "name": "k8saudit",
            "library_path": "libk8saudit.so",
            "init_config": {"webhookMaxBatchSize": 1000},
            "open_params": "http://127.0.0.1:0/events",
        },
        {"name": "json", "library_path": "libjson.so", "init_config": ""},
    ],
}


@pytest.mark.parametrize(("keys", "large"), [(WEBSERVER, 200), (PLUGINS, 413)])
def test_falco_yaml_starts_the_webhook(
    keys: dict[str, object], large: int, rules: str, tmp_path: Path
) -> None:
    config = tmp_path / "falco.yaml"
    config.write_text(yaml.safe_dump({**keys, "rules_files": [rules], "time_format_iso_8601": True}))
    with Running("run", "-c", str(config)) as running:
        url = running.url()
        assert urlsplit(url).path == "/events"
        assert post(url, audit_event("a")).status == 200
        assert running.alert() == "2018-10-20T00:18:28.428398000+0000: Notice created a"
        assert post(url, audit_event("b", userAgent="x" * 1000)).status == large
        assert running.end().status == 0


def test_webhook_goes_on_after_a_file_has_ended(rules: str, tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    file.write_text(f"{json.dumps(audit_event('of the file'))}\n")
    with Running("run", "--source", WEBHOOK, "--source", f"k8s_audit={file}", "-r", rules) as running:
        url = running.url()
        running.said(f"k8s_audit-2: reading {file}")
        assert running.alert() == f"{ALERT}of the file"
        assert post(url, audit_event("posted")).status == 200
        ended = running.end()
    assert ended.status == 0
    assert ended.alerts == [f"{ALERT}posted"]
    assert "2 events, 2 alerts" in ended.err.splitlines()[-1]


def test_end_of_the_reader_of_stdout_ends_the_run(rules: str) -> None:
    with Running("run", "--source", WEBHOOK, "-r", rules) as running:
        url = running.url()
        assert post(url, audit_event("a")).status == 200
        assert running.alert() == f"{ALERT}a"
        running.stdout.close()
        assert post(url, audit_event("b")).status == 503
        ended = running.end(None)
    assert ended.status == 1
    assert "standard output was closed by its reader" in ended.err


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_line_of_the_start_raises_an_alert() -> None:
    with Running("run", "--source", WEBHOOK) as running:
        line = running.said("To see an alert: ")
        command = line.partition("To see an alert: ")[2]
        subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=SAFETY_S)
        expected = "Warning K8s configmap with private credential (user=minikube-user verb=create"
        assert expected in running.alert()
        assert running.end().status == 0


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_sends_a_large_body(rules: str, tmp_path: Path) -> None:
    """For more than a megabyte it waits for `100 Continue` first."""
    body = tmp_path / "body"
    body.write_text(json.dumps(audit_event("a", userAgent="x" * (3 << 20))))
    with Running("run", "--source", WEBHOOK, "-r", rules) as running:
        arguments = ["curl", "-sv", "-H", "Content-Type: application/json", "--data-binary", f"@{body}"]
        done = subprocess.run([*arguments, running.url()], check=True, capture_output=True, timeout=SAFETY_S)
        assert b"HTTP/1.1 200" in done.stderr
        assert running.alert() == f"{ALERT}a"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://127.0.0.1:{port}/x", "can't listen on 127.0.0.1, port {port}: Address already in use"),
        ("http://192.0.2.1:0/x", "can't listen on 192.0.2.1, port 0: Cannot assign requested address"),
        ("http://[::1/x", "http://[::1/x has no valid host"),
        ("http://a..b:0/x", "a..b is no address of this machine"),
        ("http://127.0.0.1:99999/x", "http://127.0.0.1:99999/x has no valid port"),
        ("https://127.0.0.1:0/x", "https needs a certificate"),
        ("ftp://127.0.0.1/x", "the scheme `ftp` is not supported"),
    ],
)
def test_address_that_can_not_be_used_ends_the_run_with_a_message(target: str, said: str, rules: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = falcocore("run", "--source", f"k8s_audit={target.format(port=port)}", "-r", rules)
    assert (ended.status, ended.out) == (1, "")
    assert f"Error: source k8s_audit: {said.format(port=port)}" in ended.err
