"""Answers of Docker and Podman, in the words of captures; from servers that send what those send."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from falcocore_syscall.live.runtimes.docker import ask_docker, docker_data
from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.state.containers import RuntimeType
from tests.support.unix_servers import http_answer, http_handler, unix_server

CONTAINER, IMAGE, SANDBOX = "c0ffee" + "1" * 58, "f68d6e" + "2" * 58, "5a4db0" + "3" * 58
DIGEST = "sha256:" + "4" * 64

DOCKER: dict[str, Any] = {
    "Id": CONTAINER,
    "Name": "/shop-web",
    "Image": f"sha256:{IMAGE}",
    "State": {"Status": "running", "Pid": 4711},
    "HostConfig": {"NetworkMode": "bridge", "PidMode": "", "IpcMode": "private", "Privileged": False},
    "Mounts": [
        {
            "Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data",
            "Destination": "/data", "Driver": "local", "Mode": "z", "RW": True, "Propagation": "",
        },
        {
            "Type": "bind", "Source": "/etc", "Destination": "/e", "Mode": "ro", "RW": False,
            "Propagation": "rprivate",
        },
    ],
    "Config": {"Image": "nginx", "Env": ["PASSWORD=secret"], "Labels": {"maintainer": "someone"}},
    "NetworkSettings": {
        "Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
            "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}],
            "443/tcp": None,
        },
        "Networks": {"none": {"IPAddress": ""}, "bridge": {"IPAddress": "172.17.0.2"}},
    },
}  # fmt: skip
"""As Docker 29 answers, which has no IPAddress beside the networks any more."""
IMAGE_DATA = {
    "Id": f"sha256:{IMAGE}",
    "RepoTags": ["mirror.example/nginx:1.27", "nginx:latest"],
    "RepoDigests": [f"mirror.example/nginx@sha256:{'5' * 64}", f"nginx@{DIGEST}"],
}
EXPECTED = {
    "type": 0, "id": CONTAINER[:12], "full_id": CONTAINER, "name": "shop-web", "image": "nginx",
    "imageid": IMAGE, "imagerepo": "nginx", "imagetag": "latest", "imagedigest": DIGEST, "privileged": False,
    "host_network": False, "host_pid": False, "host_ipc": False, "ip": "172.17.0.2",
    "port_mappings": [{"HostIp": 0, "HostPort": 8080, "ContainerPort": 80}],
    "Mounts": [
        {
            "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/data", "Mode": "z", "RW": True,
            "Propagation": "",
        },
        {"Source": "/etc", "Destination": "/e", "Mode": "ro", "RW": False, "Propagation": "rprivate"},
    ],
    "labels": {"maintainer": "someone"}, "env": [], "cni_json": "", "is_pod_sandbox": False,
    "pod_sandbox_id": "", "pod_sandbox_labels": {},
}  # fmt: skip


def test_every_key_of_a_container_of_docker() -> None:
    assert docker_data(DOCKER, IMAGE_DATA, {}, RuntimeType.DOCKER) == EXPECTED


@pytest.mark.parametrize(
    ("changes", "image", "expected"),
    [
        ({"Config": {"Image": "nginx:1.27"}}, {}, {"image": "nginx:1.27", "imagetag": "1.27"}),
        (
            {"Config": {"Image": f"reg:5000/box@{DIGEST}"}},
            {},
            {"imagerepo": "reg:5000/box", "imagetag": "", "imagedigest": DIGEST},
        ),
        (
            {"Config": {"Image": IMAGE[:12]}},
            IMAGE_DATA,
            {"image": "mirror.example/nginx:1.27", "imagerepo": "mirror.example/nginx", "imagetag": "1.27"},
        ),
        (
            {"Config": {"Image": IMAGE}},
            {"RepoTags": [], "RepoDigests": [f"nginx@{DIGEST}"]},
            {"image": f"nginx@{DIGEST}", "imagerepo": "nginx", "imagetag": "", "imagedigest": DIGEST},
        ),
        # An image without any name is called by its id.
        ({"Config": {"Image": IMAGE}}, {"RepoTags": None}, {"image": IMAGE, "imagerepo": "", "imagetag": ""}),
        (
            {"HostConfig": {"Privileged": True, "NetworkMode": "host", "PidMode": "host", "IpcMode": "host"}},
            {},
            {"privileged": True, "host_network": True, "host_pid": True, "host_ipc": True},
        ),
        # Podman 4: PidMode private, IpcMode shareable, no mounts as null, an address beside the networks.
        (
            {
                "HostConfig": {"NetworkMode": "bridge", "PidMode": "private", "IpcMode": "shareable"},
                "Mounts": None,
                "Config": {"Image": "localhost/box:1", "Labels": None},
                "NetworkSettings": {"IPAddress": "10.88.0.7", "Networks": {"x": {"IPAddress": "10.88.0.8"}}},
            },
            {},
            {
                "privileged": False, "host_network": False, "host_pid": False, "host_ipc": False,
                "Mounts": [], "labels": {}, "ip": "10.88.0.7", "imagerepo": "localhost/box",
            },
        ),
        # Nothing has the type that it should have.
        (
            {
                "Name": 5, "Config": [], "HostConfig": 1, "Mounts": ["x", {"RW": "yes"}],
                "NetworkSettings": {"Ports": []},
            },
            {},
            {
                "name": "", "labels": {}, "image": "", "privileged": False, "ip": "", "port_mappings": [],
                "Mounts": [{"Source": "", "Destination": "", "Mode": "", "RW": False, "Propagation": ""}],
            },
        ),
    ],
)  # fmt: skip
def test_differences(changes: dict[str, Any], image: dict[str, Any], expected: dict[str, Any]) -> None:
    found = docker_data({**DOCKER, **changes}, image, {}, RuntimeType.DOCKER)
    assert {key: found[key] for key in expected} == expected


POD_LABELS = {
    "io.kubernetes.pod.name": "web-1",
    "io.kubernetes.pod.namespace": "prod",
    "io.kubernetes.pod.uid": "u-1",
}
POD_SANDBOX = {
    "Id": SANDBOX,
    "Config": {"Labels": {**POD_LABELS, "app": "shop", "io.kubernetes.docker.type": "podsandbox"}},
    "NetworkSettings": {"Networks": {"cni": {"IPAddress": "10.1.2.3"}}},
}


def answers_of_docker() -> dict[str, Any]:
    """A container on its own, and one of a pod as cri-dockerd makes them."""
    in_pod = {
        **DOCKER,
        "Config": {"Image": f"sha256:{IMAGE}", "Labels": {**POD_LABELS, "io.kubernetes.sandbox.id": SANDBOX}},
        "HostConfig": {"NetworkMode": f"container:{SANDBOX}"},
        "NetworkSettings": {"Networks": {}},
    }
    return {
        f"/containers/{CONTAINER[:12]}/json": DOCKER,
        f"/containers/{'a' * 12}/json": {**in_pod, "Id": "a" * 64},
        f"/containers/{SANDBOX}/json": POD_SANDBOX,
        f"/images/sha256:{IMAGE}/json": IMAGE_DATA,
    }


def test_image_and_pod_are_asked_for(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with unix_server(path, http_handler(answers_of_docker())):
        assert ask_docker(str(path), CONTAINER[:12], time.monotonic() + 5) == EXPECTED
        found = ask_docker(str(path), "a" * 12, time.monotonic() + 5)
        sandbox = ask_docker(str(path), SANDBOX, time.monotonic() + 5)
        assert ask_docker(str(path), "b" * 12, time.monotonic() + 5) is None
    assert found is not None
    assert {key: found[key] for key in ("ip", "pod_sandbox_id", "is_pod_sandbox", "imagerepo")} == {
        "ip": "10.1.2.3", "pod_sandbox_id": SANDBOX, "is_pod_sandbox": False,
        "imagerepo": "mirror.example/nginx",
    }  # fmt: skip
    assert found["pod_sandbox_labels"]["app"] == "shop"
    assert sandbox is not None
    assert (sandbox["is_pod_sandbox"], sandbox["pod_sandbox_id"]) == (True, SANDBOX)


def test_podman_is_known_by_its_header(socket_folder: Path) -> None:
    path = socket_folder / "docker.sock"
    with unix_server(path, http_handler(answers_of_docker(), headers="Libpod-Api-Version: 4.3.1\r\n")):
        found = ask_docker(str(path), CONTAINER[:12], time.monotonic() + 5)
    assert found is not None
    assert found["type"] == RuntimeType.PODMAN


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"garbage\r\n\r\n", "no HTTP: BadStatusLine"),
        (b"SSH-2.0-x", "no HTTP: BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "no HTTP: IncompleteRead"),
        (CHUNKED + b"5\r\n{}", "no HTTP: IncompleteRead"),
        (CHUNKED + b"zz\r\n{}", "no HTTP: IncompleteRead"),
        (http_answer(b"[]"), "no JSON object"),
        (http_answer(b"{"), "no JSON object"),
        (http_answer(b'{"Id": "\xff"}'), "no JSON object"),
        (http_answer(b'{"a":' * 100_000), "no JSON object"),
        (http_answer(b"{}", "500 Internal Server Error"), "HTTP status 500"),
        (http_answer(b"{}", "301 Moved"), "HTTP status 301"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (17 << 20), "bytes came"),
    ],
)
def test_answers_that_are_none(socket_folder: Path, answer: bytes, reason: str) -> None:
    path = socket_folder / "s"
    with (
        unix_server(path, http_handler({f"/containers/{CONTAINER}/json": answer})),
        pytest.raises(UnansweredError, match=reason),
    ):
        ask_docker(str(path), CONTAINER, time.monotonic() + 5)


def test_a_chunked_answer(socket_folder: Path) -> None:
    path = socket_folder / "s"
    body = CHUNKED + b'5\r\n{"Id"\r\n6\r\n:"c0"}\r\n0\r\n\r\n'
    with unix_server(path, http_handler({f"/containers/{CONTAINER}/json": body})):
        found = ask_docker(str(path), CONTAINER, time.monotonic() + 5)
    assert found is not None
    assert found["full_id"] == "c0"
