"""Which cloud's wrapping a JSON object is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from falcocore_k8s_audit.clouds import cloud_logging, cloudwatch, event_hub
from falcocore_k8s_audit.clouds.parts import Inner
from falcocore_k8s_audit.raw import Members

WRAPPINGS_DEEP = 3
"""Firehose has records of CloudWatch, and those have events: there may be no more wrappings in each other."""

_CLOUDS: tuple[Callable[[Members], Iterable[Inner] | None], ...] = (
    cloudwatch.documents,
    event_hub.documents,
    cloud_logging.documents,
)


def unwrapped(members: Members) -> Iterable[Inner] | None:
    """What is in a wrapping, documents that may be wrappings themselves; None where it is none that is known.

    An empty one is a wrapping with nothing for us in it, such as another log of the same cluster.

    Raises:
        NotJsonError: a part of it is broken.
    """
    for documents in _CLOUDS:
        if (found := documents(members)) is not None:
            return found
    return None
