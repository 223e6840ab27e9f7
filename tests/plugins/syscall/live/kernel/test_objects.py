"""The committed objects were made from the committed source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from falcocore_syscall.live.bpf.elf import Elf
from plugins.syscall.tools.build_program import ARCHITECTURES, COMPILER, PROGRAM, STRIP, build, source_digest


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_an_object_carries_the_digest_of_its_source(machine: str) -> None:
    elf = Elf((PROGRAM / f"capture.{machine}.o").read_bytes())
    section = elf.find("digest")
    assert section is not None
    assert elf.body(section).rstrip(b"\0").decode() == source_digest(), "make bpf, and commit the objects"


@pytest.mark.skipif(
    not (shutil.which(COMPILER) and shutil.which(STRIP)), reason=f"{COMPILER} and {STRIP} are not installed"
)
def test_the_compiler_makes_the_same_objects(tmp_path: Path) -> None:
    build(tmp_path)
    for machine in ARCHITECTURES:
        name = f"capture.{machine}.o"
        assert (tmp_path / name).read_bytes() == (PROGRAM / name).read_bytes(), name
