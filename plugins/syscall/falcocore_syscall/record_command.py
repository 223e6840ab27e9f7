"""`falcocore record`: writes what this machine does into a capture."""

from __future__ import annotations

import argparse
import contextlib
import gc
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from falcocore.api import ConfigError, FalcocoreError
from falcocore_syscall.live.companion import Companion
from falcocore_syscall.live.signals import Signals

if TYPE_CHECKING:
    from falcocore_syscall.live.recording import Recording

HELP = "write what this machine does into a .scap capture"
_ABOUT = (
    "Write what this machine does into a capture that `falcocore run --source syscall=FILE`, sysdig and "
    "Falco read. Recording ends with the command, after --duration, or when it is interrupted."
)
_STDOUT = "-"
_IDLE_S = 0.5
_GATHER_S = 0.01
_BUFFER_MB = 64
_COLLECTED_OBJECTS = 100_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = _ABOUT
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        required=True,
        help="where the capture goes: compressed where the name ends in .gz; - is standard output",
    )
    parser.add_argument(
        "--filter",
        metavar="CONDITION",
        help="show only events for which this is true, in the language of rules; what tells of processes and "
        "descriptors is written with them, hidden",
    )
    parser.add_argument("--duration", metavar="SECONDS", type=_seconds, help="end after this time")
    parser.add_argument(
        "--older", action="store_true", help="write it so that sysdig 0.29, which Debian has, reads it"
    )
    parser.add_argument(
        "--buffer-mb",
        metavar="N",
        type=int,
        default=_BUFFER_MB,
        help=f"memory for events that wait, in MiB, a power of two (default: {_BUFFER_MB})",
    )
    parser.add_argument(
        "command",
        nargs="*",
        metavar="COMMAND",
        help="after `--`: run this program, and record until it ends; its exit status is passed on",
    )


def _seconds(text: str) -> float:
    """A time.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time in seconds")
    return seconds


def run(options: argparse.Namespace) -> int:
    """Record; the exit status is that of the command where there is one."""
    if options.command and options.duration is not None:
        raise ConfigError(
            "--duration and a command exclude each other", hint="`timeout` ends a command in time"
        )
    matches = None
    if options.filter is not None:
        from falcocore.toolkit import condition_function

        matches = condition_function(options.filter, "syscall", "--filter")
    from falcocore_syscall.live.recording import Recording
    from falcocore_syscall.live.runtimes.sockets import DEFAULT_SOCKETS
    from falcocore_syscall.scap.writer import Writer, is_compressed_name

    compress = is_compressed_name(options.output)
    if compress and find_spec("isal") is None:
        hint = "pip install 'falcocore[syscall]', or choose a name that does not end in .gz"
        raise ConfigError("compressed captures can't be written without the package isal", hint=hint)
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(_opened(options.output))
            writer = Writer(stream, compress=compress, for_older=options.older)
            recording = Recording(writer, options.buffer_mb << 20, DEFAULT_SOCKETS, matches)
            stack.callback(recording.close)
            status = _until_it_ends(recording, options)
            recording.finish()
            writer.close()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise FalcocoreError(f"{options.output} can't be written: {error.strerror}") from None
        hint = " (--buffer-mb gives more room)" if recording.lost else ""
        said = f"{recording.written:,} events, {recording.lost:,} lost{hint}, {writer.size_bytes:,} bytes"
        print(f"recorded {said}", file=sys.stderr)  # noqa: T201
        return status


def _opened(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if name != _STDOUT:
        return Path(name).open("wb")
    if sys.stdout.isatty():
        raise ConfigError("a capture is nothing for a terminal", hint="redirect it, or name a file with -o")
    return contextlib.nullcontext(sys.stdout.buffer)


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Events leave no cycles behind: looking for them takes a sixth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECTED_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _until_it_ends(recording: Recording, options: argparse.Namespace) -> int:
    """Write until the command ends, the time is over, or a signal comes; the exit status."""
    with ExitStack() as stack:
        signals = stack.enter_context(Signals((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))
        recording.start()
        stack.enter_context(_rare_collections())
        companion = None
        if options.command:
            companion = Companion(options.command, sys.stderr if options.output == _STDOUT else None)
            stack.callback(companion.close)
        else:
            print(f"recording into {options.output} until interrupted", file=sys.stderr)  # noqa: T201
        until_s = float("inf") if options.duration is None else time.monotonic() + options.duration
        poller = select.poll()
        poller.register(recording.fileno(), select.POLLIN)
        poller.register(signals.fileno(), select.POLLIN)
        if companion is not None:
            poller.register(companion.fileno(), select.POLLIN)
        while (left_s := until_s - time.monotonic()) > 0:
            if not recording.write():
                poller.poll(min(left_s, _IDLE_S) * 1000)
                time.sleep(min(left_s, _GATHER_S))
            if companion is None and signals.received:
                return 0
            if companion is not None and companion.has_ended:
                return companion.status()
            while companion is not None and signals.received:
                number = signals.received.popleft()
                if number != signal.SIGINT:  # The terminal has sent that one to the command, too.
                    companion.send_signal(number)
        return 0
