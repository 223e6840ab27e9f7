"""The page on system calls: its options, its configuration, its unit, its commands."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from falcocore.config.settings import read_settings
from falcocore.config.tree import parse_tree
from falcocore.lang.text import SourceFile
from falcocore.options import build, options_of
from falcocore_syscall.live.drops import DropPolicy
from falcocore_syscall.record_command import configure
from falcocore_syscall.source import SyscallSource

TEXT = (Path(__file__).parents[2] / "docs" / "syscalls.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^    (?:sudo )?falcocore (.*?)(?:  +#.*|\|.*)?$", TEXT, re.MULTILINE)
UNIT = re.search(r"```ini\n(.*?)```", TEXT, re.DOTALL)


def rows(section: str) -> dict[str, str]:
    """The first two columns of the table of a section."""
    found = re.findall(r"^\| (`[^|]*?) \| ([^|]*?) ?\|", SECTIONS[section], re.MULTILINE)
    return {
        name.strip("`"): default.strip("`")
        for names, defaults in found
        for name, default in zip(names.split(", "), defaults.split(", "), strict=False)
    }


def test_every_option_is_there_with_its_default() -> None:
    shown = rows("Options")
    options = options_of(SyscallSource)
    assert set(shown) == set(options) - {"target"}
    for name in ("buffer_mb", "push_down", "resolve_names"):
        assert shown[name] == f"{options[name].plain_default}".lower()


def test_what_is_done_about_losses() -> None:
    shown, policy = rows("When events are lost"), DropPolicy()
    assert set(shown) == {field.name for field in fields(DropPolicy)}
    assert (float(shown["threshold"]), float(shown["rate"])) == (policy.threshold, policy.rate)
    assert float(shown["max_burst"]) == policy.max_burst


def test_the_configuration() -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    settings = read_settings(parse_tree(SourceFile("falcocore.yaml", example), pytest.fail, {}), pytest.fail)
    (source,) = settings.sources
    assert isinstance(build(SyscallSource, source.options, "here"), SyscallSource)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit(tmp_path: Path) -> None:
    assert UNIT is not None
    unit = tmp_path / "falcocore.service"
    unit.write_text(UNIT[1].replace("/opt/falcocore/bin/falcocore", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "falcocore.service" in line]) == (
        0,
        [],
    )


@pytest.mark.parametrize("command", [it for it in COMMANDS if it.startswith("record ")])
def test_recording_commands(command: str) -> None:
    parser = argparse.ArgumentParser()
    configure(parser)
    assert parser.parse_args(shlex.split(command)[1:]).output
