"""Prints how long this kernel takes to load the programs of the bundled rules, and how much it verifies."""

from __future__ import annotations

import time

from falcocore.host import PluginHost
from falcocore_syscall.live.capture import Capture
from falcocore_syscall.live.tables import Tables
from tests.support.live_watch import rule_set


def main() -> None:
    """Load, print, and let go."""
    tables = Tables.of(rule_set(*(path.read_text() for path in PluginHost().pack("syscall").files)))
    capture = Capture(8 << 20)
    began = time.monotonic()
    capture.start(tables)
    took_s = time.monotonic() - began
    loaded = capture._object  # noqa: SLF001 - nobody else wants to know
    assert loaded is not None
    names = [name for name in loaded.program_names if name not in capture.left_out]
    verified = ", ".join(f"{name} {loaded.info(name).verified_instructions or '?'}" for name in names)
    print(f"loaded in {took_s:.2f} s; instructions verified: {verified}")  # noqa: T201 - a script
    capture.close()


if __name__ == "__main__":
    main()
