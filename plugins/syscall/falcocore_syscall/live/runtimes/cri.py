"""containerd, CRI-O and others that Kubernetes runs containers with: questions to them by CRI."""

from __future__ import annotations

from typing import Any

from falcocore_syscall.live.runtimes.cri_answers import container_data, sandbox_data
from falcocore_syscall.live.runtimes.unary_calls import NOT_FOUND, UNIMPLEMENTED, CallChannel, RefusedError
from falcocore_syscall.live.runtimes.wire import Message, encode
from falcocore_syscall.state.containers import RuntimeType

_VERSIONS = ("v1", "v1alpha2")
"""The second is all that runtimes before 2022 know; the messages that are read here are the same in both."""
_TYPES = {"containerd": RuntimeType.CONTAINERD, "cri-o": RuntimeType.CRIO}
_VERBOSE = (2, 1)
"""Asks for the object that says, among others, whether the container is privileged."""


def ask_cri(path: str, container_id: str, until_s: float) -> dict[str, Any] | None:
    """What the runtime behind this socket says of a container or a pod's sandbox; None where it has neither.

    The id may be a short one. What is listed has the id of the sandbox, which the status has not.

    Raises:
        UnansweredError: it does not answer before `until_s`, or not with anything of use.
    """
    with CallChannel(path, until_s) as channel:
        service = _Service.greet(channel)
        try:
            return service.container(container_id) or service.sandbox(container_id)
        except RefusedError as error:
            if error.status == NOT_FOUND:
                return None
            raise


class _Service:
    """The runtime's service in the newest version that it has."""

    def __init__(self, channel: CallChannel, version: str, name: str) -> None:
        self._channel = channel
        self._prefix = f"/runtime.{version}.RuntimeService/"
        self._kind = _TYPES.get(name, RuntimeType.CRI)

    @classmethod
    def greet(cls, channel: CallChannel) -> _Service:
        for version in _VERSIONS:
            try:
                answer = channel.call(f"/runtime.{version}.RuntimeService/Version", b"")
            except RefusedError as error:
                if error.status != UNIMPLEMENTED or version == _VERSIONS[-1]:
                    raise
            else:
                return cls(channel, version, Message(answer).text(2))
        raise AssertionError("the last version either answers or raises")

    def container(self, container_id: str) -> dict[str, Any] | None:
        listed = self._listed("ListContainers", container_id)
        if listed is None:
            return None
        status = self._call("ContainerStatus", encode((1, listed.text(1)), _VERBOSE))
        sandbox_id = listed.text(2)
        sandbox = self._call("PodSandboxStatus", encode((1, sandbox_id), _VERBOSE))
        return container_data(status, sandbox, sandbox_id, self._kind)

    def sandbox(self, sandbox_id: str) -> dict[str, Any] | None:
        listed = self._listed("ListPodSandbox", sandbox_id)
        if listed is None:
            return None
        return sandbox_data(self._call("PodSandboxStatus", encode((1, listed.text(1)), _VERBOSE)), self._kind)

    def _listed(self, method: str, wanted_id: str) -> Message | None:
        by_id = encode((1, encode((1, wanted_id))))
        found = self._call(method, by_id).messages(1)
        return next((one for one in found if one.text(1).startswith(wanted_id)), None)

    def _call(self, method: str, request: bytes) -> Message:
        return Message(self._channel.call(self._prefix + method, request))
