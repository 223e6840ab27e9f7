"""Small file systems that are mounted for a test, and can be filled or become read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MOUNT = shutil.which("mount")
MKFS = shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0 or MOUNT is None:
        pytest.skip("only root can mount a file system")
    done = subprocess.run([MOUNT, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    folder.mkdir()
    _mount(*arguments, str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A file system in memory with so much room."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size_kb}k,mode=0700", "tmpfs") as mounted:
        yield mounted


def fill(folder: Path) -> Path:
    """Leave no room on a file system; returns the file whose removal gives it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    return ballast


class FailingDisk:
    """An ext4 file system that turns read-only, as after an error of the disk below."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder = folder
        self._device = device

    def fail(self) -> None:
        """Turn read-only, though files are open for writing."""
        Path(f"/sys/fs/ext4/{self._device}/trigger_fs_error").write_text("1")


@contextmanager
def failing_disk(folder: Path) -> Iterator[FailingDisk]:
    """An ext4 file system in a file."""
    if MKFS is None:
        pytest.skip("mkfs.ext4 is not installed")
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run([MKFS, "-q", image], check=True)
    with _mounted(folder, "-o", "loop,errors=remount-ro", str(image)):
        found = subprocess.run(
            ["findmnt", "-no", "SOURCE", folder], capture_output=True, text=True, check=True
        )
        device = found.stdout.strip().removeprefix("/dev/")
        if not Path(f"/sys/fs/ext4/{device}/trigger_fs_error").exists():
            pytest.skip("this kernel can't simulate an error of the file system")
        yield FailingDisk(folder, device)
