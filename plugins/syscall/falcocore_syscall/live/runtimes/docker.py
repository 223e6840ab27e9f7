"""Docker, and Podman in its place: questions to them, and what the answers say in the words of captures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from falcocore_syscall.live.runtimes.image_names import ImageName, bare_id, is_image_id, of_repository
from falcocore_syscall.live.runtimes.json_api import get_json
from falcocore_syscall.state.containers import ID_LENGTH, RuntimeType

_PODMAN_HEADER = "Libpod-API-Version"
"""Podman sends it with every answer; only so is it known where its socket stands in the place of Docker's."""
_SHARED = "container:"
_SANDBOX_ID = "io.kubernetes.sandbox.id"
_SANDBOX_KIND = "io.kubernetes.docker.type"
"""Labels of cri-dockerd."""


def ask_docker(path: str, container_id: str, until_s: float) -> dict[str, Any] | None:
    """What the runtime behind this socket says of a container; None where it has no such one.

    Raises:
        UnansweredError: it does not answer before `until_s`, or not with anything of use.
    """
    answer = get_json(path, f"/containers/{container_id}/json", until_s)
    if answer is None:
        return None
    told = answer.data
    kind = RuntimeType.PODMAN if _PODMAN_HEADER in answer.headers else RuntimeType.DOCKER
    image_id = _text(told, "Image")
    image = get_json(path, f"/images/{image_id}/json", until_s) if is_image_id(image_id) else None
    lender_id = _text(_part(told, "HostConfig"), "NetworkMode")
    lender = None
    if lender_id.startswith(_SHARED) and is_image_id(lender_id.removeprefix(_SHARED)):
        lender = get_json(path, f"/containers/{lender_id.removeprefix(_SHARED)}/json", until_s)
    return docker_data(told, image.data if image else {}, lender.data if lender else {}, kind)


def docker_data(
    told: dict[str, Any], image: dict[str, Any], lender: dict[str, Any], kind: RuntimeType
) -> dict[str, Any]:
    """The object that captures carry, of the runtime's answers.

    Args:
        told: what it says of the container.
        image: what it says of the image, or nothing.
        lender: what it says of the container whose network this one shares, or nothing.
        kind: which runtime it is.
    """
    whole_id = _text(told, "Id")
    config, host = _part(told, "Config"), _part(told, "HostConfig")
    labels = _labels(config)
    sandbox_id = labels.get(_SANDBOX_ID, "")
    is_sandbox = labels.get(_SANDBOX_KIND) == "podsandbox"
    pod = told if is_sandbox else lender if sandbox_id and _text(lender, "Id") == sandbox_id else {}
    return {
        "type": kind,
        "id": whole_id[:ID_LENGTH],
        "full_id": whole_id,
        "name": _text(told, "Name").removeprefix("/"),
        **_image(_text(config, "Image"), _text(told, "Image"), image),
        "privileged": host.get("Privileged") is True,
        "host_network": host.get("NetworkMode") == "host",
        "host_pid": host.get("PidMode") == "host",
        "host_ipc": host.get("IpcMode") == "host",
        "ip": _address(told) or _address(lender),
        "port_mappings": list(_ports(told)),
        "Mounts": list(_mounts(told)),
        "labels": labels,
        "env": [],
        "cni_json": "",
        "is_pod_sandbox": is_sandbox,
        "pod_sandbox_id": whole_id if is_sandbox else sandbox_id,
        "pod_sandbox_labels": _labels(_part(pod, "Config")),
    }


def _image(asked: str, image_id: str, image: dict[str, Any]) -> dict[str, str]:
    """What was asked for when the container was made, completed by the names that the image has now."""
    tags, digests = _texts(image, "RepoTags"), _texts(image, "RepoDigests")
    if is_image_id(asked):
        asked = tags[0] if tags else digests[0] if digests else asked
    name = ImageName.of(asked)
    tagged, digested = of_repository(name.repository, tags), of_repository(name.repository, digests)
    return {
        "image": asked,
        "imageid": bare_id(image_id),
        "imagerepo": name.repository,
        "imagetag": name.tag or (tagged.tag if tagged else ""),
        "imagedigest": name.digest or (digested.digest if digested else ""),
    }


def _address(told: dict[str, Any]) -> str:
    settings = _part(told, "NetworkSettings")
    networks = _part(settings, "Networks")
    found = [_text(settings, "IPAddress")]
    found += [_text(_part(networks, name), "IPAddress") for name in networks]
    return next(filter(None, found), "")


def _ports(told: dict[str, Any]) -> Iterator[dict[str, int]]:
    ports = _part(_part(told, "NetworkSettings"), "Ports")
    for inner, outers in ports.items():
        number, _, protocol = inner.partition("/")
        for outer in outers if isinstance(outers, list) and protocol in ("", "tcp") else ():
            try:
                yield {
                    "HostIp": int(ipaddress.IPv4Address(outer["HostIp"] or "0.0.0.0")),  # noqa: S104
                    "HostPort": int(outer["HostPort"]),
                    "ContainerPort": int(number),
                }
            except (KeyError, TypeError, ValueError):
                continue


def _mounts(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for mount in told.get("Mounts") or ():
        if isinstance(mount, dict):
            yield {
                "Source": _text(mount, "Source"),
                "Destination": _text(mount, "Destination"),
                "Mode": _text(mount, "Mode"),
                "RW": mount.get("RW") is True,
                "Propagation": _text(mount, "Propagation"),
            }


def _labels(config: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in _part(config, "Labels").items() if isinstance(value, str)}


def _part(data: dict[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _text(data: dict[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""


def _texts(data: dict[str, Any], key: str) -> list[str]:
    found = data.get(key)
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
