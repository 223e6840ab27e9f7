"""All fields that rules of source `k8s_audit` can read."""

from __future__ import annotations

from falcocore.api import Field
from falcocore_k8s_audit.access import access_fields
from falcocore_k8s_audit.containers import container_fields
from falcocore_k8s_audit.objects import object_fields
from falcocore_k8s_audit.request import request_fields
from falcocore_k8s_audit.whole import whole_event_fields

FIELDS: tuple[Field, ...] = (
    *whole_event_fields(),
    *request_fields(),
    *access_fields(),
    *object_fields(),
    *container_fields(),
)
