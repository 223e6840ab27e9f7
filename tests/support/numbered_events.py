"""A client that posts numbered audit events to a webhook that may be killed at any time."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.webhook_harness import audit_event, encode, event_list

TRIES = 30
PAUSE_S = 0.02


@dataclass
class NumberedEvents:
    """Posts lists of events, one after the other, as the kube-apiserver does: again where it gets no 200.

    `acknowledged` are the numbers of the events of lists that were answered with 200, in order.
    """

    chance: random.Random
    url: str | None = None
    sent: int = 0
    acknowledged: list[int] = field(default_factory=list)
    given_up: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Post until it is told to end."""
        while not self._ended.is_set():
            numbers = range(self.sent, self.sent + self.chance.randrange(1, 6))
            self.sent = numbers.stop
            body = encode(event_list(*(audit_event(f"{number}") for number in numbers)))
            if self._post_until_answered(body):
                self.acknowledged += numbers
            else:
                self.given_up += 1

    def _post_until_answered(self, body: bytes) -> bool:
        tries = self.chance.choice((1, TRIES, TRIES, TRIES))
        for _ in range(tries):
            if self._post(body):
                return True
            if self._ended.wait(PAUSE_S):
                break
        return False

    def _post(self, body: bytes) -> bool:
        if self.url is None:
            return False
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request("POST", parts.path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def end(self) -> None:
        """End after the list that is being posted."""
        self._ended.set()


@contextmanager
def posting(seed: int) -> Iterator[NumberedEvents]:
    """Run a client in a thread."""
    client = NumberedEvents(random.Random(seed))
    thread = threading.Thread(target=client.run, name="client", daemon=True)
    thread.start()
    try:
        yield client
    finally:
        client.end()
        thread.join()
