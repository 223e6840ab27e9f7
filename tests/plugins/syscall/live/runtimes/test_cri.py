"""CRI: from a server that speaks gRPC, answers as containerd and CRI-O give them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falcocore_syscall.live.runtimes.cri import ask_cri
from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.wire import Message, encode
from tests.support.unix_servers import GrpcAnswer, grpc_handler, unix_server

CONTAINER, SANDBOX, IMAGE, DIGEST = "c0ffee" + "1" * 58, "5a4db0" + "2" * 58, "3" * 64, "sha256:" + "4" * 64
NODE, BIDIRECTIONAL = 2, 2
PATIENCE_S = 5.0

Answers = dict[str, bytes]


def texts(field: int, found: dict[str, str]) -> list[tuple[int, bytes]]:
    """A map of strings as fields of a message."""
    return [(field, encode((1, key), (2, value))) for key, value in found.items()]


def status_answer(image: str, reference: str, info: dict[str, Any], image_id: str = "") -> bytes:
    """A ContainerStatusResponse."""
    status = encode(
        (1, CONTAINER),
        (2, encode((1, "web"), (2, 3))),
        (3, 1),
        (8, encode((1, image))),
        (9, reference),
        *texts(12, {"tier": "front"}),
        (14, encode((1, "/data"), (2, "/srv"), (3, 1))),
        (14, encode((1, "/dev/x"), (2, "/dev"), (5, BIDIRECTIONAL))),
        (17, image_id),
    )
    return encode((1, status), *texts(2, {"info": json.dumps(info)}))


def sandbox_answer(info: dict[str, Any]) -> bytes:
    """A PodSandboxStatusResponse."""
    status = encode(
        (1, SANDBOX),
        (2, encode((1, "web-1"), (2, "u-1"), (3, "prod"))),
        (5, encode((1, "10.1.2.3"))),
        (6, encode((1, encode((2, encode((2, NODE), (3, NODE))))))),
        *texts(7, {"app": "shop"}),
    )
    return encode((1, status), *texts(2, {"info": json.dumps(info)}))


CONTAINERD: Answers = {
    "Version": encode((1, "0.1.0"), (2, "containerd"), (3, "v2.1.0"), (4, "v1")),
    "ListContainers": encode((1, encode((1, CONTAINER), (2, SANDBOX)))),
    "ContainerStatus": status_answer(
        "docker.io/library/nginx:1.27",
        f"docker.io/library/nginx@{DIGEST}",
        {
            "pid": 7,
            "config": {
                "image": {"image": f"sha256:{IMAGE}"},
                "linux": {"security_context": {"privileged": True}},
            },
        },
    ),
    "ListPodSandbox": encode((1, encode((1, SANDBOX)))),
    "PodSandboxStatus": sandbox_answer(
        {
            "cniResult": {"Interfaces": {"eth0": {"IPConfigs": [{"IP": "10.1.2.3"}]}}},
            "runtimeSpec": {"annotations": {"io.kubernetes.cri.image-name": "registry.k8s.io/pause:3.10"}},
        }
    ),
}
CRIO: Answers = {
    **CONTAINERD,
    "Version": encode((2, "cri-o")),
    "ContainerStatus": status_answer(
        IMAGE,
        f"quay.io/team/box@{DIGEST}",
        {
            "privileged": False,
            "runtimeSpec": {"annotations": {"io.kubernetes.cri-o.ImageName": "quay.io/team/box:2"}},
        },
        image_id=IMAGE,
    ),
    "PodSandboxStatus": sandbox_answer(
        {"runtimeSpec": {"annotations": {"io.kubernetes.cri-o.CNIResult": "{}"}}}
    ),
}


def served(
    answers: Answers, versions: tuple[str, ...] = ("v1",), packed: bool = False
) -> Callable[..., GrpcAnswer]:
    """A runtime with these answers; ids are looked up like those of containerd, by their beginning."""

    def answer(method: str, request: bytes) -> GrpcAnswer:
        version, _, name = method.removeprefix("/runtime.").partition(".RuntimeService/")
        if version not in versions or name not in answers:
            return GrpcAnswer(status=12, text=f"unknown service runtime.{version}")
        wanted = Message(request).message(1).text(1) if name.startswith("List") else ""
        listed = {"ListContainers": CONTAINER, "ListPodSandbox": SANDBOX}.get(name, "")
        return GrpcAnswer(answers[name] if listed.startswith(wanted) else b"", packed=packed)

    return answer


COMMON = {
    "id": CONTAINER[:12], "full_id": CONTAINER, "name": "web", "host_network": False, "host_pid": True,
    "host_ipc": True, "ip": "10.1.2.3", "port_mappings": [], "env": [], "is_pod_sandbox": False,
    "pod_sandbox_id": SANDBOX, "pod_sandbox_labels": {"app": "shop"},
    "labels": {
        "tier": "front", "io.kubernetes.sandbox.id": SANDBOX, "io.kubernetes.pod.uid": "u-1",
        "io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "prod",
    },
    "Mounts": [
        {"Source": "/srv", "Destination": "/data", "Mode": "", "RW": False, "Propagation": "private"},
        {"Source": "/dev", "Destination": "/dev/x", "Mode": "", "RW": True, "Propagation": "rshared"},
    ],
}  # fmt: skip
OF_CONTAINERD = {
    **COMMON, "type": 7, "privileged": True, "image": "docker.io/library/nginx:1.27", "imageid": IMAGE,
    "imagerepo": "docker.io/library/nginx", "imagetag": "1.27", "imagedigest": DIGEST,
    "cni_json": '{"eth0":{"IPConfigs":[{"IP":"10.1.2.3"}]}}',
}  # fmt: skip
OF_CRIO = {
    **COMMON, "type": 8, "privileged": False, "image": "quay.io/team/box:2", "imageid": IMAGE,
    "imagerepo": "quay.io/team/box", "imagetag": "2", "imagedigest": DIGEST, "cni_json": "{}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "versions", "packed", "expected"),
    [
        (CONTAINERD, ("v1",), False, OF_CONTAINERD),
        (CONTAINERD, ("v1", "v1alpha2"), True, OF_CONTAINERD),
        (CONTAINERD, ("v1alpha2",), False, OF_CONTAINERD),
        (CRIO, ("v1",), False, OF_CRIO),
        ({**CONTAINERD, "Version": encode((2, "other"))}, ("v1",), False, {**OF_CONTAINERD, "type": 6}),
    ],
)
def test_every_key_of_a_container(
    socket_folder: Path, answers: Answers, versions: tuple[str, ...], packed: bool, expected: dict[str, Any]
) -> None:
    path = socket_folder / "s"
    with unix_server(path, grpc_handler(served(answers, versions, packed))):
        assert ask_cri(str(path), CONTAINER[:12], time.monotonic() + PATIENCE_S) == expected
        assert ask_cri(str(path), "f" * 12, time.monotonic() + PATIENCE_S) is None


def test_the_sandbox_of_a_pod(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with unix_server(path, grpc_handler(served(CONTAINERD))):
        found = ask_cri(str(path), SANDBOX, time.monotonic() + PATIENCE_S)
    assert found is not None
    expected = {
        "full_id": SANDBOX, "name": "web-1", "is_pod_sandbox": True, "pod_sandbox_id": SANDBOX,
        "image": "registry.k8s.io/pause:3.10", "imagerepo": "registry.k8s.io/pause", "imagetag": "3.10",
        "privileged": False, "type": 7, "Mounts": [],
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("image", "reference", "info", "expected"),
    [
        (f"sha256:{IMAGE}", f"sha256:{IMAGE}", {}, ("", "", "", IMAGE)),
        ("reg:5000/box:1", f"sha256:{IMAGE}", {}, ("reg:5000/box:1", "1", "", IMAGE)),
        ("", f"reg/box@{DIGEST}", {}, (f"reg/box@{DIGEST}", "", DIGEST, "")),
        ("box:1", "box:1", {"config": {"image": {"image": IMAGE}}}, ("box:1", "1", "", IMAGE)),
        ("box:1", "box:1", {"config": 5, "runtimeSpec": []}, ("box:1", "1", "", "")),
    ],
)
def test_images(
    socket_folder: Path, image: str, reference: str, info: dict[str, Any], expected: tuple[str, ...]
) -> None:
    path = socket_folder / "s"
    answers = {**CONTAINERD, "ContainerStatus": status_answer(image, reference, info)}
    with unix_server(path, grpc_handler(served(answers))):
        found = ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S)
    assert found is not None
    assert tuple(found[key] for key in ("image", "imagetag", "imagedigest", "imageid")) == expected


def test_info_that_is_no_json(socket_folder: Path) -> None:
    path = socket_folder / "s"
    for info in ("{", "[]", '{"a":' * 100_000):
        status = encode((1, encode((1, CONTAINER))), *texts(2, {"info": info}))
        with unix_server(path, grpc_handler(served({**CONTAINERD, "ContainerStatus": status}))):
            found = ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S)
        assert found is not None
        assert found["privileged"] is False


def test_an_answer_larger_than_a_window(socket_folder: Path) -> None:
    path = socket_folder / "s"
    info = {"privileged": True, "padding": "x" * 3_000_000}
    answers = {**CONTAINERD, "ContainerStatus": status_answer("box:1", "", info)}
    with unix_server(path, grpc_handler(served(answers))):
        found = ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S)
    assert found is not None
    assert found["privileged"] is True


def _refusing(method: str, status: int) -> Callable[..., GrpcAnswer]:
    rest = served(CONTAINERD)
    return lambda name, request: (
        GrpcAnswer(status=status, text="not%20now") if name.endswith(f"/{method}") else rest(name, request)
    )


@pytest.mark.parametrize("method", ["ContainerStatus", "PodSandboxStatus"])
def test_a_container_that_is_gone_in_between(socket_folder: Path, method: str) -> None:
    path = socket_folder / "s"
    with unix_server(path, grpc_handler(_refusing(method, 5))):
        assert ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S) is None


@pytest.mark.parametrize(("method", "status"), [("Version", 12), ("Version", 14), ("ListContainers", 2)])
def test_refusals(socket_folder: Path, method: str, status: int) -> None:
    path = socket_folder / "s"
    with (
        unix_server(path, grpc_handler(_refusing(method, status))),
        pytest.raises(UnansweredError, match=f"gRPC status {status}: not now"),
    ):
        ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S)


def _raw(data: bytes) -> GrpcAnswer:
    answer = GrpcAnswer()
    answer.data = data
    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_raw(b""), "not one whole message"),
        (_raw(b"\0\0\0\0\5abc"), "not one whole message"),
        (_raw(b"\0\0\0\0\0\0\0\0\0\0"), "not one whole message"),
        (_raw(b"\1\0\0\0\1a"), "compressed by nobody knows what"),
        (_raw(b"\0\0\0\0\2\x12\x07"), "no message: it ends inside a field"),
    ],
)
def test_messages_that_are_none(socket_folder: Path, answer: GrpcAnswer, reason: str) -> None:
    path = socket_folder / "s"
    with unix_server(path, grpc_handler(lambda *_: answer)), pytest.raises(UnansweredError, match=reason):
        ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no HTTP/2|Broken pipe|connection was closed"),
        (b"\0" * 100, "no HTTP/2"),
        (b"", "the connection was closed"),
    ],
)
def test_servers_that_speak_something_else(socket_folder: Path, data: bytes, reason: str) -> None:
    path = socket_folder / "s"

    def handle(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(data)

    with unix_server(path, handle), pytest.raises(UnansweredError, match=reason):
        ask_cri(str(path), CONTAINER, time.monotonic() + PATIENCE_S)


def test_a_server_that_hangs(socket_folder: Path) -> None:
    path = socket_folder / "s"
    done = threading.Event()

    def hang(*_: object) -> GrpcAnswer:
        done.wait(PATIENCE_S)
        return GrpcAnswer()

    with unix_server(path, grpc_handler(hang)):
        with pytest.raises(UnansweredError, match="no answer in time"):
            ask_cri(str(path), CONTAINER, time.monotonic() + 0.2)
        done.set()
