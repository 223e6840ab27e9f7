"""`falcocore run` with Falco's keys for programs and HTTP: alerts arrive, and nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.support.falcocore_process import falcocore
from tests.support.http_receiver import Authority, Response, receiving
from tests.support.webhook_harness import RULES, audit_event


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A run over two events that raise an alert each."""
    (tmp_path / "rules.yaml").write_text(RULES)
    events = [audit_event("a"), audit_event("b")]
    (tmp_path / "audit.log").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    source = f"k8s_audit={tmp_path / 'audit.log'}"
    return ["run", "--source", source, "-r", str(tmp_path / "rules.yaml"), "-c", str(tmp_path / "f.yaml")]


def configure(tmp_path: Path, **keys: object) -> None:
    keys["outbox"] = {"path": str(tmp_path / "state")}
    (tmp_path / "f.yaml").write_text(yaml.safe_dump(keys))


@pytest.mark.parametrize("as_json", [True, False])
def test_alerts_are_posted_as_falco_does(arguments: list[str], tmp_path: Path, as_json: bool) -> None:
    with receiving() as receiver:
        http = {"enabled": True, "url": receiver.url, "keep_alive": False}
        configure(tmp_path, json_output=as_json, http_output=http)
        ended = falcocore(*arguments)
    assert (ended.status, ended.out) == (0, "")
    kinds = {request.headers["content-type"] for request in receiver.requests}
    assert kinds == {"application/json" if as_json else "text/plain; charset=utf-8"}
    assert {request.headers["user-agent"] for request in receiver.requests} == {"falcosecurity/falco"}
    assert len(receiver.bodies) == 2
    for body, name in zip(receiver.bodies, "ab", strict=True):
        text = json.loads(body)["output"] if as_json else body.decode()
        assert text.endswith(f": Notice created {name}")


def test_alerts_are_posted_with_mutual_tls(arguments: list[str], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client", "falcocore")
    with receiving(tls=authority.server(client_ca=authority.file)) as receiver:
        http = {
            "enabled": True,
            "url": receiver.url,
            "ca_cert": str(authority.file),
            "mtls": True,
            "client_cert": str(certificate),
            "client_key": str(key),
        }
        configure(tmp_path, http_output=http)
        ended = falcocore(*arguments)
    assert (ended.status, len(receiver.requests)) == (0, 2)


@pytest.mark.parametrize("keep_alive", [True, False])
def test_alerts_are_given_to_a_program_as_falco_does(
    arguments: list[str], tmp_path: Path, keep_alive: bool
) -> None:
    program = f"echo start >> {tmp_path}/out; cat >> {tmp_path}/out; cat {tmp_path}/out | wc -l"
    configure(tmp_path, program_output={"enabled": True, "keep_alive": keep_alive, "program": program})
    ended = falcocore(*arguments)
    lines = [line[-9:] for line in (tmp_path / "out").read_text().splitlines()]
    if keep_alive:
        assert lines == ["start", "created a", "created b"]
        assert ended.out.split() == ["3"]
    else:
        assert lines == ["start", "created a", "start", "created b"]
        assert ended.out.split() == ["2", "4"]
    assert ended.status == 0


def test_receiver_that_refuses_is_an_error_that_is_said(arguments: list[str], tmp_path: Path) -> None:
    with receiving(Response(404, b"no such stream")) as receiver:
        configure(tmp_path, http_output={"enabled": True, "url": receiver.url})
        ended = falcocore(*arguments)
    assert f"{receiver.url} answered 404: no such stream" in ended.err
