"""What tests of runtimes share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder with a short name: that of a socket has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="fc-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
