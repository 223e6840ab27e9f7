"""Which files a log was rotated to, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore_k8s_audit.follow.names import rotated

STAMPED = [
    "audit-2026-06-30T23-59-59.999.log.gz",
    "audit-2026-07-01T00-00-00.000.log.zst",
    "audit-2026-07-01T00-00-00.001.log",
]
NUMBERED = [f"audit.log.{name}" for name in ("10.gz", "9.gz", "2.gz", "1")]
DATED = [f"audit.log-{name}" for name in ("20260630.gz", "20260701", "20260701-1782950400", "20260702")]
STRANGE = [
    "audit.log",
    "audit.log.gz",
    "audit.log.1.bak",
    "audit.log.bak",
    "audit.logs",
    "xaudit.log.1",
    "audit-2026-07-01.log",
    "audit-2026-07-01T00-00-00.000.txt",
    "audit-2026-07-01T00-00-00.000xlog",
    "other-2026-07-01T00-00-00.000.log",
    "offset.json",
]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], []),
        (STRANGE, []),
        (STAMPED, [STAMPED]),
        (NUMBERED, [NUMBERED]),
        (DATED, [DATED]),
        ([*STRANGE, *STAMPED, *NUMBERED, *DATED], [NUMBERED, DATED, STAMPED]),
        # The packed copy is being written.
        (["audit.log.1", "audit.log.1.gz", "audit.log.2.gz"], [["audit.log.2.gz", "audit.log.1"]]),
    ],
)
def test_rotated_files_are_found_oldest_first(
    tmp_path: Path, names: list[str], found: list[list[str]]
) -> None:
    for name in reversed(names):
        (tmp_path / name).touch()
    (tmp_path / "audit.log.7").mkdir()
    assert [[path.name for path in one] for one in rotated(tmp_path / "audit.log")] == found


@pytest.mark.parametrize(
    ("log", "old"),
    [
        ("audit", "audit-2026-07-01T00-00-00.000"),
        ("a+b.log", "a+b-2026-07-01T00-00-00.000.log"),
        ("kube.audit.log", "kube.audit-2026-07-01T00-00-00.000.log"),
        ("[x].log", "[x].log.3"),
    ],
)
def test_any_name_of_a_log_is_taken_as_it_is(tmp_path: Path, log: str, old: str) -> None:
    (tmp_path / old).touch()
    assert rotated(tmp_path / log) == [[tmp_path / old]]


def test_there_is_nothing_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert rotated(tmp_path / "none" / "audit.log") == []
