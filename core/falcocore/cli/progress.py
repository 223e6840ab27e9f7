"""The progress bar while files are read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from falcocore.app import Application
from falcocore.source import Progress as State

REFRESH_S = 0.2


def watcher(application: Application) -> Callable[[], Awaitable[None]]:
    """A coroutine function that shows how far each source is, with events a second and alerts."""

    async def watch() -> None:
        counters = application.counters
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]:,.0f} events/s"),
            TextColumn("{task.fields[alerts]:,d} alerts"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            tasks = {
                runner.name: progress.add_task(runner.name, total=None, rate=0.0, alerts=0)
                for runner in application.runners
                if runner.source.progress()
            }
            loop = asyncio.get_running_loop()
            started = loop.time()
            while True:
                for runner in application.runners:
                    if runner.name in tasks:
                        rate = counters.events[runner.name] / max(loop.time() - started, 0.001)
                        _update(
                            progress,
                            tasks[runner.name],
                            runner.source.progress(),
                            rate,
                            counters.alerts.total(),
                        )
                await asyncio.sleep(REFRESH_S)

    return watch


def _update(progress: Progress, task: TaskID, state: State | None, rate: float, alerts: int) -> None:
    if state is not None:
        progress.update(task, completed=state.done, total=state.total, rate=rate, alerts=alerts)
