"""Debian's packages of another suite or architecture, fetched and unpacked beside the machine's own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_OWN_SOURCES = Path("/etc/apt/sources.list.d/debian.sources")


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command prints; ends the script where it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} has failed: {done.stderr.strip()}")
    return done.stdout


class Packages:
    """Packages of one suite and architecture. All that apt notes about them is in `folder`."""

    def __init__(self, folder: Path, suite: str, architecture: str) -> None:
        for each in ("lists/partial", "cache/archives/partial"):
            (folder / each).mkdir(parents=True)
        (folder / "status").touch()
        found = re.search(r"^URIs: *(\S+)", _OWN_SOURCES.read_text(encoding="utf-8"), re.MULTILINE)
        if found is None:
            raise SystemExit("apt's own sources don't say where Debian's packages are")
        listed = folder / "sources.list"
        listed.write_text(f"deb {found[1]} {suite} main\n", encoding="utf-8")
        apart = (
            f"APT::Architecture={architecture}",
            f"APT::Architectures={architecture}",
            f"Dir::Etc::sourcelist={listed}",
            "Dir::Etc::sourceparts=/dev/null",
            f"Dir::State::lists={folder}/lists",
            f"Dir::State::status={folder}/status",
            f"Dir::Cache={folder}/cache",
        )
        self._folder = folder
        self._options = [part for each in apart for part in ("-o", each)]
        run("apt-get", "-q", *self._options, "update")

    def newest(self, pattern: str) -> str:
        """Of the packages whose names match, that with the highest numbers in its name."""
        found = run("apt-cache", *self._options, "search", "--names-only", pattern).splitlines()
        if not found:
            raise SystemExit(f"no package is named like {pattern}")
        return max((line.split()[0] for line in found), key=_numbers)

    def unpack(self, name: str, to: Path) -> None:
        """One package, without those that it depends on."""
        run("apt-get", "-q", *self._options, "download", name, cwd=self._folder)
        run("dpkg-deb", "-x", str(next(self._folder.glob(f"{name}_*.deb"))), str(to))

    def unpack_all(self, *names: str, to: Path) -> None:
        """Packages with all that they depend on."""
        fetch = ("install", "--yes", "--download-only", "--no-install-recommends")
        run("apt-get", "-q", *self._options, *fetch, *names)
        for package in sorted((self._folder / "cache/archives").glob("*.deb")):
            run("dpkg-deb", "-x", str(package), str(to))


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
