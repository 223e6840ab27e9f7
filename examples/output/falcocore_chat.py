"""Output `chat`: alerts as messages to an incoming webhook of Slack, Mattermost or Rocket.Chat."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from falcocore.api import Alert, Output, OutputError, OutputRegistry, PermanentRefusal, hookimpl


class ChatOutput(Output):
    """Sends one message for each group of alerts."""

    name = "chat"

    def __init__(self, url: Annotated[str, "webhook"], timeout_s: Annotated[float, "max wait"] = 10) -> None:
        self.url, self.timeout_s = url, timeout_s

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Post the message; urllib blocks, so it gets a thread."""
        body = json.dumps({"text": "\n".join(alert.line for alert in alerts)}).encode()
        request = Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310 - the user's URL
        try:
            (await asyncio.to_thread(urlopen, request, timeout=self.timeout_s)).close()
        except HTTPError as error:
            error.close()
            never = error.code in (400, 403, 404, 410)
            raise (PermanentRefusal if never else OutputError)(f"{self.url}: {error}") from None
        except OSError as error:
            raise OutputError(f"{self.url}: {error}") from None


@hookimpl
def register_outputs(registry: OutputRegistry) -> None:
    """Offer the output."""
    registry.add(ChatOutput)
