"""Source `access_log`: a web server's log in Common Log Format, with each client's errors in a row."""

import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

from falcocore.api import Batch, Field, FieldRegistry, FieldType, Source, SourceRegistry, hookimpl

CLIENT = Field("access.client", FieldType.STRING, "Address of the client.", lambda event: event.client)
ERRORS = Field("access.errors", FieldType.UINT64, "Its errors in a row.", lambda e: e.counts[e.client])


class AccessLog(Source):
    """Reads the log that the target names, in a thread of its own, because `batches` is a plain generator."""

    name = "access_log"

    def __init__(self, target: str) -> None:
        self.target, self.counts = target, Counter[str]()

    def batches(self) -> Iterator[Batch]:
        """A batch for each line. When the next one is drawn, rules have read the counts as they were."""
        with open(self.target, encoding="utf-8") as file:
            for key, (client, *_, status, _size) in enumerate(map(str.split, file)):
                self.counts[client] = self.counts[client] + 1 if status >= "400" else 0
                now = time.time_ns()
                yield Batch([SimpleNamespace(time_ns=now, key=str(key), client=client, counts=self.counts)])


@hookimpl
def register_sources(registry: SourceRegistry) -> None:
    """Offer the source."""
    registry.add(AccessLog)


@hookimpl
def register_fields(registry: FieldRegistry) -> None:
    """Offer what rules can read of its events."""
    registry.add("access_log", [CLIENT, ERRORS])
