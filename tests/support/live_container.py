"""A shell inside a container that does what a test tells it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.support.container_runtimes import RunningContainer, can_layer, docker, podman
from tests.support.containerd_pod import containerd
from tests.support.runtime_daemons import SAFETY_S, environment


@contextmanager
def _container_of_pod(folder: Path, layered: bool) -> Iterator[RunningContainer]:
    with containerd(folder, layered=layered) as (container, _):
        yield container


RUNTIMES: Mapping[str, Callable[[Path, bool], AbstractContextManager[RunningContainer]]] = {
    "podman": lambda folder, layered: podman(folder, layered=layered),
    "docker": lambda folder, layered: docker(folder, layered=layered, powerful=True),
    "containerd": _container_of_pod,
}
"""Each makes a container with many rights, on overlayfs where the second argument says so."""


class Inside:
    """A container and a shell in it; `is_layered` where its file system is overlayfs."""

    def __init__(self, container: RunningContainer, is_layered: bool) -> None:
        self.container = container
        self.is_layered = is_layered
        self._count = 0
        self._shell = subprocess.Popen(
            (*container.inside, "/bin/sh"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
            text=True,
        )

    def begin(self, code: str) -> str:
        """Start on commands of the shell; the path in the container that is opened after them."""
        self._count += 1
        sentinel = f"/sentinel-{os.getpid()}-{self._count}"
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{{ {code}\n}} < /dev/null\n: > {sentinel}\n")
        self._shell.stdin.flush()
        return sentinel

    def close(self) -> None:
        """End the shell."""
        self._shell.communicate(timeout=SAFETY_S)


def sockets_in(folder: Path) -> list[str]:
    """Where a runtime will answer whose container is made in a folder."""
    return [f"docker:{folder}/podman.sock", f"docker:{folder}/docker.sock", f"cri:{folder}/containerd.sock"]


@contextmanager
def inside(runtime: str, folder: Path) -> Iterator[Inside]:
    """A container of one of RUNTIMES, which has its files in the folder."""
    is_layered = can_layer(folder)
    with RUNTIMES[runtime](folder, is_layered) as container:
        made = Inside(container, is_layered)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a short name: that of a socket has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="fc-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
