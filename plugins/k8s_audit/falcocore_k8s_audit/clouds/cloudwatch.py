"""EKS: CloudWatch Logs hands out audit events by subscriptions.

The record of a subscription is an object with `messageType` and `logEvents`, each of which has the JSON text
of one audit event as its `message`. It comes by itself, or packed with gzip and base64: to a Lambda function
as `awslogs.data`, from Amazon Data Firehose as `records[].data`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from falcocore_k8s_audit.clouds.parts import Inner, Unpacker, UnpackError, object_at, objects_at, text_at
from falcocore_k8s_audit.raw import Members

AUDIT_STREAM = "kube-apiserver-audit"
"""How the names of the log streams with audit events begin; the group has others."""
CUT_MARK = "[Truncated...]"
"""What a message ends with that was longer than CloudWatch keeps."""
_BETWEEN_RECORDS = re.compile(rb'(?<=\})\s*(?=\{"(?:messageType|owner)":)')


def documents(members: Members) -> Iterable[Inner] | None:
    """The audit events of a record, or the records of what Firehose or Lambda got; None for another shape."""
    if "logEvents" in members and "messageType" in members:
        return _messages(members)
    packed = text_at(object_at(members, "awslogs"), "data")
    if packed is not None:
        return _unpacked([("awslogs.data", packed)])
    found = [
        (f"records[{n}].data", text_at(one, "data")) for n, one in enumerate(objects_at(members, "records"))
    ]
    if found and all(data is not None for _, data in found):
        return _unpacked([(where, data or "") for where, data in found])
    return None


def separated(text: bytes) -> list[bytes]:
    """The records of a text in which they stand side by side, as Firehose leaves them in files.

    Within a JSON document the bytes that are looked for can't stand.
    """
    return _BETWEEN_RECORDS.split(text)


def _messages(record: Members) -> Iterator[Inner]:
    stream = text_at(record, "logStream")
    if text_at(record, "messageType") != "DATA_MESSAGE" or (stream and not stream.startswith(AUDIT_STREAM)):
        return
    for number, event in enumerate(objects_at(record, "logEvents")):
        where, message = f"logEvents[{number}].message", text_at(event, "message")
        if message is None:
            yield Inner(where, refusal="it is missing, or no text")
        elif message.endswith(CUT_MARK):
            yield Inner(where, refusal="the event was too long for CloudWatch, which has cut it")
        else:
            yield Inner(where, message.encode())


def _unpacked(texts: Iterable[tuple[str, str]]) -> Iterator[Inner]:
    unpacker = Unpacker()
    for where, encoded in texts:
        try:
            unpacked = unpacker.unpack(encoded)
        except UnpackError as error:
            yield Inner(where, refusal=str(error))
            continue
        for line in unpacked.splitlines():
            for text in separated(line):
                if text.strip():
                    yield Inner(where, text)
