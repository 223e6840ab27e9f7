"""This machine is watched: what the source tells of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.app import Request, open_project
from falcocore.ruleset import RuleSet
from falcocore_syscall.source import SyscallSource
from tests.support.bpf_objects import needs_kernel
from tests.support.syscall_events import one_rule

CONDITION = "evt.type in (openat, open) and fd.name startswith {path}"


def rules_of(folder: Path, condition: str) -> RuleSet:
    """One rule, about files of a folder."""
    (folder / "rules.yaml").write_text(one_rule(condition.format(path=folder), "%fd.name"))
    request = Request(
        config=None, overrides=(), sources=("syscall",), rules=(str(folder / "rules.yaml"),), workers=None
    )
    loaded = open_project(request, lambda _note: None).load_rules()
    assert not loaded.errors
    return loaded.rule_sets["syscall"]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SyscallSource]:
    """A source that watches for files of a folder."""
    source = SyscallSource(container_sockets=[])
    source.prepare(rules_of(tmp_path, CONDITION))
    source.open()
    batches = source.batches()
    next(batches)
    yield source
    source.stop()
    for batch in batches:
        list(batch.events)


@needs_kernel
def test_figures(source: SyscallSource) -> None:
    figures = source.figures()
    assert figures["records lost"] == 0
    assert isinstance(figures["threads"], int)
    assert figures["threads"] > 0
    assert str(figures["system calls the kernel sends"]).startswith("0 always, 2 where a rule may match, ")
    assert source.rejected == 0


@needs_kernel
@pytest.mark.parametrize(("condition", "has_one"), [(CONDITION, False), ("evt.type = openat", True)])
def test_the_next_step(tmp_path: Path, condition: str, has_one: bool) -> None:
    """Something that raises an alert under these rules, if anything is known that does."""
    source = SyscallSource()
    assert source.next_step() is None
    source.prepare(rules_of(tmp_path, condition))
    assert (source.next_step() == "To see an alert: sudo cat /etc/shadow") == has_one


def test_a_capture_has_none(tmp_path: Path) -> None:
    assert SyscallSource(str(tmp_path / "x.scap")).figures() == {}
