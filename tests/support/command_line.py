"""The command line in the test's process: arguments in, exit status out, output to where pytest sees it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from falcocore.cli.main import main
from falcocore.config import loader

NOWHERE = Path("/nonexistent")


def falcocore(*arguments: str, machine: Path = NOWHERE, user: Path = NOWHERE) -> int:
    """Run a command as the shell would; logging is put back.

    `machine` and `user` stand for /etc/falcocore and for the user's folder of configurations.
    """
    root, own = logging.getLogger(), logging.getLogger("falcocore")
    before = (root.handlers[:], root.level, own.level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "DEFAULT_FILE", machine / "falcocore.yaml")
        patch.setenv("XDG_CONFIG_HOME", str(user))
        try:
            return main(arguments)
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            root.handlers[:] = before[0]
            root.setLevel(before[1])
            own.setLevel(before[2])
