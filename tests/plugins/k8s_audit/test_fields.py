"""The list of fields, and what holds for each of them whatever an event looks like."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falcocore.api import Argument, ArgumentKind, FieldType
from tests.support.audit_fields import ENVELOPE, Document, Json, bound, decode, event_of, table, value_in

EXAMPLES = int(os.environ.get("FALCOCORE_EXAMPLES", "150"))

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
KEY = Argument(ArgumentKind.KEY, required=True)
INDEX = Argument(ArgumentKind.INDEX)
SCALAR, KEYED, LIST, INDEXED = (False, None), (False, KEY), (True, None), (True, INDEX)
"""Shapes of fields: whether it is a list, and its argument."""

NAMES: dict[tuple[bool, Argument | None], str] = {
    SCALAR: """
        ka.auditid ka.stage ka.auth.decision ka.auth.reason ka.auth.openshift.decision
        ka.auth.openshift.username ka.validations.admission.policy.failure ka.security.pod.violations
        ka.cluster.name ka.user.name ka.impuser.name ka.verb ka.uri ka.useragent ka.target.name
        ka.target.namespace ka.target.resource ka.target.subresource ka.target.pod.name ka.req.binding.role
        ka.req.configmap.name ka.req.configmap.obj ka.req.pod.host_ipc ka.req.pod.host_network
        ka.req.pod.host_pid ka.req.pod.run_as_user ka.req.pod.run_as_group ka.req.pod.fs_group
        ka.req.container.host_network ka.req.container.image ka.req.container.image.repository
        ka.req.container.privileged ka.req.service.type ka.resp.name ka.response.code ka.response.reason
        jevt.obj jevt.rawtime json.obj json.rawtime
    """,
    KEYED: "ka.uri.param ka.req.volume.hostpath ka.req.binding.subject.has_name jevt.value json.value",
    LIST: """
        ka.user.groups ka.req.binding.subjects ka.req.binding.subjects.user_names
        ka.req.binding.subjects.group_names ka.req.binding.subjects.serviceaccount_names
        ka.req.binding.subjects.serviceaccount_ns_names ka.req.role.rules ka.req.pod.supplemental_groups
    """,
    INDEXED: """
        ka.sourceips ka.req.role.rules.apiGroups ka.req.role.rules.nonResourceURLs ka.req.role.rules.verbs
        ka.req.role.rules.resources ka.req.pod.volumes.hostpath ka.req.pod.volumes.flexvolume_driver
        ka.req.pod.volumes.volume_type ka.req.service.ports
    """,
}
CONTAINER_SUFFIXES = """
    name image image.repository command args host_port privileged allow_privilege_escalation read_only_fs
    run_as_user run_as_group eff_run_as_user eff_run_as_group proc_mount add_capabilities
