"""Alerts posted to a real server: what it gets, and what its answers mean."""

from __future__ import annotations

import gzip
import json
import logging
from itertools import chain
from typing import Any

import pytest

from falcocore.api import Alert, ConfigError, OutputError, PermanentRefusal
from falcocore.testing import Delivery, configured, deliver, sample_alert
from falcocore_outputs.http import HttpOutput
from tests.support.http_receiver import Response, receiving


def alerts(count: int, *, as_json: bool = True) -> list[Alert]:
    """Alerts with lines as the configuration makes them with and without json_output."""
    lines = [f'{{"output":"zwölf {n}"}}' if as_json else f'12:00:00: Notice "{n}" ö' for n in range(count)]
    return [sample_alert(number, line=line) for number, line in enumerate(lines)]


def output(url: str, **options: Any) -> HttpOutput:
    return configured(HttpOutput, {"url": url, **options})


def sent(url: str, count: int = 1, *, as_json: bool = True, attempts: int = 1, **options: Any) -> Delivery:
    made = output(url, **options)
    given = alerts(count, as_json=as_json)
    return deliver(made, given, group_size=made.max_batch, attempts=attempts)


def error_of(url: str, **options: Any) -> OutputError:
    """What sending one alert raises."""
    (attempt,) = sent(url, **options).attempts
    assert attempt.error is not None
    return attempt.error


@pytest.mark.parametrize(
    ("body", "as_json", "kind", "bodies"),
    [
        ("single", True, "application/json", ['{"output":"zwölf 0"}', '{"output":"zwölf 1"}']),
        (
            "single",
            False,
            "text/plain; charset=utf-8",
            ['12:00:00: Notice "0" ö', '12:00:00: Notice "1" ö'],
        ),
        ("array", True, "application/json", ['[{"output":"zwölf 0"},{"output":"zwölf 1"}]']),
        (
            "array",
            False,
            "application/json",
            [r'["12:00:00: Notice \"0\" ö","12:00:00: Notice \"1\" ö"]'],
        ),
        ("lines", True, "application/x-ndjson", ['{"output":"zwölf 0"}\n{"output":"zwölf 1"}\n']),
        (
            "lines",
            False,
            "text/plain; charset=utf-8",
            ['12:00:00: Notice "0" ö\n12:00:00: Notice "1" ö\n'],
        ),
    ],
)
def test_alerts_are_posted_in_the_form_that_is_configured(
    body: str, as_json: bool, kind: str, bodies: list[str]
) -> None:
    with receiving() as receiver:
        delivery = sent(receiver.url, 2, as_json=as_json, body=body)
    assert len(delivery.delivered) == 2
    assert [text.decode() for text in receiver.bodies] == bodies
    first = receiver.requests[0]
    assert (first.method, first.path, first.headers["content-type"]) == ("POST", "/in", kind)
    assert first.headers["user-agent"] == "falcocore"
    assert int(first.headers["content-length"]) == len(bodies[0].encode())


def test_the_ids_of_alerts_are_in_a_header() -> None:
    with receiving(Response(500)) as receiver:
        sent(receiver.url, 3, body="array", attempts=2)
    ids = ",".join(alert.id for alert in alerts(3))
    assert [request.headers["falcocore-alert-ids"] for request in receiver.requests] == [ids, ids]


@pytest.mark.parametrize(
    ("options", "max_batch", "sizes"),
    [
        ({}, 1, [1] * 7),
        ({"connections": "3"}, 3, [1] * 7),
        ({"body": "array"}, 100, [7]),
        ({"body": "array", "batch_size": "3"}, 3, [3, 3, 1]),
        ({"body": "lines", "batch_size": "2", "connections": "2"}, 4, [2, 2, 2, 1]),
    ],
)
def test_as_many_alerts_stand_in_a_body_as_are_configured(
    options: dict[str, str], max_batch: int, sizes: list[int]
) -> None:
    with receiving() as receiver:
        made = output(receiver.url, **options)
        # A group may be larger than what was asked for: it is cut.
        deliver(made, alerts(7), group_size=7)
    assert made.max_batch == max_batch
    ids = [request.headers["falcocore-alert-ids"].split(",") for request in receiver.requests]
    assert sorted(map(len, ids), reverse=True) == sizes
    assert sorted(chain.from_iterable(ids)) == [alert.id for alert in alerts(7)]


