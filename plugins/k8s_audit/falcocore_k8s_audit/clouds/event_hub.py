"""AKS: diagnostic settings hand out audit events by an Event Hub, or write them to a storage account.

A message of the hub is an object with `records`; each of them, and each line of a file in the storage
account, has the JSON text of one audit event as `properties.log`. Logs of other parts of the control plane
look the same, with a text that is no JSON object.

https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from falcocore_k8s_audit.clouds.parts import Inner, object_at, objects_at, text_at
from falcocore_k8s_audit.raw import Members


def documents(members: Members) -> Iterable[Inner] | None:
    """The audit events of a message, or of one record; None for another shape."""
    records = objects_at(members, "records")
    if records and all("properties" in record for record in records):
        return _logs((f"records[{number}].", record) for number, record in enumerate(records))
    if "properties" in members and "category" in members:
        return _logs([("", members)])
    return None


def _logs(records: Iterable[tuple[str, Members]]) -> Iterator[Inner]:
    for where, record in records:
        log = (text_at(object_at(record, "properties"), "log") or "").strip()
        if log.startswith("{"):
            yield Inner(f"{where}properties.log", log.encode())
