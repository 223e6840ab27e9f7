"""`falcocore output test`: sends a test alert to an output, and shows what is said."""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections.abc import Iterator

from falcocore.alerts import AlertFormat
from falcocore.app import make_output, open_settings
from falcocore.cli.request import print_note, request_of
from falcocore.config.settings import OutputSettings, Settings
from falcocore.destination import Destination
from falcocore.errors import ConfigError, nearest
from falcocore.host import PluginHost
from falcocore.output import Output
from falcocore.trial import trial_alert, try_output
from falcocore.wanted import Wanted


def run(options: argparse.Namespace) -> int:
    """Test one configured output, or all; 1 where one does not deliver.

    A running process has no part in it.
    """
    settings = open_settings(request_of(options), print_note)
    host = PluginHost()
    # Made first, so that a mistake in one is told before anything is sent to another.
    chosen = [(output, make_output(host, output)) for output in _chosen(options.name, settings)]
    return max(_test(output, made, settings.format) for output, made in chosen)


def _chosen(name: str | None, settings: Settings) -> list[OutputSettings]:
    chosen = [output for output in settings.outputs if name in (None, output.name)]
    if not chosen:
        known = [output.name for output in settings.outputs]
        near = nearest(name or "", known)
        hint = f"did you mean {near}?" if near else f"outputs are {', '.join(known)}"
        raise ConfigError(f"no output {name!r} is configured", hint=hint)
    return chosen


def _test(settings: OutputSettings, output: Output, alert_format: AlertFormat) -> int:
    alert = trial_alert(settings.name, alert_format)
    told = "" if settings.wanted == Wanted() else ", whichever alerts it wants otherwise"
    _say(f"output {settings.name} ({settings.type}): a test alert is sent{told}")
    with _listening(type(output).__module__):
        trial = try_output(Destination(settings.name, output), alert)
    if trial.failure is None:
        _say(f"output {settings.name}: delivered in {trial.elapsed_s:.2f} s")
        return 0
    _say(f"output {settings.name}: not delivered, after {trial.elapsed_s:.2f} s: {trial.failure}")
    return 1


@contextlib.contextmanager
def _listening(module: str) -> Iterator[None]:
    """While the context is open, show what is logged by falcocore and by the package of an output."""
    root = logging.getLogger()
    loud = [logging.getLogger(name) for name in ("falcocore", module.partition(".")[0])]
    before = (root.handlers[:], root.level, [logger.level for logger in loud])
    root.handlers[:] = [_Conversation()]
    root.setLevel(logging.WARNING)
    for logger in loud:
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        for logger, level in zip(loud, before[2], strict=True):
            logger.setLevel(level)


class _Conversation(logging.Handler):
    """Shows lines as they are: outputs begin them with > for what they say, < for what they are told."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one."""
        try:
            _say(f"  {record.getMessage()}")
        except Exception:
            self.handleError(record)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the output stdout writes past Python's buffer
