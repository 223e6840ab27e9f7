"""What is raised where a capture can't be read any further."""

from __future__ import annotations

from falcocore.api import SourceError


class CaptureError(SourceError):
    """A capture that is truncated, corrupt, or of a kind that can't be read; the message has the offset."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(f"the capture is not readable from byte {offset:,} (uncompressed) on: {problem}")
