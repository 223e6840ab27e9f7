"""Alerts on the standard input of a program."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, ClassVar

from falcocore.api import Alert, ConfigError, Output, OutputError
from falcocore_outputs.processes import Command

log = logging.getLogger("falcocore.outputs.program")


class ProgramOutput(Output):
    """Gives alerts to a shell command, one line each: one process for each alert, or one that stays.

    SIGUSR1 ends the process that stays; the next alert starts it again.
    """

    name: ClassVar[str] = "program"

    def __init__(
        self,
        *,
        program: Annotated[str, "command for /bin/sh, which reads alerts from its standard input"],
        keep_alive: Annotated[
            bool, "keep one process running, instead of starting one for each alert"
        ] = False,
        timeout_s: Annotated[
            float, "how long an alert may take to be read, or its process to end, in seconds"
        ] = 30.0,
        grace_s: Annotated[
            float, "how long a process that stays has to finish at the end, before it is killed, in seconds"
        ] = 3.0,
    ) -> None:
        if not program.strip():
            raise ConfigError("output program: `program` is empty", hint="give a command for the shell")
        for option, value in (("timeout_s", timeout_s), ("grace_s", grace_s)):
            if not 0 < value < math.inf:
                raise ConfigError(f"output program: {option} is {value:g}, it has to be more than 0")
        self._program = program
        self._keep_alive = keep_alive
        self._timeout_s = timeout_s
        self._grace_s = grace_s
        self._command: Command | None = None
        self._restart = False
        # Of a group of which one alert has failed all would come again.
        self.max_batch = type(self).max_batch if keep_alive else 1

    async def send(self, alerts: Sequence[Alert]) -> None:
        """Give the alerts to the program.

        Raises:
            OutputError: it can't be started, does not read, ends before it has read them, or fails.
        """
        if self._keep_alive:
            await self._feed(alerts)
        else:
            for alert in alerts:
                await self._run(alert)

    async def _run(self, alert: Alert) -> None:
        """One process for one alert; its exit status says whether it was taken."""
        command = await Command.start(self._program, _note)
        async with self._limited(command, "did not end"):
            # A program that does not care for the alert itself may end without having read it.
            await command.write(_lines([alert]))
            await command.finish()
        log.debug("< %s", command.ending())
        if command.status:
            raise self._error(command.ending())

    async def _feed(self, alerts: Sequence[Alert]) -> None:
        command = await self._running()
        async with self._limited(command, "did not read"):
            taken = await command.feed(_lines(alerts))
            if not taken:
                await command.finish()
        if not taken or command.status:
            self._command = None
            raise self._error(f"{command.ending()}; it is started again")

    async def _running(self) -> Command:
        """The process that stays; another one when that has ended, or has to be restarted."""
        if self._command is not None and self._restart:
            await self.aclose()
        elif self._command is not None and self._command.status is not None:
            await self._command.finish()
            log.warning("the program %s; it is started again", self._command.ending())
            self._command = None
        self._restart = False
        if self._command is None:
            self._command = await Command.start(self._program, _note)
        return self._command

    @asynccontextmanager
    async def _limited(self, command: Command, late: str) -> AsyncIterator[None]:
        """Kill the process where it takes too long, or is not waited for: it may have half of a line."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except BaseException as error:
            self._command = None
            await command.kill()
            if isinstance(error, TimeoutError):
                raise self._error(f"{late} within {self._timeout_s:g} s, and was killed") from None
            raise

    def _error(self, said: str) -> OutputError:
        # The command is not shown: many have a token in them.
        return OutputError(f"the program {said}")

    def reopen(self) -> None:
        """Start it again for the next alert."""
        self._restart = True

    async def aclose(self) -> None:
        """Let the process that stays finish, and kill it where it does not."""
        if self._command is not None:
            command, self._command = self._command, None
            await command.end(self._grace_s)
            if command.status:
                log.warning("the program %s", command.ending())


def _lines(alerts: Sequence[Alert]) -> bytes:
    text = "".join(f"{alert.line}\n" for alert in alerts)
    log.debug("> %s", text.rstrip("\n"))
    return text.encode("utf-8", "replace")


def _note(line: str) -> None:
    log.debug("< %s", line)
