"""Where secrets stand, and what is said where they can't be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from falcocore.api import ConfigError, OutputError
from falcocore_outputs.secret import Secret, hide, is_reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("file:/run/token", True),
        ("env:TOKEN", True),
        ("file:", False),
        ("env:", False),
        ("env", False),
        ("http://h/", False),
        ("Bearer abc", False),
    ],
)
def test_reference(text: str, expected: bool) -> None:
    assert is_reference(text) is expected


def test_secret_of_a_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    secret = Secret(f"file:{path}", "token")
    for text in ("one\n", "  two", "three"):
        path.write_text(text, "utf-8")
        assert secret.value() == text.strip()


def test_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "one\n")
    assert Secret("env:TOKEN", "token").value() == "one"


def test_secret_itself_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        Secret("hunter2", "output http: bearer_token")
    assert caught.value.message == "output http: bearer_token has to say where the secret is"
    assert caught.value.hint == "write file:PATH or env:NAME, and not the secret"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "token: {path} can't be read: No such file or directory"),
        ("", "token: {path} is empty"),
        (" \n", "token: {path} is empty"),
        ("hunter2\nhunter3", "token: what stands in {path} is not one line of ASCII text"),
        ("hunter2ä", "token: what stands in {path} is not one line of ASCII text"),
    ],
)
def test_file_that_holds_no_secret(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(OutputError) as caught:
        Secret(f"file:{path}", "token").value()
    assert caught.value.message == said.format(path=path)


def test_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(OutputError, match="token: the environment variable TOKEN is not set, or empty"):
        Secret("env:TOKEN", "token").value()


def test_secrets_are_hidden() -> None:
    assert hide("a hunter2, b hunter3", ["hunter2", "hunter3"]) == "a ***, b ***"
