"""Log lines on stderr, which begin with the time."""

from __future__ import annotations

import logging
import sys
import time


def line_time(seconds: float, *, iso8601: bool) -> str:
    """A time as it stands before a line: in UTC as ISO 8601, else in the host's zone."""
    if iso8601:
        return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(seconds))
    return time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(seconds))


def print_line(text: str, *, iso8601: bool) -> None:
    """A line that is no log line: the totals are wanted where `log_stderr` is off as well."""
    if sys.stderr is not None:
        print(f"{line_time(time.time(), iso8601=iso8601)}: {text}", file=sys.stderr, flush=True)  # noqa: T201


class _Formatter(logging.Formatter):
    def __init__(self, *, iso8601: bool) -> None:
        super().__init__()
        self._iso8601 = iso8601

    def format(self, record: logging.LogRecord) -> str:
        """`TIME: text`, with the level's name for what is worse than information."""
        prefix = line_time(record.created, iso8601=self._iso8601)
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
