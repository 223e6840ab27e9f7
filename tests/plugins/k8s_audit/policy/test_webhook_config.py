"""The kubeconfig for the webhook, and the instructions in its comments."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from falcocore.api import ConfigError
from falcocore_k8s_audit.policy.webhook_config import DISTRIBUTIONS, webhook_config

URL = "https://10.0.0.5:9765/k8s-audit"


CA = b"""\
-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUHPkK6f9wrzrwaYRNjTggzOOvIV8wCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjYxOTIxNTRaGA8yMTI2MTEwMjE5MjE1
NFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPsI
r2gPuxCdtCdI8hn2V9c8G+2xzRhV4yk46TLGu5/8bAdUkjscpOnBhXXFX0cCqTW9
iWgm8wps29F129vmAKmjUzBRMB0GA1UdDgQWBBTSvtaNxf3ZF4N/AVKswVc5iI/S
AzAfBgNVHSMEGDAWgBTSvtaNxf3ZF4N/AVKswVc5iI/SAzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIE9kI4jnWzyA20iWocQRvMi0hS1i7o1TRmyx
qdPuxgAaAiBBc7nSYPbg3bm/D2xzf+oGb6HBiRJCL3CYMa9Xl4XvVQ==
-----END CERTIFICATE-----
"""
"""A certificate of its own authority."""


def config_of(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_kubeconfig_leads_to_the_url_with_certificate_and_token() -> None:
    config = config_of(webhook_config(URL, CA, "secret-token"))
    assert (config["apiVersion"], config["kind"]) == ("v1", "Config")
    (context,) = config["contexts"]
    (cluster,) = config["clusters"]
    (user,) = config["users"]
    assert config["current-context"] == context["name"]
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert cluster["cluster"]["server"] == URL
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == CA
    assert user["user"] == {"token": "secret-token"}


def test_kubeconfig_without_certificate_and_token() -> None:
    config = config_of(webhook_config("http://127.0.0.1:9765/k8s-audit", None, None))
    assert config["clusters"][0]["cluster"] == {"server": "http://127.0.0.1:9765/k8s-audit"}
    assert config["users"][0]["user"] == {}


def instructions(name: str) -> str:
    """The comments for one distribution, as text."""
    lines = webhook_config(URL, None, None, name).splitlines()
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines if line.startswith("#"))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_flags_are_shown_for_each_distribution(name: str) -> None:
    text = instructions(name)
    assert f"--- {name}" in text
    assert text.count("---") == 1
    for flag in ("audit-policy-file", "audit-webhook-config-file", "audit-webhook-batch-max-wait"):
        assert flag in text


def test_all_distributions_are_shown_unless_one_is_asked_for() -> None:
    text = webhook_config(URL, None, None)
    assert [name for name in DISTRIBUTIONS if f"# --- {name}\n" in text] == list(DISTRIBUTIONS)


def document_in(text: str) -> Any:
    """The YAML at the end of the instructions."""
    return yaml.safe_load(text[text.rindex(":\n\n") + 3 :])


def test_kubeadm_mounts_the_folder_of_both_files() -> None:
    server = document_in(instructions("kubeadm"))["apiServer"]
    files = {one["name"]: one["value"] for one in server["extraArgs"]}
    (volume,) = server["extraVolumes"]
    assert files["audit-policy-file"].startswith(volume["mountPath"] + "/")
    assert files["audit-webhook-config-file"].startswith(volume["mountPath"] + "/")
    assert volume["readOnly"] is True


def test_kind_mounts_a_folder_of_this_machine_through_the_node() -> None:
    (node,) = document_in(instructions("kind"))["nodes"]
    patch = yaml.safe_load(node["kubeadmConfigPatches"][0])
    (mount,) = node["extraMounts"]
    (volume,) = patch["apiServer"]["extraVolumes"]
    assert mount["containerPath"] == volume["hostPath"]
    assert patch["apiServer"]["extraArgs"]["audit-policy-file"].startswith(volume["mountPath"])


def test_k3s_takes_the_flags_as_a_list() -> None:
    arguments = document_in(instructions("k3s"))["kube-apiserver-arg"]
    assert "audit-webhook-batch-max-wait=5s" in arguments


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("10.0.0.5:9765/k8s-audit", "is no http or https URL"),
        ("ftp://host/k8s-audit", "is no http or https URL"),
        ("https:///k8s-audit", "is no http or https URL"),
        ("https://host:port/k8s-audit", "Port could not be cast"),
        ("https://10.0.0.5:9765", "has no path"),
        ("https://10.0.0.5:9765/", "has no path"),
    ],
)
def test_url_that_leads_nowhere(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        webhook_config(url, None, None)


@pytest.mark.parametrize("token", ["", "two words", "tök", "a\nb"])
def test_token_that_no_header_can_hold(token: str) -> None:
    with pytest.raises(ConfigError, match="one word of printable ASCII"):
        webhook_config(URL, None, token)


@pytest.mark.parametrize("data", [b"", b"text", b"\xff", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_certificate_that_is_none(data: bytes) -> None:
    with pytest.raises(ConfigError, match="holds no certificate in PEM"):
        webhook_config(URL, data, None)


def test_certificate_for_a_url_without_tls() -> None:
    with pytest.raises(ConfigError, match="of no use with an http URL"):
        webhook_config("http://host:1/k8s-audit", CA, None)
