"""This machine is watched: what the source tells of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.app import Request, open_project
from falcocore_syscall.source import SyscallSource
from tests.support.bpf_objects import needs_kernel
from tests.support.syscall_events import one_rule

CONDITION = "evt.type in (openat, open) and fd.name startswith {path}"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SyscallSource]:
    """A source that watches for files of a folder."""
    (tmp_path / "rules.yaml").write_text(one_rule(CONDITION.format(path=tmp_path), "%fd.name"))
    request = Request(
        config=None, overrides=(), sources=("syscall",), rules=(str(tmp_path / "rules.yaml"),), workers=None
    )
    loaded = open_project(request, lambda _note: None).load_rules()
    assert not loaded.errors
    source = SyscallSource(container_sockets=[])
    source.prepare(loaded.rule_sets["syscall"])
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


def test_a_capture_has_none(tmp_path: Path) -> None:
    assert SyscallSource(str(tmp_path / "x.scap")).figures() == {}
