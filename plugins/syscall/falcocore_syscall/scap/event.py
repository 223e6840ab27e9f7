"""Events of captures: the same as any other, with shorter ways to their parameters.

A million of them come in a second. What `Event` does by one method calling another is done at once here.
"""

from __future__ import annotations

from falcocore_syscall.event import Event

_from_bytes = int.from_bytes


class CapturedEvent(Event):
    """An event whose bytes stand in a piece of a capture."""

    __slots__ = ()

    def __init__(
        self, kind: int, time_ns: int, tid: int, cpu: int, num: int, data: bytes, at: int, count: int
    ) -> None:
        self._spans = ()
        super().__init__(kind, time_ns, tid, cpu, num, data, at, count)

    def _take_spans(self) -> tuple[int, ...]:
        self._spans = spans = self._find_spans()
        return spans

    def span(self, number: int) -> tuple[int, int]:
        """Where a parameter begins and ends in `data`; it has to be there."""
        spans = self._spans or self._take_spans()
        return spans[number], spans[number + 1]

    def raw(self, number: int) -> bytes | None:
        """The bytes of a parameter; empty where its value was not available, None where it is not there."""
        if number >= self.count:
            return None
        spans = self._spans or self._take_spans()
        return self.data[spans[number] : spans[number + 1]]

    def integer(self, number: int) -> int | None:
        """A signed number of any width; None where it is not available."""
        if number >= self.count:
            return None
        spans = self._spans or self._take_spans()
        start, end = spans[number], spans[number + 1]
        return _from_bytes(self.data[start:end], "little", signed=True) if end > start else None

    def number(self, number: int, default: int = 0) -> int:
        """A number without sign, or the default."""
        if number >= self.count:
            return default
        spans = self._spans or self._take_spans()
        start, end = spans[number], spans[number + 1]
        return _from_bytes(self.data[start:end], "little") if end > start else default
