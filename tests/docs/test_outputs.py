"""The page on outputs lists what they take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from falcocore.api import Output
from falcocore.options import options_of
from falcocore_outputs.file import FileOutput
from falcocore_outputs.stdout import StdoutOutput
from falcocore_outputs.syslog.message import Facility
from falcocore_outputs.syslog.output import SyslogOutput

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "outputs.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("output", [StdoutOutput, FileOutput, SyslogOutput])
def test_every_option_has_a_row(output: type[Output]) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", SECTIONS[output.name], re.MULTILINE)
    assert rows == list(options_of(output))


@pytest.mark.parametrize("facility", [f.value for f in Facility if not f.value.startswith("local")])
def test_every_facility_is_named(facility: str) -> None:
    assert f"`{facility}`" in SECTIONS["syslog"]
