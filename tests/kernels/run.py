"""The tests of live capture on other kernels, by hand: `python -m tests.kernels.run [5.10 6.1-arm64]`.

Run it as root, in the repository, with the Python of an environment that has the test extras, on Debian with
qemu-system-x86, busybox-static, cpio and gcc; for arm64 with qemu-system-arm, gcc-aarch64-linux-gnu and
libc6-dev-arm64-cross. Kernels come from Debian's packages, unpacked and not installed. A Python and the
repository go into an initramfs, whose first process runs `tests/plugins/syscall/live/kernel` with pytest.
Everything is emulated, which takes minutes for each kernel; so tests that repeat themselves do it less often.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.kernels.packages import Packages
from tests.kernels.root import make_foreign_root, make_root

DEADLINE_S = 1800


@dataclass(frozen=True, slots=True)
class Machine:
    """A kernel: its version, which of Debian's suites has it, and for which architecture."""

    version: str
    suite: str
    architecture: str = "amd64"

    @property
    def emulator(self) -> tuple[str, ...]:
        """What runs it, and the console that it is to write to."""
        if self.architecture == "arm64":
            return "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a76", "-append", "console=ttyAMA0"
        return "qemu-system-x86_64", "-cpu", "max", "-append", "console=ttyS0"


MACHINES = {
    "5.10": Machine("5.10", "bullseye"),
    "6.1": Machine("6.1", "bookworm"),
    "6.12": Machine("6.12", "trixie"),
    "6.1-arm64": Machine("6.1", "bookworm", "arm64"),
}


def kernel(machine: Machine, packages: Packages, folder: Path) -> Path:
    """The newest kernel of a machine's version, from its package."""
    version, architecture = re.escape(machine.version), machine.architecture
    name = packages.newest(f"^linux-image-{version}[.0-9]*[-+a-z0-9.]*-cloud-{architecture}$")
    packages.unpack(name, folder)
    return next((folder / "boot").glob("vmlinuz-*"))


def archive(root: Path) -> Path:
    """An initramfs of a directory, beside it."""
    made = root.with_suffix(".cpio")
    with made.open("wb") as file:
        pack = "find . | cpio -o -H newc --quiet"
        subprocess.run(["sh", "-c", pack], cwd=root, stdout=file, check=True)
    return made


def boot(machine: Machine, image: Path, initramfs: Path) -> bool:
    """Run the tests on a kernel, its console on the standard output; whether all passed."""
    command = [*machine.emulator[:-1], f"{machine.emulator[-1]} quiet panic=-1", "-accel", "tcg,thread=multi"]
    command += ["-m", "3G", "-smp", "2", "-nographic", "-no-reboot"]
    command += ["-kernel", str(image), "-initrd", str(initramfs)]
    passed = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        end = threading.Timer(DEADLINE_S, process.kill)
        end.start()
        for line in process.stdout:
            print(line, end="", flush=True)  # noqa: T201 - a script
            passed = passed or line.startswith("ended with 0")
        process.wait()
        end.cancel()
    return passed


def test(machine: Machine, folder: Path, more: list[str]) -> bool:
    """Put a machine together in a folder and run the tests on it."""
    packages = Packages(folder / "apt", machine.suite, machine.architecture)
    image = kernel(machine, packages, folder / "kernel")
    if machine.architecture == "amd64":
        make_root(folder / "root", *more)
    else:
        make_foreign_root(folder / "root", packages, *more)
    return boot(machine, image, archive(folder / "root"))


def main(*arguments: str) -> int:
    """Test the kernels of these names, all known ones without; other arguments go to pytest."""
    names = [each for each in arguments if each in MACHINES] or list(MACHINES)
    more = [each for each in arguments if each not in MACHINES]
    results = {}
    for name in names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            passed = test(MACHINES[name], Path(folder), more)
        results[name] = f"{'passed' if passed else 'FAILED'} ({time.monotonic() - began:.0f} s)"
    for name, result in results.items():
        print(f"{name}: {result}")  # noqa: T201 - a script
    return int(any("FAILED" in result for result in results.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
