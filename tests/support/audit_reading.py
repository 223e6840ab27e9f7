"""Audit files as they are read, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from falcocore.api import Batch, SourceError
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.files import Files


class Reading:
    """Files as they are read, and what was said about bad lines."""

    def __init__(self, target: str | Path, cluster: str = "") -> None:
        self.complaints: list[str] = []
        self.rejected = 0
        self.files = Files(str(target), cluster, self._note)

    def _note(self, decoded: Decoded) -> None:
        self.complaints += decoded.complaints
        self.rejected += decoded.rejected

    def open(self) -> Iterator[Batch]:
        self.files.open()
        return self.files.batches()

    def ids(self) -> list[str]:
        return [one for batch in self.open() for one in ids_of(batch)]


def ids_of(batch: Batch) -> list[str]:
    return [event.record.auditID for event in batch.events]


def refusal_of(reading: Reading) -> SourceError:
    with pytest.raises(SourceError) as refused:
        list(reading.open())
    return refused.value
