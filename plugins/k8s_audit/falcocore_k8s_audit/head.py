"""The head of an HTTP/1.1 request, read by llhttp, the parser of Node.js, by way of httptools."""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

_END = b"\r\n\r\n"
_NOT_PLAIN = frozenset((b"transfer-encoding", b"expect", b"upgrade"))


class NotPlainError(Exception):
    """What comes is no plain POST of HTTP/1.1."""


class Head:
    """The head of a plain POST: one with a Content-Length, and with nothing to agree on before its body."""

    def __init__(self) -> None:
        self.read = b""
        """All that was taken."""
        self.behind = b""
        """What of it comes behind the head."""
        self._parsed = _Parsed()
        self._parser = HttpRequestParser(self._parsed)

    def take(self, data: bytes) -> None:
        """Take the next bytes of a connection.

        Raises:
            NotPlainError: it is another request, or none.
        """
        begun = len(self.read)
        self.read += data
        end = self.read.find(_END, max(0, begun - len(_END) + 1))
        stop = len(self.read) if end < 0 else end + len(_END)
        self.behind = self.read[stop:]
        try:
            self._parser.feed_data(self.read[begun:stop])
        except (HttpParserError, HttpParserUpgrade):
            raise NotPlainError from None
        if end >= 0 and not (self.is_complete and self._is_plain()):
            raise NotPlainError

    def _is_plain(self) -> bool:
        names = [name for name, _ in self.headers]
        return (
            # llhttp takes blank lines and more than one blank here.
            self.read.startswith(b"POST %b HTTP/1.1\r\n" % self.target)
            and b"content-length" in names
            and names.count(b"host") == 1
            and _NOT_PLAIN.isdisjoint(names)
        )

    @property
    def is_complete(self) -> bool:
        """Whether its end was taken."""
        return self._parsed.is_complete

    @property
    def target(self) -> bytes:
        """Path and query."""
        return self._parsed.target

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case, and values."""
        return self._parsed.headers

    @property
    def body_bytes(self) -> int:
        """The announced length of the body."""
        return int(dict(self.headers)[b"content-length"])

    @property
    def keeps_open(self) -> bool:
        """Whether the client may send another request."""
        return self._parser.should_keep_alive()


class _Parsed:
    """What the parser calls; it holds this, and must not be held by it, or both would stay until the next
    collection of garbage."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_complete = False

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        self.is_complete = True
