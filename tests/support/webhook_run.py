"""`falcocore run` with the webhook, an outbox and an HTTP receiver, as a user has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.support.falcocore_process import WEBHOOK, Running, post
from tests.support.flaky_receiver import Arrival, FlakyReceiver, flaky_receiver
from tests.support.webhook_harness import RULES, Answer, audit_event, event_list


def number_of(arrival: Arrival) -> int:
    """The number of the event that the alert is of."""
    return int(arrival.line.rpartition(" ")[2].split(":")[0])


@contextmanager
def healthy_receiver() -> Iterator[FlakyReceiver]:
    """A receiver that takes everything, until its `trouble` is changed."""
    with flaky_receiver(0, 0.0) as receiver:
        yield receiver


class OutboxRun:
    """A configuration in a folder with one output, and how to run it."""

    def __init__(self, folder: Path, output: Mapping[str, Any], **outbox: Any) -> None:
        self.state = folder / "state"
        (folder / "rules.yaml").write_text(RULES)
        keys = {
            "outbox": {"enabled": True, "path": str(self.state), **outbox},
            "outputs": {"out": {**output}},
        }
        (folder / "falcocore.yaml").write_text(yaml.safe_dump(keys))
        config, rules = str(folder / "falcocore.yaml"), str(folder / "rules.yaml")
        self.arguments = ["run", "-c", config, "--source", WEBHOOK, "-r", rules]

    @property
    def database(self) -> Path:
        return self.state / "outbox.db"

    def start(self, **environment: str) -> Running:
        return Running(*self.arguments, **environment)


class WebhookRun(OutboxRun):
    """One that posts alerts to a receiver."""

    def __init__(self, folder: Path, receiver: FlakyReceiver, **outbox: Any) -> None:
        options = {"url": receiver.url, "body": "lines", "timeout_s": 2.0}
        super().__init__(folder, {"type": "http", "options": options}, **outbox)
        self._receiver = receiver

    def arrived(self) -> list[int]:
        """The numbers of what has arrived, each once, in the order of first copies."""
        return list(dict.fromkeys(map(number_of, self._receiver.arrivals)))

    def wait_for(self, number: int) -> None:
        """Wait until the alert of this event has arrived."""
        assert self._receiver.wait_for(lambda arrivals: number in map(number_of, arrivals[-200:])), (
            self.arrived()
        )


def post_numbers(url: str, *numbers: int, size_bytes: int = 0) -> Answer:
    """Post one list of events; each raises an alert of that size at least."""
    events = (audit_event(f"{number}{':' if size_bytes else ''}{'x' * size_bytes}") for number in numbers)
    return post(url, event_list(*events))
