"""`falcocore output test`: what is said to a receiver, what it answers, and the verdict."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
import yaml

from tests.support.command_line import falcocore
from tests.support.control_service import serving
from tests.support.http_receiver import Response, receiving
from tests.support.plugin_site import open_site

Capture = pytest.CaptureFixture[str]


def configured(folder: Path, **keys: object) -> list[str]:
    (folder / "f.yaml").write_text(yaml.safe_dump(keys))
    return ["-c", str(folder / "f.yaml")]


def http(url: str, **options: object) -> dict[str, object]:
    return {"type": "http", "options": {"url": url, **options}}


def lines(capsys: Capture) -> list[str]:
    """What was said, without numbers that differ each time."""
    text = re.sub(r"\d+\.\d\d s", "TIME", capsys.readouterr().out)
    return text.splitlines()


def test_conversation_is_shown_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    with receiving(Response(200, b"thank you s3cret")) as receiver:
        output = http(receiver.url, bearer_token="env:TOKEN")
        assert falcocore("output", "test", "web", *configured(tmp_path, outputs={"web": output})) == 0
    said = lines(capsys)
    assert said[0] == "output web (http): a test alert is sent"
    assert said[1] == f"  > POST {receiver.url}"
    assert any(line.startswith("  < 200") for line in said)
    assert said[-1] == "output web: delivered in TIME"
    assert not any("s3cret" in line for line in said)
    assert all(line.startswith(("  > ", "  < ")) for line in said[1:-1])
    (request,) = receiver.requests
    assert request.headers["authorization"] == "Bearer s3cret"
    assert b"This is a test of falcocore, nothing has happened (output=web " in request.body


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        (Response(400, b"no such stream"), "not delivered, after TIME: {url} answered 400: no such stream"),
        (Response(503), "not delivered, after TIME: {url} answered 503"),
    ],
)
def test_receiver_that_does_not_take_it_gives_1(
    response: Response, verdict: str, tmp_path: Path, capsys: Capture
) -> None:
    with receiving(response) as receiver:
        output = http(receiver.url)
        assert falcocore("output", "test", "web", *configured(tmp_path, outputs={"web": output})) == 1
    assert lines(capsys)[-1] == f"output web: {verdict.format(url=receiver.url)}"
    assert len(receiver.requests) == 1


def test_all_outputs_are_tested_where_none_is_named(tmp_path: Path, capsys: Capture) -> None:
    outputs = {
        "first": {"type": "program", "options": {"program": f"cat > {tmp_path}/first; echo thanks"}},
        "second": {"type": "program", "options": {"program": "exit 3"}},
        "third": {"type": "file", "minimum_priority": "alert", "options": {"filename": f"{tmp_path}/third"}},
    }
    assert falcocore("output", "test", *configured(tmp_path, json_output=True, outputs=outputs)) == 1
    said = lines(capsys)
    assert [line for line in said if line.startswith("output ")] == [
        "output first (program): a test alert is sent",
        "output first: delivered in TIME",
        "output second (program): a test alert is sent",
        "output second: not delivered, after TIME: the program exited with status 3",
        "output third (file): a test alert is sent, whichever alerts it wants otherwise",
        "output third: delivered in TIME",
    ]
    for name in ("first", "third"):
        assert json.loads((tmp_path / name).read_text())["output_fields"]["test.output"] == name


def test_default_output_is_tested_without_a_configuration(capfd: pytest.CaptureFixture[str]) -> None:
    assert falcocore("output", "test", "stdout_output") == 0
    said = capfd.readouterr().out.splitlines()
    assert said[0] == "output stdout_output (stdout): a test alert is sent"
    assert said[1].partition(": ")[2].startswith("Notice This is a test of falcocore")
    assert said[2].startswith("output stdout_output: delivered in ")


@pytest.mark.parametrize(
    ("name", "outputs", "message"),
    [
        ("wbe", {"web": http("http://127.0.0.1:9/")}, "no output 'wbe' is configured\n  did you mean web?"),
        ("zz", {"web": http("http://127.0.0.1:9/")}, "no output 'zz' is configured\n  outputs are web"),
        ("web", {"web": http("nonsense")}, "output http: `url` is not a URL"),
        ("web", {"web": {"type": "kafka"}}, "there is no output 'kafka'"),
    ],
)
def test_what_cannot_be_tested_is_an_error(
    name: str, outputs: dict[str, object], message: str, tmp_path: Path, capsys: Capture
) -> None:
    assert falcocore("output", "test", name, *configured(tmp_path, outputs=outputs)) == 1
    assert capsys.readouterr().err.startswith(f"Error: {message}")


PLUGIN = '''
import logging


class Loud(Output):
    """Says what it does."""

    name = "loud"

    async def send(self, alerts):
        logging.getLogger(f"{__name__}.wire").debug("> %s", alerts[0].rule)
        logging.getLogger("somebody.else").debug("not its business")
        logging.getLogger("somebody.else").warning("it matters")


@hookimpl
def register_outputs(registry):
    registry.add(Loud)
'''


def test_output_of_a_plugin_is_heard_below_the_name_of_its_module(tmp_path: Path, capsys: Capture) -> None:
    with open_site(tmp_path) as site:
        site.install("falcocore-loud", {"output.loud": "loud_module"}, loud_module=PLUGIN)
        assert falcocore("output", "test", *configured(tmp_path, outputs={"loud": {}})) == 0
    assert lines(capsys)[1:-1] == ["  > Test of an output", "  it matters"]
    assert logging.getLogger("loud_module").level == logging.NOTSET


def test_running_process_is_not_asked(tmp_path: Path, state_directory: Path) -> None:
    with serving(state_directory, {}) as directory, receiving() as receiver:
        output = http(receiver.url)
        assert falcocore("output", "test", *configured(tmp_path, outputs={"web": output})) == 0
        assert sorted(path.name for path in directory.path.iterdir()) == ["control.sock", "lock"]


def test_mistake_in_one_output_is_told_before_anything_is_sent(tmp_path: Path, capsys: Capture) -> None:
    outputs = {"web": {"type": "file", "options": {"filename": f"{tmp_path}/out"}}, "other": http("nonsense")}
    assert falcocore("output", "test", *configured(tmp_path, outputs=outputs)) == 1
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "out").exists()