@pytest.mark.parametrize(
    ("options", "connections"), [({}, 1), ({"keep_alive": "false"}, 5), ({"connections": "2"}, 2)]
)
def test_connections_are_used_again(options: dict[str, str], connections: int) -> None:
    with receiving() as receiver:
        made = output(receiver.url, **options)
        assert len(deliver(made, alerts(5), group_size=5).delivered) == 5
    assert len({request.peer for request in receiver.requests}) == connections


def test_method_and_headers_are_those_configured() -> None:
    with receiving() as receiver:
        headers = {"X-Scope": "audit", "content-type": "application/vnd.alert+json", "User-Agent": "mine"}
        sent(receiver.url + "?a=1&b=%2F", method="PUT", headers=headers)
    (request,) = receiver.requests
    assert (request.method, request.path) == ("PUT", "/in?a=1&b=%2F")
    assert request.headers["x-scope"] == "audit"
    assert request.headers["content-type"] == "application/vnd.alert+json"
    assert request.headers["user-agent"] == "mine"


def test_bodies_are_compressed() -> None:
    with receiving() as receiver:
        sent(receiver.url, 50, body="array", compress_uploads="yes")
    (request,) = receiver.requests
    assert request.headers["content-encoding"] == "gzip"
    assert len(request.body) < 600
    assert len(json.loads(gzip.decompress(request.body))) == 50


@pytest.mark.parametrize("status", [400, 415])
def test_receiver_that_does_not_know_compression_gets_plain_bodies(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(Response(status)) as receiver:
        delivery = sent(receiver.url, 3, compress_uploads="yes")
    assert len(delivery.delivered) == 3
    encodings = [request.headers.get("content-encoding") for request in receiver.requests]
    assert encodings == ["gzip", None, None, None]
    assert caplog.text.count("takes no compressed bodies") == 1


def test_receiver_that_refuses_a_plain_body_as_well_has_refused() -> None:
    with receiving(Response(400), Response(400, b"no such stream")) as receiver:
        delivery = sent(receiver.url, 2, compress_uploads="yes")
    assert [alert.id for alert in delivery.refused] == [alerts(1)[0].id]
    encodings = [request.headers.get("content-encoding") for request in receiver.requests]
    assert encodings == ["gzip", None, "gzip"]


def test_body_that_is_too_large_is_sent_in_halves() -> None:
    too_large = Response(413)
    with receiving(too_large, too_large) as receiver:
        delivery = sent(receiver.url, 5, body="array")
    assert len(delivery.delivered) == 5
    assert [len(json.loads(body)) for body in receiver.bodies] == [5, 2, 1, 1, 3]
    assert b"".join(receiver.bodies[2:]).decode().count("zwölf") == 5


def test_alert_that_is_too_large_is_refused() -> None:
    with receiving(Response(413)) as receiver:
        assert isinstance(error_of(receiver.url, body="array"), PermanentRefusal)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_answer_that_takes_alerts(status: int) -> None:
    with receiving(Response(status)) as receiver:
        assert len(sent(receiver.url).delivered) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 422, 431])
def test_answer_that_refuses_alerts_for_good(status: int) -> None:
    with receiving(Response(status, b"we have\n no\x1b such stream " + b"x" * 500)) as receiver:
        delivery = sent(receiver.url, 2)
    assert len(delivery.refused) == len(delivery.delivered) == 1
    (refusal, _) = delivery.attempts
    assert isinstance(refusal.error, PermanentRefusal)
    assert refusal.error.message.startswith(f"{receiver.url} answered {status}")
    assert "we have no\ufffd such stream xxx" in refusal.error.message
    assert refusal.error.message.endswith("xxx...")
    assert len(refusal.error.message) < 300


