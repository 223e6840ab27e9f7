"""Fields of pods, volumes, services and config maps in the request."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Field
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.raw import text
from falcocore_k8s_audit.reading import (
    EACH,
    METADATA,
    POD_SPEC,
    REQUEST,
    GetText,
    GetTexts,
    indexed,
    indexed_texts_at,
    keyed,
    length,
    listing,
    paths,
    scalar,
    spread,
    text_at,
    texts_at,
)

_VOLUMES = (*POD_SPEC, "volumes")
_SERVICE_PORTS = (*POD_SPEC, "ports")

_SCALARS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("ka.req.pod.host_ipc", ("hostIPC",), "Whether the pod uses the host's IPC namespace."),
    ("ka.req.pod.host_network", ("hostNetwork",), "Whether the pod uses the host's network."),
    ("ka.req.pod.host_pid", ("hostPID",), "Whether the pod uses the host's process ids."),
    ("ka.req.pod.run_as_user", ("securityContext", "runAsUser"), "The user id set for the whole pod."),
    ("ka.req.pod.run_as_group", ("securityContext", "runAsGroup"), "The group id set for the whole pod."),
    ("ka.req.pod.fs_group", ("securityContext", "fsGroup"), "The group id that owns the pod's volumes."),
    ("ka.req.service.type", ("type",), "The type of the service, such as NodePort."),
)


def _volume_types(index: int | None) -> GetTexts:
    def get(event: AuditEvent) -> list[str]:
        volumes = [event.open(path) for path in paths(event, (*_VOLUMES, EACH), index)]
        return [key for volume in volumes if isinstance(volume, dict) for key in volume if key != "name"]

    return get


def _mounts_host_path(wanted: str) -> GetText:
    matches: Callable[[str], bool] = wanted.__eq__
    if wanted.endswith("*"):
        beginning = wanted[:-1]

        def matches(path: str) -> bool:
            return path == wanted or path.startswith(beginning)

    def get(event: AuditEvent) -> str | None:
        if length(event, _VOLUMES) is None:
            return None
        mounted = spread(event, (*_VOLUMES, EACH, "hostPath", "path"))
        return "true" if any(matches(text(raw)) for raw in mounted) else "false"

    return get


def _service_ports(_index: int | None) -> GetTexts:
    # Falco reads the ports as one value, whatever the index; rules are written for that.
    def get(event: AuditEvent) -> list[str]:
        raw = event.find(_SERVICE_PORTS)
        return [text(raw)] if raw is not None and length(event, _SERVICE_PORTS) else []

    return get


def object_fields() -> Iterator[Field]:
    """The fields that read `requestObject` for one kind of object."""
    for name, below, doc in _SCALARS:
        yield scalar(name, doc, text_at(*POD_SPEC, *below), REQUEST)
    yield listing(
        "ka.req.pod.supplemental_groups",
        "The group ids that the pod's processes get in addition.",
        texts_at(*POD_SPEC, "securityContext", "supplementalGroups", EACH),
        REQUEST,
    )
    yield indexed(
        "ka.req.pod.volumes.hostpath",
        "The host's path of each volume that is one.",
        indexed_texts_at(*_VOLUMES, EACH, "hostPath", "path"),
        REQUEST,
    )
    yield indexed(
        "ka.req.pod.volumes.flexvolume_driver",
        "The driver of each flex volume.",
        indexed_texts_at(*_VOLUMES, EACH, "flexVolume", "driver"),
        REQUEST,
    )
    yield indexed(
        "ka.req.pod.volumes.volume_type", "The type of each volume, such as hostPath.", _volume_types, REQUEST
    )
    yield keyed(
        "ka.req.volume.hostpath",
        "Whether a volume is this path of the host, or below it where the path ends with *: true or false.",
        _mounts_host_path,
        REQUEST,
    )
    yield indexed(
        "ka.req.service.ports",
        "All ports of the service as one JSON text, whatever the index.",
        _service_ports,
        REQUEST,
    )
    yield scalar(
        "ka.req.configmap.name", "The name of the config map.", text_at("objectRef", "name"), METADATA
    )
    yield scalar(
        "ka.req.configmap.obj",
        "The config map's texts as JSON, without its binary data.",
        text_at("requestObject", "data"),
        REQUEST,
    )
