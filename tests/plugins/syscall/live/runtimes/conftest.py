"""What tests of runtimes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live_container import short_folder


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder with a short name: that of a socket has at most 107 bytes."""
    with short_folder() as folder:
        yield folder
