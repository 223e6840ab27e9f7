"""Fields of the pod that the event's container belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from falcocore.api import Argument, ArgumentKind, Field, FieldType, Value
from falcocore_syscall.event import Event
from falcocore_syscall.fields.containers import Data, container_data, labels, labels_text, string
from falcocore_syscall.fields.reading import absent, text
from falcocore_syscall.state.containers import ID_LENGTH

_BY_KEY = Argument(ArgumentKind.KEY, required=True, dotted=True)


def _of_data(read: Callable[[Data], Value]) -> Callable[[Event], Value]:
    def get(event: Event) -> Value:
        data = container_data(event)
        return None if data is None else read(data) or None

    return get


def _from_label(name: str) -> Callable[[Event], Value]:
    return _of_data(lambda data: string(labels(data), f"io.kubernetes.pod.{name}"))


def _pod_labels(data: Data) -> Data:
    found = data.get("pod_sandbox_labels")
    return found if isinstance(found, dict) else {}


def _pod_label(key: str | None) -> Callable[[Event], Value]:
    return _of_data(lambda data: string(_pod_labels(data), key or ""))


def _absent_label(_key: str | None) -> Callable[[Event], Value]:
    return absent


def kubernetes_fields() -> Iterator[Field]:
    """Fields `k8s.*`."""
    kind = FieldType.STRING
    yield Field("k8s.pod.name", kind, "Name of the pod.", _from_label("name"), suggested=True)
    yield Field("k8s.ns.name", kind, "Namespace of the pod.", _from_label("namespace"), suggested=True)
    yield text("k8s.pod.id", "Unique id of the pod; the same as k8s.pod.uid.", _from_label("uid"))
    yield text("k8s.pod.uid", "Unique id of the pod.", _from_label("uid"))
    sandbox = "Short id of the pod's sandbox."
    yield text("k8s.pod.sandbox_id", sandbox, _of_data(lambda d: (_sandbox(d) or "")[:ID_LENGTH]))
    yield text("k8s.pod.full_sandbox_id", "Whole id of the pod's sandbox.", _of_data(_sandbox))
    yield Field("k8s.pod.label", kind, "One label of the pod, by its key.", _pod_label, argument=_BY_KEY)
    yield text("k8s.pod.labels", "All labels of the pod.", _of_data(lambda d: labels_text(_pod_labels(d))))
    yield text("k8s.pod.ip", "Address of the pod.", _of_data(lambda d: string(d, "ip")))
    told = "What the network plugin has told of the pod."
    yield text("k8s.pod.cni.json", told, _of_data(lambda d: string(d, "cni_json")))
    for resource in ("rc", "svc", "ns", "rs", "deployment"):
        doc = "Always absent."
        if resource != "ns":
            yield text(f"k8s.{resource}.name", doc, absent, deprecated=True)
        yield text(f"k8s.{resource}.id", doc, absent, deprecated=True)
        name = f"k8s.{resource}.label"
        yield Field(name, kind, doc, _absent_label, argument=_BY_KEY, deprecated=True)
        yield text(f"k8s.{resource}.labels", doc, absent, deprecated=True)


def _sandbox(data: Data) -> str | None:
    return string(data, "pod_sandbox_id")
