"""Fields of the request itself: who asked for what, and how it was answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from falcocore.api import Field
from falcocore_k8s_audit.event import AuditEvent
from falcocore_k8s_audit.raw import text, until_nul
from falcocore_k8s_audit.reading import (
    EACH,
    METADATA,
    REQUEST_RESPONSE,
    GetText,
    indexed,
    indexed_texts_at,
    keyed,
    listing,
    scalar,
    text_at,
    texts_at,
)
from falcocore_k8s_audit.record import EMPTY

_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")

_SCALARS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("ka.auditid", ("auditID",), "The id that all stages of one request share."),
    ("ka.stage", ("stage",), "The stage that was reached, such as ResponseComplete."),
    ("ka.verb", ("verb",), "What was asked for, such as create, delete or watch."),
    ("ka.uri", ("requestURI",), "The request line's URI as the client sent it."),
    ("ka.useragent", ("userAgent",), "What the client says that it is."),
    ("ka.user.name", ("user", "username"), "The name of the user who asked."),
    ("ka.impuser.name", ("impersonatedUser", "username"), "The name of the user that the request acts as."),
    ("ka.target.name", ("objectRef", "name"), "The name of the object asked for."),
    ("ka.target.namespace", ("objectRef", "namespace"), "The namespace of the object asked for."),
    ("ka.target.resource", ("objectRef", "resource"), "The kind of object asked for, in the plural: pods."),
    (
        "ka.target.subresource",
        ("objectRef", "subresource"),
        "The part of the object asked for, such as exec.",
    ),
    ("ka.response.code", ("responseStatus", "code"), "The HTTP status of the answer."),
    ("ka.response.reason", ("responseStatus", "reason"), "The answer's reason, such as Forbidden."),
)
_ANNOTATIONS: tuple[tuple[str, str, str], ...] = (
    ("ka.auth.decision", "authorization.k8s.io/decision", "What authorization decided: allow or forbid."),
    ("ka.auth.reason", "authorization.k8s.io/reason", "Why authorization decided so; often an empty text."),
    (
        "ka.auth.openshift.decision",
        "authentication.openshift.io/decision",
        "What authentication of OpenShift decided.",
    ),
    (
        "ka.auth.openshift.username",
        "authentication.openshift.io/username",
        "The user name that was tried at authentication of OpenShift.",
    ),
    (
        "ka.validations.admission.policy.failure",
        "validation.policy.admission.k8s.io/validation_failure",
        "What a validating admission policy found wrong.",
    ),
    (
        "ka.security.pod.violations",
        "pod-security.kubernetes.io/audit-violations",
        "Where the pod violates the pod security standard that is audited.",
    ),
)

SCALAR_PATHS: dict[str, tuple[str, ...]] = {
    **{name: path for name, path, _ in _SCALARS},
    **{name: ("annotations", annotation) for name, annotation, _ in _ANNOTATIONS},
    "ka.resp.name": ("responseObject", "metadata", "name"),
}
"""Where in an event the value of a field stands, for those that have one such place."""


def _parameter(key: str) -> GetText:
    def get(event: AuditEvent) -> str | None:
        uri = event.find(("requestURI",))
        query = text(uri).partition("#")[0].partition("?")[2] if uri is not None else ""
        if ";" in query or _BROKEN_ESCAPE.search(query):
            return None
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if pair and unquote_plus(name) == key:
                return until_nul(unquote_plus(value))
        return None

    return get


_resource = text_at("objectRef", "resource")
_subresource = text_at("objectRef", "subresource")
_response_name = text_at("responseObject", "metadata", "name")


_cluster_annotation = text_at("annotations", "cluster_name")


def _cluster(event: AuditEvent) -> str | None:
    if event.request is EMPTY:
        return None
    said = _cluster_annotation(event)
    return said if said is not None else event.document.cluster or None


def _pod_name(event: AuditEvent) -> str | None:
    if _resource(event) != "pods" or _subresource(event) is not None:
        return None
    return _response_name(event)


def request_fields() -> Iterator[Field]:
    """The fields that audit level Metadata is enough for, and the names in the response."""
    for name, path, doc in _SCALARS:
        yield scalar(name, doc, text_at(*path), METADATA)
    for name, annotation, doc in _ANNOTATIONS:
        yield scalar(name, doc, text_at("annotations", annotation), METADATA)
    yield scalar(
        "ka.cluster.name",
        "The cluster that the event comes from: as its sender says, else as the source is configured.",
        _cluster,
        METADATA,
    )
    yield listing(
        "ka.user.groups", "The groups of the user who asked.", texts_at("user", "groups", EACH), METADATA
    )
    yield indexed(
        "ka.sourceips",
        "The addresses that the request came through, the client's first; an index picks one.",
        indexed_texts_at("sourceIPs", EACH),
        METADATA,
    )
    yield keyed("ka.uri.param", "The value of a parameter in the URI's query, decoded.", _parameter, METADATA)
    yield scalar(
        "ka.resp.name",
        "The name of the object in the answer, which the server may have made up.",
        _response_name,
        REQUEST_RESPONSE,
    )
    yield scalar(
        "ka.target.pod.name",
        "The name of the pod in the answer to a request for a pod itself, not for a part of it.",
        _pod_name,
        REQUEST_RESPONSE,
    )