"""
SHAPES = {name: shape for shape, names in NAMES.items() for name in names.split()}
SHAPES |= {
    f"ka.req.pod.{key}.{suffix}": INDEXED for key in CONTAINER_LISTS for suffix in CONTAINER_SUFFIXES.split()
}
del SHAPES["ka.req.pod.ephemeralContainers.host_port"]

OF_SOURCE = [field for field in table() if field.name.startswith(("ka.", "jevt.", "json."))]


def test_fields_are_those_of_falcos_plugins() -> None:
    assert {field.name: (field.is_list, field.argument) for field in OF_SOURCE} == SHAPES
    assert {field.type for field in OF_SOURCE} == {FieldType.STRING}


def test_there_are_a_hundred_and_six() -> None:
    names = [field.name for field in OF_SOURCE]
    assert sum(name.startswith("ka.") for name in names) == 100
    assert sum(not name.startswith("ka.") for name in names) == 6
    assert len(set(names)) == len(names)


def test_text_of_the_event_is_a_field_too() -> None:
    field = table().get("evt.plugininfo")
    assert field is not None
    assert (field.type, field.is_list, field.argument) == (FieldType.STRING, False, None)


@pytest.mark.parametrize("field", OF_SOURCE, ids=lambda field: field.name)
def test_field_says_what_it_is_and_which_audit_level_it_needs(field: Any) -> None:
    assert field.doc.endswith(".")
    assert "\n" not in field.doc
    (level,) = field.needs
    if field.name in ("ka.resp.name", "ka.target.pod.name"):
        assert level == "RequestResponse"
    elif field.name.startswith("ka.req.") and field.name != "ka.req.configmap.name":
        assert level == "Request"
    else:
        assert level == "Metadata"


POD_SECURITY = {"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4]}
CONTAINER = {
    "name": "web",
    "image": "host:5000/web:1",
    "command": ["sh", "-c"],
    "args": ["id"],
    "ports": [{"hostPort": 1, "containerPort": 2}],
    "securityContext": {
        "privileged": True,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsUser": 5,
        "runAsGroup": 6,
        "procMount": "Default",
        "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]},
    },
}
SUBJECTS = [
    {"kind": kind, "name": "alice", "namespace": "ns"} for kind in ("User", "Group", "ServiceAccount")
]
FULL: Document = {
    **ENVELOPE,
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/pods?x=y",
    "verb": "create",
    "user": {"username": "alice", "groups": ["dev"]},
    "impersonatedUser": {"username": "root"},
    "sourceIPs": ["::1"],
    "userAgent": "kubectl",
    "objectRef": {"resource": "pods", "namespace": "ns", "name": "web", "subresource": "status"},
    "responseStatus": {"code": 201, "reason": "Created"},
    "requestObject": {
        "data": {"k": "v"},
        "roleRef": {"name": "view"},
        "subjects": SUBJECTS,
        "rules": [{"apiGroups": [""], "nonResourceURLs": ["/"], "verbs": ["get"], "resources": ["pods"]}],
        "spec": {
            "type": "NodePort",
            "ports": [{"port": 80}],
            "hostIPC": True,
            "hostNetwork": True,
            "hostPID": False,
            "securityContext": POD_SECURITY,
            "volumes": [{"name": "v", "hostPath": {"path": "/etc"}, "flexVolume": {"driver": "lvm"}}],
            **{key: [CONTAINER, CONTAINER] for key in CONTAINER_LISTS},
        },
    },
    "responseObject": {"metadata": {"name": "web-1"}},
    "annotations": {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": "",
        "authentication.openshift.io/decision": "allow",
        "authentication.openshift.io/username": "alice",
        "validation.policy.admission.k8s.io/validation_failure": "[]",
        "pod-security.kubernetes.io/audit-violations": "none",
        "cluster_name": "c1",
    },
}
KEYS = {"ka.uri.param": "x", "ka.req.volume.hostpath": "/e*", "ka.req.binding.subject.has_name": "alice"}


EVERY = [
    f"{name}[{KEYS.get(name, '/requestObject/spec')}]" if shape == KEYED else name
    for name, shape in SHAPES.items()
]
EVERY += [f"{name}[0]" for name, shape in SHAPES.items() if shape == INDEXED]


@pytest.mark.parametrize("field", EVERY)
def test_field_is_present_in_an_event_that_has_everything(field: str) -> None:
    document = copy.deepcopy(FULL)
    if field == "ka.target.pod.name":
        del document["objectRef"]["subresource"]
    assert value_in(event_of(document), field) is not None


def test_every_ka_field_is_absent_without_an_audit_id() -> None:
    document = {key: value for key, value in FULL.items() if key != "auditID"}
    event = decode(json.dumps(document).encode())
    present = {field for field in EVERY if value_in(event, field) is not None}
    assert present == {field for field in EVERY if not field.startswith("ka.")}


def places(value: Json, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every part of a document, by its path."""
    yield above
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*above, key))


PLACES = [place for place in places(FULL) if place and place not in (("kind",), ("stageTimestamp",))]
WORDS = sorted({str(part) for place in PLACES for part in place})

texts = st.text(max_size=8) | st.sampled_from([*WORDS, "\ud800", "a\0b", "/x?a=%zz", "Event"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def with_part(document: Document, place: tuple[Any, ...], part: Json) -> Document:
    """The document with another value at a place."""
    changed = copy.deepcopy(document)
    holder: Any = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = part
    return changed


GETTERS = {name: bound(name) for name in EVERY}


def assert_readable(document: Document) -> None:
    """Every getter gives None, a text, or a list of texts where the field is a list."""
    event = event_of(document)
    for name, field in GETTERS.items():
        value = field.getter(event)
        if field.is_list:
            assert value is None or (isinstance(value, list) and all(isinstance(v, str) for v in value)), name
        else:
            assert value is None or isinstance(value, str), name


@pytest.mark.parametrize("part", [None, True, 5, 1.5, "", "text", [], {}, [None], [[]], {"0": {}}, [{}, "x"]])
def test_no_field_trips_over_a_part_of_another_kind(part: Json) -> None:
    for place in PLACES:
        assert_readable(with_part(FULL, place, part))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(PLACES), part=jsons)
def test_no_field_trips_over_any_json_in_place_of_a_part(place: tuple[Any, ...], part: Json) -> None:
    assert_readable(with_part(FULL, place, part))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=st.dictionaries(st.sampled_from([*FULL, "other"]), jsons))
def test_no_field_trips_over_an_event_of_any_parts(document: Document) -> None:
    # What makes it an event stays.
    assert_readable({**document, "kind": FULL["kind"], "stageTimestamp": FULL["stageTimestamp"]})
