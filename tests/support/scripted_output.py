"""An output that does what a script says, and notes what it was given."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from falcocore.api import Alert, Output
from tests.support.small_outbox import number_of

Step = BaseException | Callable[[], Awaitable[None]] | None


class Scripted(Output):
    """Each `send` takes the next step: raises it, awaits it, or delivers; after the last it delivers.

    `refuse` are numbers of alerts for which it raises `refusal` whenever one is among those that are sent.
    """

    name: ClassVar[str] = "scripted"

    def __init__(
        self, *script: Step, max_batch: int = 2, refuse: Sequence[int] = (), refusal: Exception | None = None
    ) -> None:
        self.max_batch = max_batch
        self.sends: list[list[int]] = []
        self.delivered: list[int] = []
        self.calls: list[str] = []
        self._script = list(script)
        self._refuse = set(refuse)
        self._refusal = refusal
        self._changed = threading.Condition()

    async def send(self, alerts: Sequence[Alert]) -> None:
        numbers = [number_of(alert) for alert in alerts]
        with self._changed:
            self.sends.append(numbers)
            self.calls.append("send")
            self._changed.notify_all()
        step = self._script.pop(0) if self._script else None
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            await step()
        if self._refusal is not None and self._refuse & set(numbers):
            raise self._refusal
        with self._changed:
            self.delivered += numbers
            self._changed.notify_all()

    def reopen(self) -> None:
        self.calls.append("reopen")

    def close(self) -> None:
        self.calls.append("close")

    def wait_for(self, complete: Callable[[Scripted], bool], timeout_s: float = 30.0) -> None:
        """Wait, in another thread, until it is `complete`."""
        with self._changed:
            assert self._changed.wait_for(lambda: complete(self), timeout_s), (self.sends, self.delivered)

    def wait_for_count(self, count: int) -> None:
        """Wait, in another thread, until it has delivered so many."""
        self.wait_for(lambda output: len(output.delivered) >= count)


async def hang() -> None:
    """Never end."""
    await asyncio.Event().wait()
