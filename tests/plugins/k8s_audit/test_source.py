"""The source: which target means what, its options, and that bad items are reported once and counted."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from falcocore.api import ConfigError, Progress, SourceError
from falcocore.host import PluginHost
from falcocore.options import build, options_of
from falcocore_k8s_audit.decode import COMPLAINTS, NO_OBJECT
from falcocore_k8s_audit.source import K8sAuditSource
from falcocore_k8s_audit.webhook_options import PathOptions
from tests.support.audit_decoding import event_json, list_json


def made(options: dict[str, Any], target: str | None = None) -> K8sAuditSource:
    """The source as the configuration makes it."""
    return build(K8sAuditSource, options, "source k8s_audit", target=target)


def read(source: K8sAuditSource) -> list[str]:
    source.open()
    batches = source.batches()
    assert isinstance(batches, Iterator)
    return [event.record.auditID for batch in batches for event in batch.events]


def test_source_is_found_by_its_name() -> None:
    assert PluginHost().source("k8s_audit") is K8sAuditSource
    assert (K8sAuditSource.name, K8sAuditSource.plugin_name) == ("k8s_audit", "k8saudit")


@pytest.mark.parametrize("target", ["{path}", "  {path}\n"])
def test_path_is_read_once(tmp_path: Path, target: str) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(event_json("a") + b"\n" + event_json("b"))
    source = K8sAuditSource(target.format(path=path))
    assert source.banner() == f"reading {path}"
    assert source.next_step() is None
    assert read(source) == ["a", "b"]
    assert source.progress() == Progress(path.stat().st_size, path.stat().st_size)
    assert source.rejected == 0


def test_directory_is_read_and_stopped(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(event_json(name))
    source = K8sAuditSource(str(tmp_path))
    assert sorted(read(source)) == ["a", "b"]
    source.stop()
    assert read(source) == []


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:0/hook", "HTTP://127.0.0.1:0/hook", " http://127.0.0.1:0/hook "]
)
def test_http_is_the_webhook(target: str) -> None:
    source = K8sAuditSource(target)
    source.open()
    banner = source.banner()
    assert banner.startswith("listening on http://127.0.0.1:")
    assert banner.endswith("/hook")
    assert "curl" in (source.next_step() or "")
    assert source.progress() is None
    source.stop()

    async def drain() -> int:
        batches = source.batches()
        assert isinstance(batches, AsyncIterator)
        return len([batch async for batch in batches])

    assert asyncio.run(drain()) == 0


@pytest.mark.parametrize("target", [None, "", " "])
def test_no_target_is_the_webhook(target: str | None) -> None:
    # Not opened, as the usual port may be taken: a webhook has no end, and a file that is not there fails.
    assert K8sAuditSource(target).progress() is None


@pytest.mark.parametrize(
    ("target", "scheme"),
    [
        ("ftp://host/audit.log", "ftp"),
        ("no-webserver://:9765/k8s-audit", "no-webserver"),
    ],
)
def test_scheme_that_is_not_supported_is_refused(target: str, scheme: str) -> None:
    for spelling in (target, target.upper(), f" {target}"):
        with pytest.raises(SourceError) as refused:
            K8sAuditSource(spelling)
        assert refused.value.message == f"source k8s_audit: the scheme `{scheme}` is not supported"
        assert refused.value.hint == (
            "give http://HOST:PORT/PATH, https://..., file://PATH, a file, a directory, or - for stdin"
        )


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("https://:9765", {}, "https needs a certificate"),
        ("HTTPS://:9765", {"key_file": "k"}, "https needs a certificate"),
        (
            "https://",
            {"cert_file": "c", "client_names": ["a"]},
            "client_names is given without client_ca_file",
        ),
        ("http://", {"cert_file": "c"}, "cert_file is given, and the target is not https://"),
        (None, {"client_ca_file": "c"}, "client_ca_file is given, and the target is not https://"),
        ("audit.log", {"client_names": ["c"]}, "client_names is given, and the target is not https://"),
    ],
)
def test_what_https_needs_is_asked_for(target: str | None, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        K8sAuditSource(target, **options)


@pytest.mark.parametrize("option", ["max_body_bytes", "max_in_flight", "max_connections"])
def test_limits_are_at_least_one(option: str) -> None:
    limits: dict[str, Any] = {option: 0}
    with pytest.raises(ConfigError, match=f"{option} is 0, it has to be 1 or more"):
        K8sAuditSource(**limits)


@pytest.mark.parametrize("scheme", ["file://", "FILE://", " file://"])
def test_file_scheme_follows_a_log_and_keeps_an_offset(tmp_path: Path, scheme: str) -> None:
    log = tmp_path / "audit.log"
    log.touch()
    source = K8sAuditSource(f"{scheme}{log}", follow_from="start")
    assert source.keeps_state
    source.open()
    assert source.banner() == f"following {log} from its beginning"
    assert (source.next_step(), source.progress()) == (None, None)
    source.stop()
    batches = source.batches()
    assert isinstance(batches, Iterator)
    assert list(batches) == []


def test_file_scheme_without_a_path_is_refused() -> None:
    with pytest.raises(SourceError, match="file:// names no file"):
        K8sAuditSource("file://")


def test_what_is_read_once_keeps_nothing(tmp_path: Path) -> None:
    assert not K8sAuditSource(str(tmp_path)).keeps_state


def test_missing_file_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    source = K8sAuditSource(str(tmp_path / "none"))
    with pytest.raises(SourceError, match=r"none can't be read: No such file or directory"):
        source.open()


def test_options_are_documented() -> None:
    options = options_of(K8sAuditSource)
    assert {name: (option.type, option.default) for name, option in options.items()} == {
        "max_body_bytes": (int, 12582912),
        "max_in_flight": (int, 50),
        "max_connections": (int, 1000),
        "cert_file": (str | None, None),
        "key_file": (str | None, None),
        "client_ca_file": (str | None, None),
        "client_names": (list[str] | None, None),
        "token_file": (str | None, None),
        "cluster": (str, ""),
        "paths": (dict[str, PathOptions] | None, None),
        "follow_from": (Literal["end", "start"], "end"),
    }
    assert all(option.doc for option in options.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_body_bytes": 0}, "source k8s_audit: max_body_bytes is 0, it has to be 1 or more"),
        ({"max_in_flight": "-5"}, "source k8s_audit: max_in_flight is -5, it has to be 1 or more"),
        ({"max_in_flight": "many"}, "source k8s_audit: option `max_in_flight`: "),
        ({"max_body_bytes": 1.5}, "source k8s_audit: option `max_body_bytes`: "),
        ({"cluster": ["a"]}, "source k8s_audit: option `cluster`: "),
        (
            {"max_body_byte": 1},
            "source k8s_audit has no option `max_body_byte`\n  did you mean `max_body_bytes`?",
        ),
        ({"target": "-"}, "source k8s_audit has no option `target`"),
    ],
)
def test_option_that_can_not_be_used_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        made(options, target="audit.log")
    assert str(refused.value).startswith(message)


def test_options_are_taken_as_texts_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(event_json("a", stage="Panic"))
    source = made({"max_body_bytes": "1", "max_in_flight": "1", "cluster": "prod"}, str(path))
    source.open()
    batches = source.batches()
    assert isinstance(batches, Iterator)
    (batch,) = [batch for batch in batches if batch.events]
    assert batch.labels == {"cluster": "prod"}
    assert [event.key for event in batch.events] == ["prod/a/Panic"]


def test_bad_items_are_logged_once_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"\n".join([event_json("a"), b"5", list_json(event_json("b"), b"7"), event_json("c")]))
    source = K8sAuditSource(str(path))
    assert read(source) == ["a", "b", "c"]
    assert source.rejected == 2
    assert caplog.record_tuples == [
        ("falcocore.k8s_audit", logging.WARNING, f"{path}:2: {NO_OBJECT}"),
        ("falcocore.k8s_audit", logging.WARNING, f"{path}:3 items[1]: {NO_OBJECT}"),
    ]


def test_many_bad_items_of_a_batch_are_summed_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"5\n" * (COMPLAINTS + 7) + event_json("a"))
    source = K8sAuditSource(str(path))
    assert read(source) == ["a"]
    assert source.rejected == COMPLAINTS + 7
    described = [f"{path}:{number}: {NO_OBJECT}" for number in range(1, COMPLAINTS + 1)]
    assert caplog.messages == [*described, "... and 7 more items of the same batch could not be read"]


def described(*descriptions: Any) -> list[Any]:
    return list(K8sAuditSource.events_from(descriptions))


def test_events_of_tests_are_their_json_with_what_is_missing_filled_in() -> None:
    first, second = described({"verb": "get", "stage": "Panic"}, {"auditID": "a", "kind": "Event"})
    assert (first.record.verb, first.record.stage, first.record.auditID) == ("get", "Panic", "test-1")
    assert (first.key, second.key) == ("/test-1/Panic", "/a/")
    assert first.time_ns == second.time_ns == 1_704_067_200_000_000_000


def test_a_list_of_events_makes_several() -> None:
    item = {"auditID": "a", "stageTimestamp": "2024-01-01T00:00:00Z"}
    assert len(described({"kind": "EventList", "items": [item, item]})) == 2


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("text", "an audit event is a map"),
        (None, "an audit event is a map"),
        ({"stageTimestamp": "yesterday"}, "event: stageTimestamp 'yesterday' is not a time"),
        ({"kind": "Pod"}, "event: not an audit event: kind is Pod"),
    ],
)
def test_a_description_that_is_no_event_is_refused(description: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        described(description)
