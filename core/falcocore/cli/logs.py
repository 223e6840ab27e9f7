"""Log lines on stderr, which begin with the time."""

from __future__ import annotations

import logging
import sys
import time

from falcocore import times


class _Formatter(logging.Formatter):
    def __init__(self, *, iso8601: bool) -> None:
        super().__init__()
        self._iso8601 = iso8601

    def format(self, record: logging.LogRecord) -> str:
        """`TIME: text`, with the level's name for what is worse than information."""
        if self._iso8601:
            prefix = times.iso8601(int(record.created * times.NS_PER_S))
        else:
            prefix = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(record.created))
        level = f"{record.levelname.capitalize()}: " if record.levelno >= logging.WARNING else ""
        text = f"{prefix}: {level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _StderrHandler(logging.Handler):
    """Writes to what stderr is at the time: the progress bar takes its place, to make room for lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            if sys.stderr is not None:
                print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201
        except Exception:
            self.handleError(record)


def set_up(*, level: int, iso8601: bool, stderr: bool) -> None:
    """Send falcocore's log to stderr; other libraries are heard from warnings on."""
    handler = _StderrHandler() if stderr else logging.NullHandler()
    handler.setFormatter(_Formatter(iso8601=iso8601))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("falcocore").setLevel(level)
