"""GKE: Cloud Logging has no audit events but entries of its own, from which events are made.

An entry comes by itself, as from `gcloud logging read`, or as `message.data`, base64, from Pub/Sub.

https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry
https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog
https://cloud.google.com/pubsub/docs/push
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from falcocore_k8s_audit.clouds.parts import Inner, Unpacker, UnpackError, object_at, text_at
from falcocore_k8s_audit.raw import Members

LOGS = ("cloudaudit.googleapis.com%2Factivity", "cloudaudit.googleapis.com%2Fdata_access")
"""How the names of the logs with audit entries end."""
_STREAMED = ("attach", "exec")
"""Subresources whose entry is written when the response starts."""


class _Outcome(NamedTuple):
    """What an entry does not say, and is taken to be."""

    stage: str
    level: str
    code: int


_STARTED = _Outcome("ResponseStarted", "Request", 101)
_CREATED = _Outcome("ResponseComplete", "RequestResponse", 201)
_DONE = _Outcome("ResponseComplete", "RequestResponse", 200)


def documents(members: Members) -> Iterable[Inner] | None:
    """The audit event of an entry, or the entry of a message of Pub/Sub; None for another shape."""
    if "logName" in members and "insertId" in members:
        return [Inner("", msgspec.json.encode(_event(members)))] if _is_audit(members) else []
    data = text_at(object_at(members, "message"), "data")
    return None if data is None else _unpacked(data)


def _unpacked(data: str) -> Iterator[Inner]:
    try:
        yield Inner("message.data", Unpacker().unpack(data))
    except UnpackError as error:
        yield Inner("message.data", refusal=str(error))


def _is_audit(entry: Members) -> bool:
    return (
        (text_at(entry, "logName") or "").endswith(LOGS)
        and text_at(object_at(entry, "resource"), "type") == "k8s_cluster"
        and text_at(object_at(entry, "protoPayload"), "serviceName") == "k8s.io"
    )


def _event(entry: Members) -> dict[str, Any]:
    """The audit event; what the entry does not have is left out."""
    payload = object_at(entry, "protoPayload")
    name = text_at(payload, "resourceName") or ""
    verb = (text_at(payload, "methodName") or "").rpartition(".")[2]
    target = _target(name)
    outcome = _outcome(verb, target.get("subresource", ""))
    user = text_at(object_at(payload, "authenticationInfo"), "principalEmail")
    sender = object_at(payload, "requestMetadata")
    address = text_at(sender, "callerIp")
    received = entry.get("receiveTimestamp")
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": outcome.level,
        "auditID": entry["insertId"],
        "stage": outcome.stage,
        "requestURI": f"/{name}",
        "verb": verb,
        "user": None if user is None else {"username": user},
        "sourceIPs": None if address is None else [address],
        "userAgent": sender.get("callerSuppliedUserAgent"),
        "objectRef": target or None,
        "responseStatus": {"code": outcome.code},
        "requestObject": payload.get("request"),
        "responseObject": payload.get("response"),
        "requestReceivedTimestamp": received,
        "stageTimestamp": received,
        "annotations": object_at(entry, "labels") | object_at(entry, "resource", "labels"),
    }
    return {key: value for key, value in event.items() if value is not None}


def _outcome(verb: str, subresource: str) -> _Outcome:
    if subresource in _STREAMED:
        return _STARTED
    return _CREATED if verb == "create" else _DONE


def _target(name: str) -> dict[str, str]:
    """What is named by `GROUP/VERSION/namespaces/NAMESPACE/RESOURCE[/NAME[/SUB]]`, or without a namespace."""
    match name.split("/"):
        case [group, version, "namespaces", namespace, resource, *rest] if len(rest) <= 2:
            found = {"resource": resource, "namespace": namespace}
        case [group, version, resource, *rest] if 1 <= len(rest) <= 2:
            found = {"resource": resource}
        case _:
            return {}
    found |= dict(zip(("name", "subresource"), rest, strict=False))
    return found | {"apiGroup": group, "apiVersion": version}
