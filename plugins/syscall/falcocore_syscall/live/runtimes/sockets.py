"""Where container runtimes listen, and which of them may speak for a container."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

DEFAULT_SOCKETS = (
    "docker:/run/docker.sock",
    "docker:/var/run/docker.sock",
    "docker:/run/podman/podman.sock",
    "docker:/run/user/*/podman/podman.sock",
    "cri:/run/containerd/containerd.sock",
    "cri:/run/k3s/containerd/containerd.sock",
    "cri:/run/k0s/containerd.sock",
    "cri:/run/host-containerd/containerd.sock",
    "cri:/var/snap/microk8s/common/run/containerd.sock",
    "cri:/run/crio/crio.sock",
)
"""Docker and Podman, also of users; containerd of Kubernetes, k3s, k0s, Bottlerocket and MicroK8s; CRI-O.

/var/run is a link to /run, but an absolute one, which leads out of a host's root that is mounted elsewhere.
"""
HOST_ROOT = "HOST_ROOT"
"""Falco's variable for where the root of the host is mounted, for those who watch it from a container."""
_OF_USER = re.compile(r"/run/user/(\d+)/")


class Api(Enum):
    """What a runtime understands."""

    DOCKER = "docker"
    CRI = "cri"


_SIGNS = {
    Api.DOCKER: re.compile(rb"/libpod|/docker[/-]"),
    Api.CRI: re.compile(rb"kubepods|crio-|cri-containerd"),
}
"""In names of control groups: who has made them."""


@dataclass(frozen=True, slots=True)
class RuntimeSocket:
    """A socket, or a pattern of sockets, in the file system of the host."""

    api: Api
    pattern: str

    @classmethod
    def of(cls, text: str) -> RuntimeSocket:
        """Read what a user has configured: `docker:PATH` or `cri:PATH`; Podman's is of the first kind.

        Raises:
            ValueError: it is neither.
        """
        api, colon, path = text.partition(":")
        if not colon or api not in {one.value for one in Api} or not path.startswith("/"):
            raise ValueError(f"`{text}` is no socket of a container runtime; say docker:/PATH or cri:/PATH")
        return cls(Api(api), path)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A socket that is there."""

    api: Api
    path: str
    uid: int | None
    """Whose it is by its place, where it is not the machine's."""


def endpoints(sockets: Iterable[RuntimeSocket], host_root: str, cgroups: bytes) -> list[Endpoint]:
    """The sockets that are there now and may be asked about a container, the likely ones first.

    A user's own runtime is asked only about what runs in the control groups of that user: of other containers
    it could tell anything.
    """
    found = [
        endpoint
        for endpoint in present(sockets, host_root)
        if endpoint.uid is None or b"/user-%d.slice/" % endpoint.uid in cgroups
    ]
    return sorted(found, key=_order(cgroups))


def _order(cgroups: bytes) -> Callable[[Endpoint], tuple[bool, bool]]:
    likely = next((api for api, sign in _SIGNS.items() if sign.search(cgroups)), None)
    return lambda endpoint: (endpoint.uid is None, endpoint.api is not likely)


def present(sockets: Iterable[RuntimeSocket], host_root: str) -> Iterator[Endpoint]:
    """The sockets that are there now, each once."""
    seen = set()
    for one in sockets:
        pattern = f"{host_root.rstrip('/')}{one.pattern}"
        for path in sorted(glob.glob(pattern)) if "*" in pattern else [pattern]:
            try:
                status = os.stat(path)
            except OSError:
                continue
            identity = (status.st_dev, status.st_ino)
            if stat.S_ISSOCK(status.st_mode) and identity not in seen:
                seen.add(identity)
                user = _OF_USER.search(path)
                yield Endpoint(one.api, path, int(user[1]) if user else None)
