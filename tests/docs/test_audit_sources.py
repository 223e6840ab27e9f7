"""The page on sources of audit events: what it says of names, options and limits is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from falcocore.config.settings import read_settings
from falcocore.config.tree import parse_tree
from falcocore.lang.text import SourceFile
from falcocore.options import build
from falcocore_k8s_audit.clouds.parts import UNPACKED_BYTES
from falcocore_k8s_audit.follow.intake import POLL_S, RETRY_S
from falcocore_k8s_audit.follow.memory import SAVE_S
from falcocore_k8s_audit.follow.names import rotated
from falcocore_k8s_audit.source import K8sAuditSource

TEXT = (Path(__file__).parents[2] / "docs" / "audit-sources.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_can_be_used(example: str) -> None:
    tree = parse_tree(SourceFile("example", example), pytest.fail, {})
    for source in read_settings(tree, pytest.fail).sources:
        build(K8sAuditSource, source.options, "example", target=source.target)


def test_names_of_rotated_files_are_known(tmp_path: Path) -> None:
    names = set(re.findall(r"`(audit[-.][^`*]*\d[^`]*)`", TEXT))
    assert len(names) == 3
    for name in names:
        (tmp_path / name).touch()
    assert {path.name for files in rotated(tmp_path / "audit.log") for path in files} == names


def test_figures_are_those_of_the_code() -> None:
    assert (POLL_S, SAVE_S, RETRY_S) == (1 / 4, 1 / 5, (1, 60))
    assert f"{UNPACKED_BYTES >> 20} MiB are unpacked" in TEXT