@pytest.mark.parametrize("status", [407, 408, 425, 429, 500, 501, 502, 503, 504, 599])
def test_answer_after_which_alerts_are_sent_again(status: int) -> None:
    with receiving(Response(status, b"busy")) as receiver:
        delivery = sent(receiver.url, attempts=2)
    assert len(delivery.delivered) == 1
    error = delivery.attempts[0].error
    assert isinstance(error, OutputError)
    assert not isinstance(error, PermanentRefusal)
    assert error.message.endswith(": busy")
    assert error.retry_after_s is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirection_is_not_followed_and_the_alerts_wait(status: int) -> None:
    with receiving() as elsewhere:
        location = elsewhere.url.replace("//", "//me:hunter2@") + "?key=hunter3"
        with receiving(Response(status, headers={"Location": location})) as receiver:
            error = error_of(receiver.url)
    assert elsewhere.requests == []
    assert not isinstance(error, PermanentRefusal)
    assert f"(to {elsewhere.url}?***)" in error.message
    assert error.hint == "redirections are not followed: change `url` to where it leads"
    assert "hunter" not in str(error)


@pytest.mark.parametrize("status", [429, 503])
def test_time_to_wait_is_passed_on(status: int) -> None:
    with receiving(Response(status, headers={"Retry-After": "17"})) as receiver:
        assert error_of(receiver.url).retry_after_s == 17.0


def test_failure_that_may_pass_goes_before_a_refusal() -> None:
    with receiving(Response(400), Response(503)) as receiver:
        made = output(receiver.url, connections=2)
        delivery = deliver(made, alerts(4), group_size=2, attempts=2)
    assert len(delivery.attempts) == 3
    assert not isinstance(delivery.attempts[0].error, PermanentRefusal)
    assert len(delivery.delivered) == 4


def test_receiver_that_comes_back_gets_everything() -> None:
    with receiving() as receiver:
        port = receiver.port
    assert "it can't be reached: " in error_of(receiver.url).message
    with receiving(port=port) as again:
        assert len(sent(again.url, 3).delivered) == 3


def test_long_answer_does_no_harm() -> None:
    with receiving(Response(200, b"x" * 5_000_000), Response(200, b"y" * 10_000)) as receiver:
        assert len(sent(receiver.url, 3).delivered) == 3


def test_answers_are_logged_where_that_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "falcocore")
    with receiving(Response(202, b"queued as 7")) as receiver:
        sent(receiver.url, echo="true")
        sent(receiver.url)
    assert [record.getMessage() for record in caplog.records] == [f"{receiver.url} answered 202: queued as 7"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "ftp://h/"}, "`url` is not a URL that alerts can be sent to"),
        ({"url": "http://h/a b"}, "`url` is not a URL that alerts can be sent to"),
        ({"url": "http://"}, "`url` is not a URL that alerts can be sent to"),
        ({"url": "localhost:2801"}, "`url` is not a URL that alerts can be sent to"),
        ({"url": "http://h:99999/"}, "`url` is not a URL that alerts can be sent to"),
        ({"proxy": "h:3128"}, "`proxy` is not a URL that alerts can be sent to"),
        ({"batch_size": "0"}, "batch_size is 0, it has to be 1 to 200"),
        ({"batch_size": "201"}, "batch_size is 201, it has to be 1 to 200"),
        ({"connections": "0"}, "connections is 0, it has to be 1 or more"),
        ({"timeout_s": "0"}, "timeout_s is 0, it has to be more than 0"),
        ({"timeout_s": "nan"}, "timeout_s is nan, it has to be more than 0"),
        ({"body": "many"}, "option `body`"),
        ({"method": "GET"}, "option `method`"),
        ({"client_key": "k.pem"}, "client_key is of no use without client_cert"),
        ({"headers": {"A B": "c"}}, "`A B` is no name of a header"),
        ({"headers": {"A": "b\nC: d"}}, "the header A has characters that no header may have"),
        ({"headers": {"Content-Length": "1"}}, "the header Content-Length is set by falcocore"),
        ({"bearer_token": "hunter2"}, "bearer_token has to say where the secret is"),
        ({"url": "http://a:b@h/", "bearer_token": "env:T"}, "there is more than one authorization"),
        ({"headers": {"authorization": "x"}, "bearer_token": "env:T"}, "more than one authorization"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(HttpOutput, {"url": "http://h/", **options})
    assert said in caught.value.message
    assert "hunter2" not in str(caught.value)
