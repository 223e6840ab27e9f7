"""Work that goes on step by step, whenever another thread lets it: races that come the same way again."""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LOOKS = ((os, "fstat"), (os, "pread"), (os, "scandir"), (Path, "stat"), (builtins, "open"))
"""What Python code asks the file system with."""


class Turns:
    """Runs `work` in a thread of its own, which stands still but for `step`."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.is_done = False
        self._work = work
        self._given = threading.Semaphore(0)
        self._returned = threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        self._given.acquire()
        try:
            self._work()
        finally:
            self.is_done = True
            self._returned.release()

    def between(self) -> None:
        """Called by the work between two of its steps."""
        self._returned.release()
        self._given.acquire()

    def step(self) -> None:
        """Have the work do its next step, and wait for that."""
        if not self.is_done:
            self._given.release()
            self._returned.acquire()

    @contextmanager
    def between_looks(self, steps: Callable[[], int]) -> Iterator[None]:
        """Have as many steps done as `steps` says before each look that this thread takes at a file."""
        looking = threading.current_thread()

        def preceded(look: Callable[..., Any]) -> Callable[..., Any]:
            def taken(*args: Any, **options: Any) -> Any:
                if threading.current_thread() is looking:
                    for _ in range(steps()):
                        self.step()
                return look(*args, **options)

            return taken

        with pytest.MonkeyPatch.context() as patch:
            for owner, name in LOOKS:
                patch.setattr(owner, name, preceded(getattr(owner, name)))
            yield
