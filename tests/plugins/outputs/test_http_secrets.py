"""What authorises is sent, is read again, and appears nowhere else."""

from __future__ import annotations

import asyncio
import base64
import logging
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import OutputError
from falcocore.testing import configured, deliver, sample_alert
from falcocore_outputs.http import HttpOutput
from falcocore_outputs.http_headers import HeaderOptions
from falcocore_outputs.http_target import parse_target
from tests.support.http_receiver import Response, receiving

BASIC = "Basic " + base64.b64encode(b"me:hunter2/").decode()


def output(url: str, **options: Any) -> HttpOutput:
    return configured(HttpOutput, {"url": url, **options})


def with_password(url: str) -> str:
    return url.replace("//", "//me:hunter2%2F@")


@pytest.fixture(autouse=True)
def _everything_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "falcocore")
    monkeypatch.setenv("TOKEN", "hunter2/")


@pytest.mark.parametrize(
    ("password", "options", "name", "value"),
    [
        (False, {"bearer_token": "env:TOKEN"}, "authorization", "Bearer hunter2/"),
        (False, {"headers": {"X-Scope": "env:TOKEN"}}, "x-scope", "hunter2/"),
        # Marked by its name.
        (False, {"headers": {"X-Api-Key": "hunter2/"}}, "x-api-key", "hunter2/"),
        (False, {"headers": {"Authorization": "Splunk hunter2/"}}, "authorization", "Splunk hunter2/"),
        (True, {}, "authorization", BASIC),
    ],
)
@pytest.mark.parametrize("status", [200, 302, 403, 503])
def test_secrets_are_sent_and_shown_nowhere(
    password: bool,
    options: dict[str, Any],
    name: str,
    value: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The receiver repeats what it was sent, in all places of an answer.
    said = {
        "X-You-Said": f"{value} hunter2/",
        "Location": "http://me:hunter2@h/?t=hunter2",
        "Set-Cookie": "hunter2",
    }
    with receiving(Response(status, f"{value} is wrong".encode(), said)) as receiver:
        url = with_password(receiver.url) if password else receiver.url
        made = output(url + "?key=hunter2%2F", echo="true", **options)
        delivery = deliver(made, [sample_alert()], attempts=1)
    assert receiver.requests[0].headers[name] == value
    assert receiver.requests[0].path == "/in?key=hunter2%2F"
    shown = [*caplog.messages, *(str(attempt.error) for attempt in delivery.attempts), repr(made)]
    assert any(text.startswith("> ") and "***" in text for text in shown)
    assert [text for text in shown if "hunter2" in text or BASIC[6:] in text] == []


def test_secrets_are_in_no_message_of_a_receiver_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    made = output("http://me:hunter2@127.0.0.1:1/?key=hunter2", proxy="http://me:hunter2@127.0.0.1:1/")
    (attempt,) = deliver(made, [sample_alert()], attempts=1).attempts
    assert "its proxy http://127.0.0.1:1/ can't be reached" in str(attempt.error)
    assert "hunter2" not in f"{attempt.error}{caplog.text}{vars(attempt.error)}"


def test_token_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one", "utf-8")

    async def run(url: str) -> None:
        made = output(url, bearer_token=f"file:{token}")
        made.open()
        await made.send([sample_alert()])
        token.write_text("two", "utf-8")
        await made.send([sample_alert()])
        token.unlink()
        with pytest.raises(OutputError, match="can't be read: No such file"):
            await made.send([sample_alert()])
        token.write_text("three", "utf-8")
        await made.send([sample_alert()])
        await made.aclose()

    with receiving() as receiver:
        asyncio.run(run(receiver.url))
    sent = [request.headers["authorization"] for request in receiver.requests]
    assert sent == ["Bearer one", "Bearer two", "Bearer three"]
    assert len({request.peer for request in receiver.requests}) == 1


@pytest.mark.parametrize("options", [{"bearer_token": "env:NONE"}, {"headers": {"X": "env:NONE"}}])
def test_secret_that_is_not_there_is_known_at_the_start(options: dict[str, Any]) -> None:
    with pytest.raises(OutputError, match="the environment variable NONE is not set, or empty"):
        output("http://h/", **options).open()


def test_conversation_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(Response(202, b"queued\nas 7", {"X-Queue": "7"})) as receiver:
        made = output(receiver.url, bearer_token="env:TOKEN", headers={"X-Scope": "audit"})
        deliver(made, [sample_alert(1, line='{"rule":"R"}')])
    said = [text for text in caplog.messages if text[:2] in ("> ", "< ")]
    assert said[:6] == [
        f"> POST {receiver.url}",
        "> Content-Type: application/json",
        f"> Falcocore-Alert-Ids: {sample_alert(1).id}",
        "> User-Agent: falcocore",
        "> X-Scope: audit",
        "> Authorization: ***",
    ]
    assert said[6:8] == ['> {"rule":"R"}', "< 202 "]
    assert "< x-queue: 7" in said
    assert said[-1] == "< queued as 7"


@pytest.mark.parametrize(
    ("url", "bare", "shown", "authorization"),
    [
        ("http://h", "http://h/", "http://h/", None),
        (" https://h:8/p?a=b#c ", "https://h:8/p?a=b", "https://h:8/p?***", None),
        ("http://u:p@[::1]:80/", "http://[::1]:80/", "http://[::1]:80/", "Basic dTpw"),
        ("http://u@h/", "http://h/", "http://h/", "Basic dTo="),
        ("http://u%40x:p%3A@h/", "http://h/", "http://h/", "Basic dUB4OnA6"),
    ],
)
def test_url_is_taken_apart(url: str, bare: str, shown: str, authorization: str | None) -> None:
    target = parse_target(url, "url")
    assert (target.url, target.shown, target.authorization) == (bare, shown, authorization)
    assert "dT" not in repr(target)
    assert "a=b" not in repr(target)


def test_headers_do_not_show_their_values() -> None:
    options = HeaderOptions({"X-Key": "hunter2"}, "falcocore", None, parse_target("http://h/", "url"))
    assert "hunter2" not in repr(options.make({}))
