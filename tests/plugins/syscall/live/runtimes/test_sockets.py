"""Where runtimes listen, and whom they may speak for."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from falcocore_syscall.live.runtimes.sockets import (
    DEFAULT_SOCKETS,
    Api,
    Endpoint,
    RuntimeSocket,
    endpoints,
)

HEX = "c0ffee" + "1" * 58
DEFAULTS = [RuntimeSocket.of(text) for text in DEFAULT_SOCKETS]


def _listen(root: Path, *paths: str) -> None:
    for path in paths:
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker:/run/docker.sock", RuntimeSocket(Api.DOCKER, "/run/docker.sock")),
        ("cri:/run/x:y.sock", RuntimeSocket(Api.CRI, "/run/x:y.sock")),
    ],
)
def test_what_is_configured(text: str, expected: RuntimeSocket) -> None:
    assert RuntimeSocket.of(text) == expected


@pytest.mark.parametrize("text", ["/run/docker.sock", "podman:/run/x", "cri:run/x", "cri:", ""])
def test_what_can_not_be_configured(text: str) -> None:
    with pytest.raises(ValueError, match="is no socket of a container runtime"):
        RuntimeSocket.of(text)


DOCKER, PODMAN, CONTAINERD = "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"
OF_USER = "/run/user/{}/podman/podman.sock"


@pytest.mark.parametrize(
    ("cgroups", "expected"),
    [
        (b"", [DOCKER, PODMAN, CONTAINERD]),
        (f"=/docker/{HEX}\0", [DOCKER, PODMAN, CONTAINERD]),
        (f"=/system.slice/docker-{HEX}.scope\0", [DOCKER, PODMAN, CONTAINERD]),
        (f"=/kubepods/pod1/{HEX}\0", [CONTAINERD, DOCKER, PODMAN]),
        (f"=/system.slice/x/cri-containerd-{HEX}.scope\0", [CONTAINERD, DOCKER, PODMAN]),
        (f"=/kubepods.slice/pod1.slice/docker-{HEX}.scope\0", [DOCKER, PODMAN, CONTAINERD]),
        (
            f"=/user.slice/user-1000.slice/x/libpod-{HEX}.scope\0",
            [OF_USER.format(1000), DOCKER, PODMAN, CONTAINERD],
        ),
        (f"=/user.slice/user-10.slice/x/libpod-{HEX}.scope\0", [DOCKER, PODMAN, CONTAINERD]),
    ],
)
def test_who_is_asked_in_which_order(socket_folder: Path, cgroups: str | bytes, expected: list[str]) -> None:
    _listen(socket_folder, DOCKER, PODMAN, CONTAINERD, OF_USER.format(1000), OF_USER.format(1001))
    seen_in = cgroups.encode() if isinstance(cgroups, str) else cgroups
    found = endpoints(DEFAULTS, str(socket_folder), seen_in)
    assert [one.path.removeprefix(str(socket_folder)) for one in found] == expected


def test_a_socket_with_two_names_is_asked_once(socket_folder: Path) -> None:
    _listen(socket_folder, DOCKER)
    (socket_folder / "var").mkdir()
    (socket_folder / "var/run").symlink_to("../run")
    assert endpoints(DEFAULTS, f"{socket_folder}/", b"") == [
        Endpoint(Api.DOCKER, f"{socket_folder}{DOCKER}", None)
    ]


def test_a_file_is_no_socket(socket_folder: Path) -> None:
    (socket_folder / "run").mkdir()
    (socket_folder / "run/docker.sock").touch()
    assert endpoints(DEFAULTS, str(socket_folder), b"") == []
