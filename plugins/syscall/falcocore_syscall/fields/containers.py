"""Fields of the container that the event comes from. On the host they say so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from falcocore.api import Argument, ArgumentKind, Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.reading import absent, flag
from falcocore_syscall.state.containers import RuntimeType

Data: TypeAlias = dict[str, Any]
"""What a runtime has told of a container."""

HOST = "host"
_TYPES = {
    RuntimeType.DOCKER: "docker",
    RuntimeType.LXC: "lxc",
    RuntimeType.LIBVIRT_LXC: "libvirt-lxc",
    RuntimeType.MESOS: "mesos",
    RuntimeType.RKT: "rkt",
    RuntimeType.CUSTOM: "custom",
    RuntimeType.CRI: "cri",
    RuntimeType.CONTAINERD: "containerd",
    RuntimeType.CRIO: "cri-o",
    RuntimeType.BPM: "bpm",
    RuntimeType.STATIC: "static",
    RuntimeType.PODMAN: "podman",
}


def container_data(event: Event) -> Data | None:
    """What is known of the event's container; None for the host, and where nothing is."""
    thread = event.thread
    if thread is None or not thread.container_id:
        return None
    found = event.machine.containers.get(thread.container_id)
    return None if found is None else found.data


def _value(on_host: Value, read: Callable[[Data], Value]) -> Callable[[Event], Value]:
    def get(event: Event) -> Value:
        thread = event.thread
        if thread is None:
            return None
        if not thread.container_id:
            return on_host
        data = container_data(event)
        return None if data is None else read(data)

    return get


def string(data: Data, key: str) -> str | None:
    """A text of the data; None where it is not there, or of another type."""
    found = data.get(key)
    return found if isinstance(found, str) else None


def _key(key: str) -> Callable[[Data], Value]:
    return lambda data: string(data, key)


def _bool(key: str) -> Callable[[Data], Value]:
    return lambda data: found if isinstance(found := data.get(key), bool) else None


def _container_id(event: Event) -> str | None:
    return None if event.thread is None else event.thread.container_id or HOST


def _type(data: Data) -> str | None:
    return _TYPES.get(data.get("type", -1))


def _mounts(data: Data) -> list[Data]:
    found = data.get("Mounts", data.get("mounts"))
    return [mount for mount in found if isinstance(mount, dict)] if isinstance(found, list) else []


_MOUNT_KEYS = {
    "source": "Source",
    "dest": "Destination",
    "mode": "Mode",
    "rdwr": "RW",
    "propagation": "Propagation",
}


def _mount_part(mount: Data, part: str) -> str:
    found = mount.get(_MOUNT_KEYS[part], "")
    return str(found).lower() if isinstance(found, bool) else str(found)


def _mount_text(mount: Data) -> str:
    return ":".join(_mount_part(mount, part) for part in _MOUNT_KEYS)


def _chosen(data: Data, argument: str, by: str) -> Data | None:
    """The mount with this number, or the first one that fits the pattern."""
    mounts = _mounts(data)
    if argument.isascii() and argument.isdigit():
        return mounts[int(argument)] if int(argument) < len(mounts) else None
    return next((mount for mount in mounts if fnmatchcase(_mount_part(mount, by), argument)), None)


def _mount(part: str | None) -> Callable[[str | None], Callable[[Event], Value]]:
    by = "dest" if part == "source" else "source"

    def bind(argument: str | None) -> Callable[[Event], Value]:
        def read(data: Data) -> Value:
            mount = _chosen(data, argument or "", by)
            if mount is None:
                return None
            return _mount_text(mount) if part is None else _mount_part(mount, part)

        return _value(None, read)

    return bind


def labels(data: Data) -> Data:
    """The container's labels."""
    found = data.get("labels")
    return found if isinstance(found, dict) else {}


def labels_text(found: Data) -> str:
    """Labels as `key:value`, with commas between."""
    return ", ".join(f"{key}:{value}" for key, value in sorted(found.items()))


def _label(key: str | None) -> Callable[[Event], Value]:
    return _value(None, lambda data: string(labels(data), key or ""))


def _start(event: Event) -> int | None:
    thread = event.thread
    if thread is None or not thread.container_id:
        return None
    return thread.pidns_start_ns or None


def _age(event: Event) -> int | None:
    start = _start(event)
    return None if start is None else max(0, event.time_ns - start)


def _json(key: str) -> Callable[[Data], Value]:
    def read(data: Data) -> Value:
        found = data.get(key)
        return found if isinstance(found, str) else json.dumps(found) if found else None

    return read


def container_fields() -> Iterator[Field]:
    """Fields `container.*`."""
    string_type = FieldType.STRING
    short = "Short id, 12 characters; `host` on the host."
    yield Field("container.id", string_type, short, _container_id, suggested=True)
    texts: tuple[tuple[str, str, Value, Callable[[Data], Value]], ...] = (
        ("full_id", "Whole id.", HOST, _key("full_id")),
        ("name", "Name.", HOST, _key("name")),
        ("image", "Name of the image.", "", _key("image")),
        ("image.id", "Id of the image.", "", _key("imageid")),
        ("type", "Runtime, such as docker or containerd.", HOST, _type),
        ("image.repository", "Repository of the image.", "", _key("imagerepo")),
        ("image.tag", "Tag of the image.", "", _key("imagetag")),
        ("image.digest", "Digest of the image.", "", _key("imagedigest")),
        ("ip", "Address.", "", _key("ip")),
        ("cni.json", "What the network plugin has told.", "", _json("cni_json")),
        ("mounts", "All mounts, with commas between.", "", lambda d: ",".join(map(_mount_text, _mounts(d)))),
        ("labels", "All labels.", "", lambda d: labels_text(labels(d))),
    )
    suggested = {"name", "image.repository", "image.tag"}
    for name, doc, on_host, read in texts:
        yield Field(f"container.{name}", string_type, doc, _value(on_host, read), suggested=name in suggested)
    for name, doc in (
        ("privileged", "True for a privileged container."),
        ("host_pid", "True where it shares the host's processes."),
        ("host_network", "True where it shares the host's network."),
        ("host_ipc", "True where it shares the host's memory segments."),
    ):
        yield flag(f"container.{name}", doc, _value(False, _bool(name)))
    chosen = Argument(ArgumentKind.KEY, required=True)
    mount = "of a mount, by its number or by a pattern for"
    for part, doc in (
        (None, f"All {mount} its source."),
        ("source", f"Source {mount} its destination."),
        ("dest", f"Destination {mount} its source."),
        ("mode", f"Mode {mount} its source."),
        ("rdwr", f"true where it may be written; {mount} its source."),
        ("propagation", f"Propagation {mount} its source."),
    ):
        name = "container.mount" if part is None else f"container.mount.{part}"
        yield Field(name, string_type, doc, _mount(part), argument=chosen)
    for name in ("healthcheck", "liveness_probe", "readiness_probe"):
        yield Field(f"container.{name}", string_type, "Always absent.", absent, deprecated=True)
    yield Field("container.start_ts", FieldType.ABSTIME, "When it was started.", _start)
    yield Field("container.duration", FieldType.RELTIME, "Nanoseconds since it was started.", _age)
    by_key = Argument(ArgumentKind.KEY, required=True, dotted=True)
    yield Field("container.label", string_type, "One label, by its key.", _label, argument=by_key)
