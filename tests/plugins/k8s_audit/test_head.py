"""Heads of requests: what is taken as a plain POST, another parser takes for the same."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Iterable

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcocore_k8s_audit.head import Head, NotPlainError
from tests.support.audit_json_strategies import damaged

POST = b"POST /k8s-audit?timeout=30s HTTP/1.1\r\nHost: test\r\nContent-Length: 12\r\n"


def take_all(head: Head, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        head.take(piece)


def taken(*pieces: bytes) -> Head:
    head = Head()
    take_all(head, pieces)
    assert head.is_complete
    return head


@pytest.mark.parametrize("at", range(1, len(POST) + 2))
def test_head_may_be_split_anywhere(at: int) -> None:
    whole = POST + b"\r\n"
    head = taken(whole[:at], whole[at:] + b"hello")
    assert head.target == b"/k8s-audit?timeout=30s"
    assert head.headers == [(b"host", b"test"), (b"content-length", b"12")]
    assert head.body_bytes == 12
    assert (head.read, head.behind) == (whole + b"hello", b"hello")


@pytest.mark.parametrize("begun", [b"", POST[:-10], POST, POST + b"\r"])
def test_head_without_its_end_is_not_complete(begun: bytes) -> None:
    head = Head()
    head.take(begun)
    assert not head.is_complete


@pytest.mark.parametrize(
    ("header", "keeps_open"),
    [(b"", True), (b"Connection: keep-alive\r\n", True), (b"connection: Close\r\n", False)],
)
def test_client_says_whether_more_comes(header: bytes, keeps_open: bool) -> None:
    assert taken(POST + header + b"\r\n").keeps_open is keeps_open


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST.replace(b"POST", b"GET"),
        POST.replace(b"1.1", b"1.0"),
        POST.replace(b"1.1", b"2.0"),
        POST.replace(b"Host: test\r\n", b""),
        POST + b"Host: other\r\n",
        POST.replace(b"Content-Length: 12\r\n", b""),
        POST + b"Content-Length: 12\r\n",
        POST + b"Content-Length: 13\r\n",
        *(
            POST.replace(b" 12", length)
            for length in (b"", b" -1", b" +1", b" 1 2", b" 0x1", b" 1_0", b"9" * 30)
        ),
        POST + b"Transfer-Encoding: chunked\r\n",
        POST + b"Expect: 100-continue\r\n",
        POST + b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        POST + b"Upgrade: h2c\r\n",
        POST.replace(b"Host:", b"Host :"),
        POST + b" folded\r\n",
        POST + b"X: a\rb\r\n",
        POST + b"X: a\0b\r\n",
        POST + b"X\r\n",
        POST.replace(b"/k8s", b"/ k8s"),
        b"\r\n\r\n" + POST,
        b"PRI * HTTP/2.0\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_all_else_is_not_plain(request_bytes: bytes, size: int) -> None:
    whole = request_bytes + b"\r\nhello"
    head = Head()
    with pytest.raises(NotPlainError):
        take_all(head, [whole[at : at + size] for at in range(0, len(whole), size)])
    assert whole.startswith(head.read)


def test_head_is_freed_when_nobody_needs_it() -> None:
    gc.disable()
    try:
        freed = weakref.ref(taken(POST + b"\r\n"))
        assert freed() is None
    finally:
        gc.enable()


@settings(max_examples=int(os.environ.get("FALCOCORE_EXAMPLES", "1000")))
@given(damaged(damaged(st.just(POST + b"Accept: a\r\nUser-Agent: kube/1.33 (linux)\r\n\r\n"))))
def test_plain_head_is_the_same_to_h11(request_bytes: bytes) -> None:
    head = Head()
    try:
        head.take(request_bytes)
    except NotPlainError:
        return
    http = h11.Connection(h11.SERVER)
    http.receive_data(request_bytes)
    event = http.next_event()
    if not head.is_complete:
        assert event is h11.NEED_DATA
        return
    assert isinstance(event, h11.Request)
    assert (event.method, event.http_version, event.target) == (b"POST", b"1.1", head.target)
    assert list(event.headers) == head.headers
    assert http.trailing_data[0] == head.behind
