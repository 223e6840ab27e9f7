"""Audit events as the clouds wrap them."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from tests.support.audit_decoding import dumped


def packed(document: Any) -> str:
    """As Lambda and Firehose have a record of CloudWatch."""
    return base64.b64encode(gzip.compress(dumped(document))).decode()


def cloudwatch(*messages: bytes | str, **changes: Any) -> dict[str, Any]:
    """What a subscription of CloudWatch Logs hands out."""
    texts = [message if isinstance(message, str) else message.decode() for message in messages]
    record = {
        "messageType": "DATA_MESSAGE",
        "owner": "111111111111",
        "logGroup": "/aws/eks/prod/cluster",
        "logStream": "kube-apiserver-audit-7ba7f0",
        "subscriptionFilters": ["all"],
        "logEvents": [
            {"id": str(number), "timestamp": 1539994708428, "message": text}
            for number, text in enumerate(texts)
        ],
    }
    return record | changes


def firehose(*records: Any) -> dict[str, Any]:
    """What Firehose posts."""
    request = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"
    return {
        "requestId": request,
        "timestamp": 1578090901599,
        "records": [{"data": packed(r)} for r in records],
    }


def event_hub(*logs: bytes | str, category: str = "kube-audit") -> dict[str, Any]:
    """What the Event Hub of a diagnostic setting hands out."""
    return {"records": [event_hub_record(log, category) for log in logs]}


def event_hub_record(log: bytes | str, category: str = "kube-audit") -> dict[str, Any]:
    """One record of it, as it also stands in the files of a storage account."""
    text = log if isinstance(log, str) else log.decode()
    properties = {"log": text + "\n", "stream": "stdout", "pod": "kube-apiserver-5d4b"}
    return {
        "time": "2018-10-20T00:18:28.4283980Z",
        "category": category,
        "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "resourceId": "/SUBSCRIPTIONS/1/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/PROD",
        "properties": properties,
    }


def log_entry(
    method: str = "io.k8s.core.v1.pods.create",
    resource: str = "core/v1/namespaces/default/pods/nginx",
    **changes: Any,
) -> dict[str, Any]:
    """An entry of Cloud Logging; `changes` replace what is in its `protoPayload`."""
    payload = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "jane@example.com"},
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "kubectl/v1.31"},
        "serviceName": "k8s.io",
        "methodName": method,
        "resourceName": resource,
        "request": {"@type": "core.k8s.io/v1.Pod", "spec": {"hostNetwork": True}},
        "response": {"@type": "core.k8s.io/v1.Pod", "metadata": {"name": "nginx"}},
    }
    return {
        "protoPayload": payload | changes,
        "insertId": "a-1",
        "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "prod", "location": "europe-west1"}},
        "labels": {"authorization.k8s.io/decision": "allow", "location": "is replaced"},
        "timestamp": "2018-10-20T00:18:27.000001Z",
        "logName": "projects/acme/logs/cloudaudit.googleapis.com%2Factivity",
        "receiveTimestamp": "2018-10-20T00:18:28.428398123Z",
    }


def pub_sub(document: Any) -> dict[str, Any]:
    """What Pub/Sub pushes."""
    data = base64.b64encode(json.dumps(document).encode()).decode()
    message = {"data": data, "messageId": "2070443601311540", "attributes": {}}
    return {"message": message, "subscription": "projects/acme/subscriptions/audit"}
