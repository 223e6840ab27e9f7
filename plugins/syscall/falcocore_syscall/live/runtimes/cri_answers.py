"""What CRI's answers say, in the words of captures.

The numbers are those of fields in `api.proto` of Kubernetes' cri-api. What the messages lack stands in the
`info` of verbose answers: JSON whose shape is each runtime's own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from falcocore_syscall.live.runtimes.image_names import ImageName, bare_id, is_image_id
from falcocore_syscall.live.runtimes.wire import Message
from falcocore_syscall.state.containers import ID_LENGTH, RuntimeType

_NODE = 2
"""NamespaceMode of a pod that shares the host's namespace."""
_PROPAGATIONS = ("private", "rslave", "rshared")
_INFO = "info"
_MOST_CNI_CHARACTERS = 4096
_IMAGE_ANNOTATIONS = (
    "io.kubernetes.cri.image-name",
    "io.kubernetes.cri-o.ImageName",
    "io.kubernetes.cri-o.Image",
)
_CNI_ANNOTATION = "io.kubernetes.cri-o.CNIResult"


def container_data(
    answer: Message, sandbox_answer: Message, sandbox_id: str, kind: RuntimeType
) -> dict[str, Any]:
    """The object that captures carry, of ContainerStatusResponse and PodSandboxStatusResponse."""
    status, info = answer.message(1), _info(answer)
    return {
        **_common(status.text(1), kind, sandbox_id, sandbox_answer, status.texts(12)),
        "name": status.message(2).text(1),
        **_image(status, info),
        "privileged": _is_privileged(info),
        "Mounts": [_mount(mount) for mount in status.messages(14)],
        "is_pod_sandbox": False,
    }


def sandbox_data(answer: Message, kind: RuntimeType) -> dict[str, Any]:
    """The object that captures carry, of PodSandboxStatusResponse alone.

    That is the container which does nothing but hold a pod's namespaces.
    """
    status, info = answer.message(1), _info(answer)
    image = _named_image(info)
    name = ImageName.of(image)
    return {
        **_common(status.text(1), kind, status.text(1), answer, status.texts(7)),
        "name": status.message(2).text(1),
        "image": image,
        "imageid": "",
        "imagerepo": name.repository,
        "imagetag": name.tag,
        "imagedigest": name.digest,
        "privileged": _is_privileged(info),
        "Mounts": [],
        "is_pod_sandbox": True,
    }


def _common(
    whole_id: str, kind: RuntimeType, sandbox_id: str, sandbox_answer: Message, labels: dict[str, str]
) -> dict[str, Any]:
    sandbox, info = sandbox_answer.message(1), _info(sandbox_answer)
    pod, modes = sandbox.message(2), sandbox.message(6).message(1).message(2)
    of_pod = {"uid": pod.text(2), "name": pod.text(1), "namespace": pod.text(3)}
    return {
        "type": kind,
        "id": whole_id[:ID_LENGTH],
        "full_id": whole_id,
        "host_network": modes.number(1) == _NODE,
        "host_pid": modes.number(2) == _NODE,
        "host_ipc": modes.number(3) == _NODE,
        "ip": sandbox.message(5).text(1),
        "port_mappings": [],
        "labels": {
            **labels,
            "io.kubernetes.sandbox.id": sandbox_id,
            **{f"io.kubernetes.pod.{key}": value for key, value in of_pod.items() if value},
        },
        "env": [],
        "cni_json": _cni(info),
        "pod_sandbox_id": sandbox_id,
        "pod_sandbox_labels": sandbox.texts(7),
    }


def _image(status: Message, info: dict[str, Any]) -> dict[str, str]:
    """The image by its name, its id, and the digest that its reference may have.

    Either of image and reference may be a name or a bare id, depending on runtime and version.
    """
    image, reference = status.message(8).text(1), status.text(9)
    if not image or is_image_id(image):
        image = _named_image(info) or status.message(8).text(18)
    if not image and not is_image_id(reference):
        image = reference
    asked, referred = ImageName.of(image), ImageName.of(reference)
    ids = (
        status.text(17),
        _text(_dig(info, "config", "image"), "image"),
        status.message(8).text(1),
        reference,
    )
    return {
        "image": image,
        "imageid": bare_id(next(filter(is_image_id, ids), "")),
        "imagerepo": asked.repository,
        "imagetag": asked.tag,
        "imagedigest": asked.digest or referred.digest,
    }


def _named_image(info: dict[str, Any]) -> str:
    annotations = _dig(info, "runtimeSpec", "annotations")
    found = (_text(annotations, key) for key in _IMAGE_ANNOTATIONS)
    return next((name for name in found if name and not is_image_id(name)), "")


def _is_privileged(info: dict[str, Any]) -> bool:
    """containerd repeats what it was asked for, CRI-O says it outright."""
    return (
        _dig(info, "config", "linux", "security_context").get("privileged") is True
        or info.get("privileged") is True
    )


def _mount(mount: Message) -> dict[str, Any]:
    propagation = mount.number(5)
    return {
        "Source": mount.text(2),
        "Destination": mount.text(1),
        "Mode": "",
        "RW": not mount.flag(3),
        "Propagation": _PROPAGATIONS[propagation] if propagation < len(_PROPAGATIONS) else "unknown",
    }


def _cni(info: dict[str, Any]) -> str:
    told = _dig(info, "cniResult").get("Interfaces")
    if told:
        return msgspec.json.encode(told).decode()[:_MOST_CNI_CHARACTERS]
    return _text(_dig(info, "runtimeSpec", "annotations"), _CNI_ANNOTATION)[:_MOST_CNI_CHARACTERS]


def _info(answer: Message) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.texts(2).get(_INFO, "{}"), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {}


def _dig(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        found = data.get(key)
        data = found if isinstance(found, dict) else {}
    return data


def _text(data: dict[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""
