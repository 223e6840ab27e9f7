"""The tests of live capture on other kernels, by hand: `python tests/kernels/run.py [5.10 6.1 6.12]`.

Run it as root with the Python of an environment that has the test extras, on Debian with qemu-system-x86,
busybox-static, cpio and gcc. Kernels come from Debian's packages, unpacked and not installed. This Python and
the repository go into an initramfs, whose first process runs `tests/plugins/syscall/live/kernel` with pytest.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}
"""Which of Debian's suites has which kernel."""
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
DEADLINE_S = 1200
LINKED = re.compile(r"(?:=> )?(/\S+) \(0x")
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts /sys/fs/cgroup
mount -t tmpfs tmp /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
ip link set lo up
ip route add default dev lo
cd /repository
export PATH=/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={path}
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


def kernel(version: str, folder: Path) -> Path:
    """The newest kernel of a version, from its package."""
    state = folder / "apt"
    for each in ("lists/partial", "cache/archives/partial"):
        (state / each).mkdir(parents=True, exist_ok=True)
    sources = Path("/etc/apt/sources.list.d/debian.sources").read_text(encoding="utf-8")
    found = re.search(r"^URIs: *(\S+)", sources, re.MULTILINE)
    if found is None:
        raise SystemExit("apt's own sources don't say where Debian's packages are")
    listed = state / "sources.list"
    listed.write_text(f"deb {found[1]} {SUITES[version]} main\n", encoding="utf-8")
    apart = [
        f"Dir::Etc::sourcelist={listed}",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State::lists={state}/lists",
    ]
    options = [part for each in (*apart, f"Dir::Cache={state}/cache") for part in ("-o", each)]
    _run("apt-get", "-q", *options, "update")
    pattern = f"^linux-image-{re.escape(version)}[.0-9]*[-+a-z0-9.]*-cloud-amd64$"
    names = _run("apt-cache", *options, "search", "--names-only", pattern).split("\n")
    name = max((line.split()[0] for line in names if line), key=_numbers)
    _run("apt-get", "-q", *options, "download", name, cwd=folder)
    package = next(folder.glob(f"{name}_*.deb"))
    _run("dpkg-deb", "-x", str(package), str(folder / version))
    return next((folder / version / "boot").glob("vmlinuz-*"))


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def make_root(folder: Path, *more: str) -> None:
    """A root directory with busybox, this Python, what is installed with it, and the repository."""
    packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
    base = Path(sys.base_prefix)
    library = base / "lib" / f"python3.{sys.version_info.minor}"
    for each in ("etc/pam.d", "proc", "sys", "dev", "tmp", "root", "usr/bin", "programs", "var/log"):
        (folder / each).mkdir(parents=True)
    (folder / "bin").symlink_to("usr/bin")
    shutil.copy("/bin/busybox", folder / "bin" / "busybox")
    for name in TOOLS:
        shutil.copy(Path("/usr/bin", name), folder / "bin" / name)
    shutil.copytree(library, folder / library.relative_to("/"), ignore=shutil.ignore_patterns(*NOT_NEEDED))
    shutil.copytree(packages, folder / "packages", ignore=shutil.ignore_patterns(*NOT_INSTALLED))
    for part in PARTS:
        source, to = ROOT / part, folder / "repository" / part
        if source.is_dir():
            shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to)
    python = Path(os.path.realpath(sys.executable))
    (folder / python.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(python, folder / python.relative_to("/"))
    for shared in set(_shared([python, *(Path("/usr/bin", name) for name in TOOLS)], library, packages)):
        to = folder / shared.relative_to("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared, to)
    for source in (ROOT / "tests/support/live_programs").glob("*.c"):
        _run("gcc", "-O1", "-static", "-pthread", "-o", str(folder / "programs" / source.stem), str(source))
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


def boot(image: Path, archive: Path) -> bool:
    """Run the tests on a kernel, its console on the standard output; whether all passed."""
    command = [
        "qemu-system-x86_64",
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max",
        "-m",
        "3G",
        "-smp",
        "2",
        "-nographic",
    ]
    command += [
        "-no-reboot",
        "-kernel",
        str(image),
        "-initrd",
        str(archive),
        "-append",
        "console=ttyS0 quiet panic=-1",
    ]
    passed = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)  # noqa: T201 - a script
            passed = passed or line.startswith("ended with 0")
        process.wait(DEADLINE_S)
    return passed


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} has failed: {done.stderr.strip()}")
    return done.stdout


def main(*arguments: str) -> int:
    """Test the kernels of these versions, all known ones without; other arguments go to pytest."""
    versions = [each for each in arguments if each in SUITES] or list(SUITES)
    more = [each for each in arguments if each not in SUITES]
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_root(folder / "root", *more)
        archive = folder / "initramfs"
        with archive.open("wb") as file:
            pack = "find . | cpio -o -H newc --quiet"
            subprocess.run(["sh", "-c", pack], cwd=folder / "root", stdout=file, check=True)
        for version in versions:
            results[version] = boot(kernel(version, folder), archive)
    for version, passed in results.items():
        print(f"{version}: {'passed' if passed else 'FAILED'}")  # noqa: T201 - a script
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
