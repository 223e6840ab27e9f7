"""The root directory of a machine that runs the tests: programs, a Python, its packages, the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from tests.kernels.packages import Packages, run

ROOT = Path(__file__).parents[2]
TESTS = "tests/plugins/syscall/live/kernel"
PARTS = ("core", "plugins", "rules", "tests", "pyproject.toml", "README.md", "LICENSE")
NOT_NEEDED = (
    "site-packages",
    "test",
    "tests",
    "idlelib",
    "ensurepip",
    "lib2to3",
    "turtledemo",
    "__pycache__",
)
NOT_INSTALLED = (
    "numpy*",
    "mypy*",
    "pip*",
    "*__mypyc*",
    "ruff*",
    "setuptools*",
    "cryptography*",
    "__pycache__",
)
TOOLS = ("cat", "echo", "env", "true")
"""Programs that tests run, and that are to be themselves; the others are busybox."""
FOREIGN_COMPILER = "aarch64-linux-gnu-gcc"
ONLY_X86 = ("int80.c",)
LINKED = re.compile(r"(?:=> )?(/\S+) \(0x")
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
mount -t tmpfs tmp /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
ip link set lo up
ip route add default dev lo
cd /repository
export PATH=/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={path}
export FALCOCORE_LIVE_SAFETY_S=300
echo "kernel $(uname -r)"
{python} -m pytest -q --color=no -p no:cacheprovider -rfEs {tests} {more}
echo "ended with $?"
poweroff -f
"""
COMPILER = """#!/bin/busybox sh
# What tests would compile was compiled before: the last argument is the source.
for argument; do [ "$before" = -o ] && made=$argument; before=$argument; done
name=$(basename "$before" .c)
[ -f /programs/$name ] && cp /programs/$name "$made"
"""


def make_root(folder: Path, *more: str) -> None:
    """A root directory with busybox, this Python, what is installed with it, and the repository."""
    packages, base = _installed(), Path(sys.base_prefix)
    library = base / "lib" / f"python3.{sys.version_info.minor}"
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "bin").symlink_to("usr/bin")
    for program in (Path("/bin/busybox"), *(Path("/usr/bin", name) for name in TOOLS)):
        shutil.copy(program, folder / "bin" / program.name)
    shutil.copytree(library, folder / library.relative_to("/"), ignore=shutil.ignore_patterns(*NOT_NEEDED))
    shutil.copytree(packages, folder / "packages", ignore=shutil.ignore_patterns(*NOT_INSTALLED))
    python = Path(os.path.realpath(sys.executable))
    _copy(python, folder)
    for shared in set(_shared([python, *(Path("/usr/bin", name) for name in TOOLS)], library, packages)):
        _copy(shared, folder)
    _complete(folder, python, "gcc", *more)


def make_foreign_root(folder: Path, packages: Packages, *more: str) -> None:
    """The same for another architecture: Debian's Python, and wheels of what is installed here."""
    python = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    packages.unpack_all(python.name, "busybox-static", "coreutils", "libstdc++6", to=folder)
    for each in ("bin", "lib", "sbin"):
        shutil.copytree(folder / each, folder / "usr" / each, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(folder / each)
        (folder / each).symlink_to(f"usr/{each}")
    wheels = [
        f"{one.name}=={one.version}"
        for one in metadata.distributions()
        if one.name != "falcocore" and not any(Path(one.name).match(pattern) for pattern in NOT_INSTALLED)
    ]
    platforms = [f"--platform=manylinux{each}_aarch64" for each in ("2014", "_2_17", "_2_28")]
    options = (*platforms, "--only-binary=:all:", "--no-deps", f"--python-version=3.{sys.version_info.minor}")
    to = str(folder / "packages")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", to, *options, *wheels)
    own = next(_installed().glob("falcocore-*.dist-info"))
    shutil.copytree(own, folder / "packages" / own.name)
    _complete(folder, python, FOREIGN_COMPILER, *more)


def _installed() -> Path:
    return Path(next(path for path in sys.path if path.endswith("site-packages")))


def _copy(file: Path, root: Path) -> None:
    to = root / file.relative_to("/")
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, to)


def _complete(folder: Path, python: Path, compiler: str, *more: str) -> None:
    """The repository, programs in C, some files of /etc, and the first process."""
    for each in ("etc/pam.d", "proc", "sys", "dev", "tmp", "root", "programs", "var/log"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source, to = ROOT / part, folder / "repository" / part
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)
    for source in (ROOT / "tests/support/live_programs").glob("*.c"):
        if compiler == "gcc" or source.name not in ONLY_X86:
            made = folder / "programs" / source.stem
            run(compiler, "-O1", "-static", "-pthread", "-o", str(made), str(source))
    users = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
    for name, text in {
        "etc/passwd": users,
        "etc/group": "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n",
        "etc/shadow": "root:*:1:0:99999:7:::\n",
        "etc/sudoers": "root ALL=(ALL) ALL\n",
        "etc/hosts": "127.0.0.1 localhost\n",
        "etc/hostname": "kernel\n",
        "etc/pam.d/other": "auth required pam_deny.so\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    roots = ("core", "plugins/k8s_audit", "plugins/syscall", "plugins/outputs", "rules", "")
    path = ":".join([*(f"/repository/{each}".rstrip("/") for each in roots), "/packages"])
    init = INIT.format(path=path, python=python, tests=TESTS, more=shlex.join(more))
    for name, text in {"init": init, "bin/gcc": COMPILER}.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)


def _shared(programs: Sequence[Path], *libraries: Path) -> Iterator[Path]:
    """The shared objects that programs and Python's extension modules need."""
    modules = [path for library in libraries for path in library.rglob("*.so*") if "numpy" not in str(path)]
    done = subprocess.run(
        ["ldd", *map(str, [*programs, *modules])], capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        found = LINKED.search(line)
        if found:
            yield Path(found[1])
