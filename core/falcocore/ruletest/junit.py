"""Results as JUnit XML, which CI systems read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from pathlib import Path

from falcocore.errors import ConfigError
from falcocore.ruletest.running import Outcome
from falcocore.ruletest.session import FileOutcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, files: Sequence[FileOutcome], described: Callable[[Outcome], str]) -> None:
    """Write a `testsuites` document; `described` tells what is wrong with a case.

    Raises:
        ConfigError: the file can't be written.
    """
    root = ET.Element("testsuites", name="falcocore test")
    for file in files:
        failed = sum(bool(case.problems) for case in file.cases)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=str(file.path),
            tests=str(len(file.cases) + bool(file.errors)),
            failures=str(failed),
            errors=str(int(bool(file.errors))),
            time=f"{sum(case.duration_s for case in file.cases):.3f}",
        )
        if file.errors:
            broken = ET.SubElement(suite, "testcase", classname=str(file.path), name="(the file)")
            error = ET.SubElement(broken, "error", message="the file can't be run")
            error.text = _clean("\n\n".join(file.errors))
        for case in file.cases:
            _add_case(suite, case, described)
    try:
        path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
    except OSError as error:
        raise ConfigError(f"--junit {path} can't be written: {error.strerror}") from None


def _add_case(suite: ET.Element, case: Outcome, described: Callable[[Outcome], str]) -> None:
    made = ET.SubElement(
        suite,
        "testcase",
        classname=str(case.file),
        name=_clean(case.name),
        file=str(case.file),
        line=str(case.line),
        time=f"{case.duration_s:.3f}",
    )
    if case.problems:
        failure = ET.SubElement(made, "failure", message=_clean(case.problems[0].text))
        failure.text = _clean(described(case))


def _clean(text: str) -> str:
    """The text without characters that XML can't hold."""
    return _NOT_XML.sub("\ufffd", text)
