"""The kubeconfig with which the kube-apiserver finds the webhook, and how to tell it."""

from __future__ import annotations

import base64
import ssl
import textwrap
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from falcocore.api import ConfigError

_FOLDER = "/etc/kubernetes/audit"
_POLICY = "policy.yaml"
_CONFIG = "webhook.yaml"
_WIDTH: Final = 108


def _flags(folder: str) -> dict[str, str]:
    """The flags of the API server; without the last, it keeps events for 30 seconds before it sends them."""
    return {
        "audit-policy-file": f"{folder}/{_POLICY}",
        "audit-webhook-config-file": f"{folder}/{_CONFIG}",
        "audit-webhook-batch-max-wait": "5s",
    }


def _api_server(folder: str) -> dict[str, Any]:
    """`apiServer` of a ClusterConfiguration of kubeadm v1beta4, which takes arguments as a list."""
    volume = {
        "name": "audit",
        "hostPath": folder,
        "mountPath": folder,
        "readOnly": True,
        "pathType": "Directory",
    }
    return {
        "extraArgs": [{"name": name, "value": value} for name, value in _flags(folder).items()],
        "extraVolumes": [volume],
    }


def _kubeadm() -> tuple[str, str]:
    document = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "apiServer": _api_server(_FOLDER),
    }
    text = f"""
        Put the policy as {_POLICY} and this file as {_CONFIG} into {_FOLDER} of each control-plane node,
        merge this into the configuration and run `kubeadm init --config FILE`, or in a running cluster
        `kubeadm init phase control-plane apiserver --config FILE` on each of these nodes:"""
    return text, _yaml(document)


def _minikube() -> tuple[str, str]:
    # Of what minikube copies to the node, the API server's container sees the folders of certificates only.
    folder = "/etc/ssl/certs/audit"
    text = f"""
        Put the policy as {_POLICY} and this file as {_CONFIG} into ~/.minikube/files{folder}, which is
        copied to the node. The URL needs the address that `minikube ssh getent hosts host.minikube.internal`
        shows for this machine. Then start it with:"""
    flags = [f"  --extra-config=apiserver.{name}={value}" for name, value in _flags(folder).items()]
    return text, " \\\n".join(["minikube start", *flags]) + "\n"


def _kind() -> tuple[str, str]:
    # kind's patches are in kubeadm v1beta3, which takes arguments as a mapping.
    api_server = {**_api_server(_FOLDER), "extraArgs": _flags(_FOLDER)}
    node = {
        "role": "control-plane",
        "extraMounts": [{"hostPath": "./audit", "containerPath": _FOLDER, "readOnly": True}],
        "kubeadmConfigPatches": [_Block(_yaml({"kind": "ClusterConfiguration", "apiServer": api_server}))],
    }
    text = f"""
        Put the policy as {_POLICY} and this file as {_CONFIG} into ./audit. The URL needs the address of this
        machine in the network of the nodes, the gateway that `docker network inspect kind` shows. Then make
        the cluster with `kind create cluster --config FILE`, and this as the file:"""
    return text, _yaml({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]})


def _k3s() -> tuple[str, str]:
    folder = "/var/lib/rancher/k3s/server/audit"
    arguments = [f"{name}={value}" for name, value in _flags(folder).items()]
    text = f"""
        Put the policy as {_POLICY} and this file as {_CONFIG} into {folder} of each server, this into
        /etc/rancher/k3s/config.yaml, and run `systemctl restart k3s`:"""
    return text, _yaml({"kube-apiserver-arg": arguments})


DISTRIBUTIONS: Final = {"kubeadm": _kubeadm, "minikube": _minikube, "kind": _kind, "k3s": _k3s}
"""For each way to run a cluster what to do, and what to write for it."""


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
        text, block = DISTRIBUTIONS[name]()
        for line in ("", f"--- {name}", "", *_wrapped(text), "", *block.splitlines()):
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
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ca.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"--ca: it holds no certificate in PEM: {error}") from None
    return ca


def _checked_token(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError("--token: the file has to hold one word of printable ASCII, and nothing else")
    return token


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


class _Block(str):
    """A text of several lines that is YAML itself, and looks like it."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes a _Block as it is read."""


_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
)


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1000)
    return text
