"""A long list of events, read as several short ones.

What is made of a megabyte at once has left the processor's caches by the time it is tested; what is made
of a short list is tested where it was made, in memory that the list before it was in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from falcocore_k8s_audit.bodies import Pieces
from falcocore_k8s_audit.decode import Decoded

PART_BYTES = 1 << 16
"""A short list is about so long: shorter ones cost more in handing over than they save."""
_BEGINNING = re.compile(
    rb'(?P<head>\{"kind":"EventList"[^\[]*"items":\[)'
    rb'(?P<item>\{(?:"level":|"kind":"Event","apiVersion":"audit\.k8s\.io/))'
)
"""Of a list as kube-apiservers write it. Hardly anything within an event begins as an event does."""


def decoded_in_parts(pieces: Pieces, where: str, cluster: str = "") -> Iterator[Decoded]:
    """What a body holds, in order; a part is decoded when it is asked for.

    Where one is no list of usual events, as where a cut went wrong, the body is read as a whole, and what the
    parts before had of it is left out.
    """
    before = 0
    for document in _short_lists(pieces):
        part = Decoded(cluster)
        if not part.read_usual(document):
            break
        before += len(part.events)
        yield part
    else:
        if before:
            return
    rest = Decoded(cluster)
    rest.read(b"".join(pieces), where)
    del rest.events[:before]
    yield rest


def _short_lists(pieces: Pieces) -> Iterator[bytes]:
    """The body as lists, each with its beginning; none where it is no list of a kube-apiserver."""
    beginning = _BEGINNING.match(pieces[0]) if pieces else None
    if beginning is None:
        return
    head, between = beginning["head"], b"}," + beginning["item"]
    start = len(head)
    begun: list[memoryview] = []
    begun_bytes = 0
    for piece in pieces:
        view = memoryview(piece)
        while (end := piece.find(between, start + max(0, PART_BYTES - begun_bytes))) >= 0:
            yield b"".join((head, *begun, view[start:end], b"}]}"))
            start = end + len(b"},")
            begun, begun_bytes = [], 0
        begun.append(view[start:])
        begun_bytes += len(begun[-1])
        start = 0
    yield b"".join((head, *begun)).rstrip()
