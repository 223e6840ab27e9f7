"""Source `logins`: lines such as {"time_ns": 1, "key": "a7", "user": "eve", "success": false}."""

import json
from collections.abc import Iterator
from types import SimpleNamespace

from falcocore.api import Batch, Field, FieldRegistry, FieldType, Source, SourceRegistry, hookimpl

USER = Field("login.user", FieldType.STRING, "Who wanted to log in.", lambda event: event.user)
SUCCESS = Field("login.success", FieldType.BOOL, "Whether it worked.", lambda event: event.success)


class Logins(Source):
    """Attempts to log in, from the file that the target names."""

    name = "logins"

    def __init__(self, target: str) -> None:
        self.target, self.stopped = target, False

    def batches(self) -> Iterator[Batch]:
        """Each line is a batch: its alerts go out before the next line is read."""
        with open(self.target, encoding="utf-8") as file:
            while not self.stopped and (line := file.readline()):
                yield Batch([SimpleNamespace(**json.loads(line))])

    def stop(self) -> None:
        """Read no further."""
        self.stopped = True


@hookimpl
def register_sources(registry: SourceRegistry) -> None:
    """Offer the source."""
    registry.add(Logins)


@hookimpl
def register_fields(registry: FieldRegistry) -> None:
    """Offer what rules can read of its events."""
    registry.add("logins", [USER, SUCCESS])
