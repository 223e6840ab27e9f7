"""Builds the kernel program of live capture: `make bpf`, with clang 14 and the headers of libbpf.

The objects are committed beside their source, so that nobody who uses them needs a compiler. Each carries the
digest of the source that it was made from.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "falcocore_syscall" / "live" / "program"
ARCHITECTURES = {"x86_64": "x86", "aarch64": "arm64"}
"""Machines as `uname -m` names them, and as libbpf's headers do."""
COMPILER, STRIP = "clang-14", "llvm-strip-14"


def source_digest() -> str:
    """SHA-256 over the names and texts of the source files."""
    digest = hashlib.sha256()
    for path in sorted([*PROGRAM.glob("*.h"), *PROGRAM.glob("*.c")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def build(directory: Path) -> None:
    """Write the objects of all architectures into a directory.

    Raises:
        subprocess.CalledProcessError: the source can't be compiled.
    """
    for machine, target in ARCHITECTURES.items():
        made = directory / f"capture.{machine}.o"
        flags = ["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3", f"-D__TARGET_ARCH_{target}"]
        digest = f'-DSOURCE_DIGEST="{source_digest()}"'
        # The object doesn't depend on where the repository lies.
        flags.append(f"-ffile-prefix-map={PROGRAM.resolve()}=.")
        subprocess.run(  # noqa: S603 - all arguments are from here
            [COMPILER, *flags, digest, "-c", "capture.bpf.c", "-o", str(made)], cwd=PROGRAM, check=True
        )
        unread = ["--remove-section=.rel.BTF", "--remove-section=.rel.BTF.ext"]
        subprocess.run([STRIP, "-g", *unread, str(made)], check=True)  # noqa: S603 - as above


if __name__ == "__main__":
    if not shutil.which(COMPILER):
        sys.exit(f"{COMPILER} is not installed; on Debian: apt-get install clang-14 llvm-14 libbpf-dev")
    build(PROGRAM)
