"""What the webhook's user is told where nothing comes, or nothing that rules can match."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import RuleSet
from falcocore_k8s_audit.decode import Decoded
from falcocore_k8s_audit.doubts import doubts_about_events
from falcocore_k8s_audit.seen import Seen
from falcocore_k8s_audit.source import K8sAuditSource
from falcocore_k8s_audit.webhook import Webhook
from tests.support.webhook_harness import RunningWebhook, audit_event, encode, event_list

RULE = """
- rule: {name}
  desc: d
  condition: {condition}
  output: o
  priority: NOTICE
  source: k8s_audit
"""


def rules(**conditions: str) -> RuleSet:
    text = "".join(RULE.format(name=name, condition=condition) for name, condition in conditions.items())
    table = PluginHost().fields_for("k8s_audit")
    loaded = load([SourceFile("r", text)], Catalogue({"k8s_audit": table}, frozenset({"k8s_audit"})))
    assert not loaded.errors
    return loaded.rule_sets["k8s_audit"]


RULES = rules(
    meta="ka.verb = create",
    body="ka.req.pod.host_network = true",
    answer="ka.resp.name startswith x",
    done="jevt.value[/stage] = ResponseComplete and ka.verb = get",
    never="ka.verb = a and jevt.rawtime = 0",
)


def seen(*pairs: tuple[str | None, str | None]) -> Seen:
    decoded = Decoded()
    for number, (level, stage) in enumerate(pairs):
        more: dict[str, Any] = {} if level is None else {"level": level}
        decoded.read(encode({**audit_event(str(number)), "stage": stage, **more}), "test")
    assert decoded.rejected == 0
    found = Seen()
    found.note(decoded.events)
    return found


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("Metadata", "ResponseComplete")], "2 of 5 rules can't match what came so far"),
        (
            [("Metadata", "ResponseComplete")],
            "all of level Metadata and stage ResponseComplete: body, answer\n",
        ),
        ([("Request", "ResponseComplete")], "1 of 5 rules"),
        ([("RequestResponse", "ResponseStarted")], "stage ResponseStarted: done\n"),
        (
            [("Metadata", "ResponseComplete"), ("Request", "Panic")],
            "level Metadata, Request and stage Panic, ResponseComplete: answer\n",
        ),
        ([("RequestResponse", "ResponseComplete")], None),
        ([("Metadata", "ResponseComplete"), ("RequestResponse", "ResponseComplete")], None),
        # Nothing is known of what has no level, or one of another world.
        ([(None, "ResponseComplete")], None),
        ([("Everything", "ResponseComplete")], None),
        ([("Metadata", "Later")], None),
        ([], None),
    ],
)
def test_rules_that_what_comes_can_not_match_are_named(
    pairs: list[tuple[str | None, str | None]], said: str | None
) -> None:
    found = doubts_about_events(seen(*pairs), RULES.rules)
    assert (found is None) if said is None else (found is not None and said in found)


def test_silence_is_told_with_what_to_look_at() -> None:
    with RunningWebhook() as running:
        found = running.source.doubts(0, RULES)
        assert found is not None
        assert "no event has come in the first minute" in found
        assert f"curl {running.url.removesuffix('/k8s-audit')}/healthz" in found
        for command in ("policy", "webhook-config", "check"):
            assert f"falcocore k8s-audit {command}" in found


def test_what_the_webhook_took_is_looked_at() -> None:
    with RunningWebhook() as running, running.client() as client:
        low = event_list(*(audit_event(str(number), level="Metadata") for number in range(3)))
        client.request("POST", "/k8s-audit", encode(low), {"Content-Type": "application/json"})
        assert client.getresponse().read() == b""
        assert "2 of 5 rules" in (running.source.doubts(3, RULES) or "")
        assert running.source.doubts(3, RULES) is None


@pytest.mark.parametrize("level", ["Metadata", "RequestResponse"])
def test_events_are_looked_at_until_no_doubt_is_left(level: str) -> None:
    started = rules(started="jevt.value[/stage] = ResponseStarted")
    with RunningWebhook() as running:
        running.source.prepare(RULES)
        assert running.request(audit_event(level=level)).status == 200
        assert (running.source.doubts(1, started) is None) == (level == "RequestResponse")


def test_process_of_several_does_not_look_at_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Webhook, "reserve", lambda _webhook: None
    )  # It holds a port to the end of the process.
    running = RunningWebhook()
    running.source.reserve()
    with running:
        assert running.request(audit_event(level="Metadata")).status == 200
        assert running.source.doubts(1, RULES) is None


def test_files_raise_no_doubts() -> None:
    assert K8sAuditSource("/dev/null").doubts(0, RULES) is None
