"""The guide for plugin authors shows the examples as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from falcocore import testing

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "plugins.md").read_text("utf-8")
FENCE = re.compile(r"^```", re.MULTILINE)
BLOCK = re.compile(r"^<!-- (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: list[tuple[str, str]] = BLOCK.findall(TEXT)


def test_every_block_names_its_file() -> None:
    assert len(FENCE.findall(TEXT)) == 2 * len(BLOCKS)


@pytest.mark.parametrize(("path", "block"), BLOCKS, ids=[path for path, _ in BLOCKS])
def test_block_is_the_file(path: str, block: str) -> None:
    assert block == (ROOT / path).read_text("utf-8")


def test_every_module_of_the_examples_is_shown() -> None:
    modules = [path for path in (ROOT / "examples").rglob("*.py") if path.parent.name != "tests"]
    assert {str(path.relative_to(ROOT)) for path in modules} <= {path for path, _ in BLOCKS}


@pytest.mark.parametrize("name", [name for name in testing.__all__ if name.islower()])
def test_every_function_for_tests_is_listed(name: str) -> None:
    assert re.search(rf"^\| `{name}\(", TEXT, re.MULTILINE)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", TEXT))))
def test_link_leads_to_something(target: str) -> None:
    assert (ROOT / "docs" / target).exists()
