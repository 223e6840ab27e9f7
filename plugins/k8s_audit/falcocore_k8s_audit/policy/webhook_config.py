"""The kubeconfig with which the kube-apiserver finds the webhook, and how to tell it."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from falcocore.api import ConfigError

_FOLDER = "/etc/kubernetes/audit"
_POLICY = "policy.yaml"
_CONFIG = "webhook.yaml"

_FLAGS: Final = {
    "audit-webhook-mode": "batch",
    "audit-webhook-batch-max-wait": "5s",
    "audit-webhook-initial-backoff": "1s",
}
"""Flags beside the two files. The server keeps events for 30 s without them, and repeats after 10 s."""


def _flags(folder: str) -> dict[str, str]:
    files = {"audit-policy-file": f"{folder}/{_POLICY}", "audit-webhook-config-file": f"{folder}/{_CONFIG}"}
    return {**files, **_FLAGS}


def _api_server(folder: str) -> dict[str, Any]:
    """`apiServer` of a ClusterConfiguration of kubeadm v1beta4: arguments as a list."""
    return {
        "extraArgs": [{"name": name, "value": value} for name, value in _flags(folder).items()],
        "extraVolumes": [
            {
                "name": "audit",
                "hostPath": folder,
                "mountPath": folder,
                "readOnly": True,
                "pathType": "Directory",
            }
        ],
    }


def _kubeadm() -> str:
    document = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "apiServer": _api_server(_FOLDER),
    }
    return (
        f"Put the policy as {_POLICY} and this file as {_CONFIG} into {_FOLDER} of each control-plane node,\n"
        "merge this into the configuration and run `kubeadm init --config FILE`, or in a running cluster,\n"
        "`kubeadm init phase control-plane apiserver --config FILE` on each of these nodes:\n\n"
        + _yaml(document)
    )


def _minikube() -> str:
    # Of what minikube copies to the node, the API server's container sees the folder of certificates only.
    folder = "/var/lib/minikube/certs/audit"
    flags = " \\\n".join(
        f"  --extra-config=apiserver.{name}={value}" for name, value in _flags(folder).items()
    )
    return (
        f"Put the policy as {_POLICY} and this file as {_CONFIG} into ~/.minikube/files{folder},\n"
        "which is copied to the node, and start with these (host.minikube.internal is this machine, but the\n"
        "URL needs its address, `minikube ssh getent hosts host.minikube.internal`):\n\n"
        f"minikube start \\\n{flags}\n"
    )


def _kind() -> str:
    patch = {"kind": "ClusterConfiguration", "apiServer": _v1beta3(_FOLDER)}
    node = {
        "role": "control-plane",
        "extraMounts": [{"hostPath": "./audit", "containerPath": _FOLDER, "readOnly": True}],
        "kubeadmConfigPatches": [_yaml(patch)],
    }
    document = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]}
    return (
        f"Put the policy as {_POLICY} and this file as {_CONFIG} into ./audit, and make the cluster with\n"
        "`kind create cluster --config FILE` (the URL needs the address of this machine in the network of\n"
        "the nodes, `docker network inspect kind`):\n\n" + _yaml(document)
    )


def _v1beta3(folder: str) -> dict[str, Any]:
    """The same for kubeadm v1beta3, which kind's patches are in: arguments as a mapping."""
    return {**_api_server(folder), "extraArgs": _flags(folder)}


def _k3s() -> str:
    folder = "/var/lib/rancher/k3s/server/audit"
    arguments = [f"{name}={value}" for name, value in _flags(folder).items()]
    return (
        f"Put the policy as {_POLICY} and this file as {_CONFIG} into {folder} of each server, this into\n"
        "/etc/rancher/k3s/config.yaml, and run `systemctl restart k3s`:\n\n"
        + _yaml({"kube-apiserver-arg": arguments})
    )


DISTRIBUTIONS: Final = {"kubeadm": _kubeadm, "minikube": _minikube, "kind": _kind, "k3s": _k3s}
"""What to do for each way to run a cluster."""


def webhook_config(url: str, ca: bytes | None, token: str | None, distribution: str | None = None) -> str:
    """A kubeconfig for `--audit-webhook-config-file`; comments say how to set the server up with it.

    `ca` is PEM. `distribution` is one of DISTRIBUTIONS; without it all are shown.

    Raises:
        ConfigError: the URL, the certificate or the token can't be used.
    """
    cluster: dict[str, Any] = {"server": _checked_url(url, ca)}
    if ca is not None:
        cluster["certificate-authority-data"] = base64.b64encode(_checked_ca(ca)).decode()
    user = {} if token is None else {"token": _checked_token(token)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "falcocore", "cluster": cluster}],
        "users": [{"name": "kube-apiserver", "user": user}],
        "contexts": [{"name": "falcocore", "context": {"cluster": "falcocore", "user": "kube-apiserver"}}],
        "current-context": "falcocore",
    }
    return "".join(_instructions(distribution)) + _yaml(config)


def _instructions(distribution: str | None) -> Iterator[str]:
    yield "# For --audit-webhook-config-file of the kube-apiserver. `falcocore k8s-audit policy` makes what\n"
    yield "# --audit-policy-file needs; the server reads both files when it starts.\n"
    for name in [distribution] if distribution is not None else DISTRIBUTIONS:
        yield f"#\n# --- {name}\n#\n"
        for line in DISTRIBUTIONS[name]().splitlines():
            yield f"# {line}".rstrip() + "\n"
    yield "\n"


def _checked_url(url: str, ca: bytes | None) -> str:
    hint = "give all of it, such as https://10.0.0.5:9765/k8s-audit"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"--url {url}: {error}", hint=hint) from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"--url {url} is no http or https URL", hint=hint)
    if parts.path in ("", "/"):
        raise ConfigError(f"--url {url} has no path", hint=hint)
    if ca is not None and parts.scheme == "http":
        raise ConfigError("--ca is of no use with an http URL", hint="begin the URL with https://")
    return url


def _checked_ca(ca: bytes) -> bytes:
    try:
        ssl.create_default_context(cadata=ca.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"--ca: it holds no certificate in PEM: {error}") from None
    return ca


def _checked_token(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("--token: the file has to hold one word of printable ASCII, and nothing else")
    return token


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, width=1000)
    return text
