"""The page on outputs: every option is in its table with its default, and every example can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from falcocore.api import Output
from falcocore.config.settings import read_settings
from falcocore.config.tree import parse_tree
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.options import REQUIRED, build, options_of
from falcocore.wanted import ALERT_FIELDS
from falcocore_outputs.file import FileOutput
from falcocore_outputs.http import HttpOutput
from falcocore_outputs.program import ProgramOutput
from falcocore_outputs.stdout import StdoutOutput
from falcocore_outputs.syslog.message import Facility
from falcocore_outputs.syslog.output import SyslogOutput

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "outputs.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def defaults_of(section: str) -> dict[str, str]:
    """Option to default, as the tables of a section have them."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ?([^|]*?) ?\|", SECTIONS[section], re.MULTILINE)
    return {name: default for names, default in rows for name in re.findall(r"\w+", names)}


@pytest.mark.parametrize("output", [HttpOutput, ProgramOutput])
def test_every_option_is_there_with_its_default(output: type[HttpOutput | ProgramOutput]) -> None:
    shown = defaults_of(output.name)
    options = options_of(output)
    assert set(shown) == set(options)
    for name, option in options.items():
        if option.default is REQUIRED:
            assert shown[name] == ""
        elif option.default is not None:
            assert shown[name].strip("`").lower() == f"{option.plain_default}".lower().removesuffix(".0")


@pytest.mark.parametrize("output", [StdoutOutput, FileOutput, SyslogOutput])
def test_every_option_has_a_row(output: type[Output]) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", SECTIONS[output.name], re.MULTILINE)
    assert rows == list(options_of(output))


@pytest.mark.parametrize("facility", [f.value for f in Facility if not f.value.startswith("local")])
def test_every_facility_is_named(facility: str) -> None:
    assert f"`{facility}`" in SECTIONS["syslog"]


@pytest.mark.parametrize("field", [field.name for field in ALERT_FIELDS])
def test_every_field_of_alerts_is_named(field: str) -> None:
    assert f"`{field}`" in TEXT or f"`{field}[" in TEXT


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_can_be_used(example: str) -> None:
    config = parse_tree(SourceFile("example.yaml", example), pytest.fail, {})
    outputs = read_settings(config, pytest.fail).outputs
    assert outputs
    for output in outputs:
        build(PluginHost().output(output.type), output.options, output.name)
        output.wanted.function(output.name)
