"""What holds for all tests."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def state_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default state directory, also of processes that a test starts: its own, and not the machine's.

    It does not exist before it is used.
    """
    directory = tmp_path_factory.getbasetemp() / "state" / str(next(_numbers))
    monkeypatch.setenv("STATE_DIRECTORY", str(directory))
    return directory
