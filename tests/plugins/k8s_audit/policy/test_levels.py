"""What a field asks for of level and stage."""

from __future__ import annotations

import pytest

from falcocore.fields import Field
from falcocore.lang.bound import BoundField
from falcocore.types import FieldType
from falcocore_k8s_audit.policy.levels import (
    NOTHING,
    Level,
    Need,
    Stage,
    absent_at,
    level_of,
    path_of,
    reads_managed_fields,
)
from tests.support.audit_fields import bound, table

METADATA, REQUEST, RESPONSE = Level.METADATA, Level.REQUEST, Level.REQUEST_RESPONSE


@pytest.mark.parametrize(
    ("field", "level"),
    [
        ("ka.verb", METADATA),
        ("ka.user.groups", METADATA),
        ("ka.uri.param[command]", METADATA),
        ("ka.req.configmap.name", METADATA),
        ("ka.req.configmap.obj", REQUEST),
        ("ka.req.pod.containers.image", REQUEST),
        ("ka.resp.name", RESPONSE),
        ("ka.target.pod.name", RESPONSE),
        ("ka.response.code", METADATA),
        ("jevt.value[/stage]", METADATA),
        ("jevt.value[requestObject/spec]", REQUEST),
        ("json.value[/requestObject/spec]", REQUEST),
        ("jevt.value[/responseObject]", RESPONSE),
        ("jevt.value[/responseStatus/code]", METADATA),
        ("jevt.value[/level]", RESPONSE),
        ("jevt.obj", RESPONSE),
        ("evt.plugininfo", RESPONSE),
        ("jevt.rawtime", METADATA),
        ("evt.time", METADATA),
    ],
)
def test_level(field: str, level: Level) -> None:
    assert level_of(bound(field)) is level


def test_every_field_of_the_source_has_the_level_that_it_declares() -> None:
    whole = {"jevt.obj", "json.obj", "evt.plugininfo"}
    for field in table():
        if field.argument is None and field.name not in whole and field.needs:
            assert (field.name, level_of(bound(field.name)).word) == (field.name, field.needs[0])


@pytest.mark.parametrize(
    ("needs", "level"), [((), RESPONSE), (("kernel 6.1",), RESPONSE), (("Metadata",), METADATA)]
)
def test_a_field_of_somebody_else_may_read_everything_unless_it_says_what(
    needs: tuple[str, ...], level: Level
) -> None:
    field = Field("who.kind", FieldType.STRING, "Kind.", lambda _event: None, needs=needs)
    theirs = BoundField(field, "who.kind", field.getter)
    assert level_of(theirs) is level
    assert not absent_at(theirs, Stage.REQUEST_RECEIVED, METADATA)
    assert reads_managed_fields(theirs) is (level is RESPONSE)


@pytest.mark.parametrize(
    ("field", "reads"),
    [
        ("jevt.value[/requestObject]", True),
        ("jevt.value[/requestObject/metadata]", True),
        ("jevt.value[/requestObject/metadata/managedFields/0/manager]", True),
        ("jevt.value[/requestObject/metadata/name]", False),
        ("jevt.value[/requestObject/spec]", False),
        ("jevt.value[/responseObject/items]", True),
        ("jevt.value[/responseObject/items/3]", True),
        ("jevt.value[/responseObject/items/3/spec]", False),
        ("jevt.value[/responseObject/rows/0/object/metadata]", True),
        ("jevt.value[/metadata/managedFields]", False),
        ("jevt.obj", True),
        ("evt.plugininfo", True),
        ("evt.time", False),
        ("ka.req.role.rules", False),
        ("ka.resp.name", False),
    ],
)
def test_managed_fields(field: str, reads: bool) -> None:
    assert reads_managed_fields(bound(field)) is reads


@pytest.mark.parametrize(
    ("field", "stage", "level", "absent"),
    [
        ("ka.response.code", Stage.REQUEST_RECEIVED, RESPONSE, True),
        ("ka.response.code", Stage.RESPONSE_COMPLETE, METADATA, False),
        ("jevt.value[/responseStatus/code]", Stage.REQUEST_RECEIVED, RESPONSE, True),
        ("ka.req.configmap.obj", Stage.REQUEST_RECEIVED, RESPONSE, True),
        ("ka.req.configmap.obj", Stage.RESPONSE_COMPLETE, METADATA, True),
        ("ka.req.configmap.obj", Stage.RESPONSE_COMPLETE, REQUEST, False),
        ("ka.resp.name", Stage.RESPONSE_COMPLETE, REQUEST, True),
        ("jevt.value[/requestObject/a]", Stage.RESPONSE_COMPLETE, METADATA, True),
        ("ka.verb", Stage.REQUEST_RECEIVED, METADATA, False),
        ("ka.auth.decision", Stage.REQUEST_RECEIVED, METADATA, False),
        ("jevt.obj", Stage.REQUEST_RECEIVED, METADATA, False),
        ("evt.time", Stage.REQUEST_RECEIVED, METADATA, False),
    ],
)
def test_absence(field: str, stage: Stage, level: Level, absent: bool) -> None:
    assert absent_at(bound(field), stage, level) is absent


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("ka.verb", ("verb",)),
        ("jevt.value[/user/username]", ("user", "username")),
        ("jevt.value[user/username]", ("user", "username")),
        ("ka.auth.decision", ("annotations", "authorization.k8s.io/decision")),
        ("ka.user.groups", None),
        ("jevt.obj", None),
    ],
)
def test_places(field: str, path: tuple[str, ...] | None) -> None:
    assert path_of(bound(field)) == path


def test_needs_add_up() -> None:
    one = Need(METADATA, frozenset({Stage.RESPONSE_STARTED}))
    other = Need(REQUEST, frozenset({Stage.RESPONSE_COMPLETE}), managed_fields=True)
    assert one | other == Need(
        REQUEST, frozenset({Stage.RESPONSE_STARTED, Stage.RESPONSE_COMPLETE}), managed_fields=True
    )
    assert one | NOTHING == one
