"""Threads that are waited for on the event loop, and that do not hold the process up."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any


async def in_thread(name: str, run: Callable[[], None]) -> None:
    """Run a function in a thread of its own; one that never returns does not hold the process up.

    The loop's executor would: its threads are joined when the loop is closed, and at the end of Python.
    """
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if finished.done():
            return
        if error is None:
            finished.set_result(None)
        else:
            finished.set_exception(error)

    def target() -> None:
        error: BaseException | None = None
        try:
            run()
        except BaseException as raised:  # carried over to the event loop
            error = raised
        call_on(loop, finish, error)

    threading.Thread(target=target, name=name, daemon=True).start()
    await finished


def call_on(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: Any) -> None:
    """Call a function on an event loop, from any thread; nothing happens where the loop is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)
