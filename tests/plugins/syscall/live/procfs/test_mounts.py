"""Layers of overlay file systems: by made-up mounts, and by a real one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from falcocore_syscall.live.procfs.files import Directory
from falcocore_syscall.live.procfs.mounts import Layer, Overlays

ROOT = "30 1 0:40 / / rw - overlay overlay rw,lowerdir=/l1:/l2,upperdir={upper},workdir=/w\n"
DATA = "31 30 8:1 / /data rw - ext4 /dev/sda1 rw\n"
READ_ONLY = "32 30 0:41 / /ro\\040x rw - overlay overlay ro,lowerdir=/l1:/l2\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/bin/new", Layer.UPPER),
        ("/bin/old", Layer.LOWER),
        ("/data/bin/new", Layer.NONE),
        ("/database", Layer.LOWER),
        ("/ro x/bin/new", Layer.LOWER),
    ],
)
def test_the_layer_of_a_path(tmp_path: Path, path: str, expected: Layer) -> None:
    process, upper = tmp_path / "1", tmp_path / "host" / "upper"
    (upper / "bin").mkdir(parents=True)
    (upper / "bin" / "new").touch()
    process.mkdir()
    (process / "mountinfo").write_text(ROOT.format(upper="/upper") + DATA + READ_ONLY + "short\n")
    with Directory(str(process)) as directory:
        assert Overlays(str(tmp_path / "host")).layer_of(directory, b"/", path.encode()) is expected


def test_without_an_overlay_there_is_no_layer(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(DATA)
    with Directory(str(tmp_path)) as directory:
        assert Overlays().layer_of(directory, b"/", b"/data/x") is Layer.NONE
    (tmp_path / "mountinfo").unlink()
    with Directory(str(tmp_path)) as directory:
        assert Overlays().layer_of(directory, b"/", b"/data/x") is Layer.NONE


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root")
def test_a_real_overlay(tmp_path: Path) -> None:
    names = ("lower", "upper", "work", "merged")
    lower, upper, work, merged = (tmp_path / name for name in names)
    # An upper directory can't be on an overlay itself; one on a tmpfs always works.
    subprocess.run(["mount", "-t", "tmpfs", "falcocore-test", str(tmp_path)], check=True)
    try:
        for name in names:
            (tmp_path / name).mkdir()
        (lower / "old").touch()
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        mounted = subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", options, str(merged)], check=False
        )
        if mounted.returncode:
            pytest.skip("this kernel mounts no overlay")
        try:
            (merged / "new").touch()
            with Directory("/proc/self") as process:
                layers = [
                    Overlays().layer_of(process, b"/", os.fsencode(path.resolve()))
                    for path in (merged / "old", merged / "new", Path(shutil.which("sh") or "/bin/sh"))
                ]
            assert layers[:2] == [Layer.LOWER, Layer.UPPER]
        finally:
            subprocess.run(["umount", str(merged)], check=True)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
