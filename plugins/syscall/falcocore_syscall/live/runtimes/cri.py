"""containerd, CRI-O and others that Kubernetes runs containers with: questions to them by CRI."""

from __future__ import annotations

from typing import Any

from falcocore_syscall.live.runtimes.cri_answers import Versions, container_data, sandbox_data
from falcocore_syscall.live.runtimes.unary_calls import NOT_FOUND, UNIMPLEMENTED, CallChannel, RefusedError
from falcocore_syscall.live.runtimes.wire import Given, Message, encode
from falcocore_syscall.state.containers import RuntimeType

_VERSIONS = ("v1", "v1alpha2")
"""The second is all that runtimes before 2022 know; the messages that are read here are the same in both."""
_TYPES = {"containerd": RuntimeType.CONTAINERD, "cri-o": RuntimeType.CRIO}
_VERBOSE = (2, 1)
"""Asks for the object that says, among others, whether the container is privileged."""


def ask_cri(path: str, container_id: str, until_s: float) -> dict[str, Any] | None:
    """What the runtime behind this socket says of a container or the sandbox of a pod; None where it has neither.

    Raises:
        UnansweredError: it does not answer before `until_s`, or not with anything of use.
    """
    with CallChannel(path, until_s) as channel:
        service, kind = _service(channel)
        by_id = encode((1, encode((1, container_id))))
        try:
            for found in service("ListContainers", by_id).messages(1):
                if found.text(1).startswith(container_id):
                    container = service("ContainerStatus", encode((1, found.text(1)), _VERBOSE))
                    sandbox = _sandbox(service, found.text(2))
                    return container_data(container, sandbox, found.text(2), kind)
            for found in service("ListPodSandbox", by_id).messages(1):
                if found.text(1).startswith(container_id):
                    return sandbox_data(service("PodSandboxStatus", encode((1, found.text(1)), _VERBOSE)), kind)
        except RefusedError as error:
            if error.status != NOT_FOUND:
                raise
    return None
