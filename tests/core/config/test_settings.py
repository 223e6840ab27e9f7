"""The configuration as settings: every key of Falco's, our own, and what is refused."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falcocore.alerts import AlertFormat
from falcocore.config import legacy
from falcocore.config.settings import (
    OutboxSettings,
    OutputSettings,
    Settings,
    SourceSettings,
    read_settings,
    with_unique_instances,
)
from falcocore.config.tree import parse_tree
from falcocore.errors import ConfigError
from falcocore.lang.text import SourceFile
from falcocore.outbox.limits import Limits, WhenFull
from falcocore.rules.additions import Addition
from falcocore.rules.loader import LoadSettings
from falcocore.rules.selection import Selection
from falcocore.types import Priority
from falcocore.wanted import Wanted
from tests.support.every_falco_key import EVERY_KEY

ENVIRONMENT = {"FALCO_HOSTNAME": "here"}


def read(text: str) -> tuple[Settings, list[str]]:
    """The settings of a configuration, and what was warned of."""
    notes: list[str] = []
    tree = parse_tree(SourceFile("falco.yaml", text), notes.append, ENVIRONMENT)
    return read_settings(tree, notes.append, ENVIRONMENT), notes


def settings(text: str) -> Settings:
    found, notes = read(text)
    assert notes == []
    return found


def refusal(text: str) -> tuple[str, str | None]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value.message, caught.value.hint


DEFAULTS = Settings(
    rules_files=None,
    load=LoadSettings(),
    format=AlertFormat("here"),
    static_fields={},
    sources=(),
    outputs=(OutputSettings("stdout_output", "stdout"),),
    outbox=OutboxSettings(),
    log_level=logging.INFO,
    log_stderr=True,
)


def test_an_empty_configuration_has_the_defaults() -> None:
    assert settings("") == DEFAULTS


def test_the_host_name_is_the_machines_where_the_environment_has_none() -> None:
    for environment in ({}, {"FALCO_HOSTNAME": ""}):
        found = read_settings({}, list[str]().append, environment)
        assert found.format.hostname == socket.gethostname()


def test_every_key_of_falco_is_taken_without_noise() -> None:
    addition = Addition(
        source="k8s_audit",
        rule="R",
        tags=frozenset({"a", "b"}),
        output="x=%evt.num",
        fields=("evt.time",),
        formatted=(("key", "%evt.num"),),
        suggested=True,
    )
    drops = {"actions": ["log"], "threshold": 0.1, "rate": 0.03333, "max_burst": 1.0}
    assert settings(EVERY_KEY) == Settings(
        rules_files=("/etc/falco/falco_rules.yaml", "/etc/falco/rules.d"),
        load=LoadSettings(
            first=False,
            least_priority=Priority.NOTICE,
            selections=(Selection(False, rule="*"), Selection(True, tag="network")),
            additions=(addition,),
        ),
        format=AlertFormat("here", True, False, False, True, False, True),
        static_fields={"cluster": "prod", "zone": "7"},
        sources=(
            SourceSettings("k8s_audit", "k8s_audit", "audit.log"),
            SourceSettings("syscall", "syscall", None, {"buffer_mb": 8, "drops": drops}),
        ),
        outputs=(
            OutputSettings("stdout_output", "stdout"),
            OutputSettings("file_output", "file", {"filename": "events.txt", "keep_alive": True}),
        ),
        outbox=OutboxSettings(),
        log_level=logging.DEBUG,
        log_stderr=False,
    )


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("rules_files: [a, b]", ("a", "b")),
        ("rules_files: a", ("a",)),
        ("rules_files: []", ()),
        ("rules_files:", None),
        ("rules_file: [a]", ("a",)),
        ("rules_file: a", ("a",)),
    ],
)
def test_rule_files_are_named_by_the_new_key_or_the_old(text: str, files: tuple[str, ...] | None) -> None:
    assert settings(text) == replace(DEFAULTS, rules_files=files)


@pytest.mark.parametrize(
    ("text", "selections"),
    [
        ("rules: [{enable: {rule: A}}]", (Selection(True, "A"),)),
        ("rules: [{disable: {tag: t}}, {enable: {rule: 'A*', tag: t}}]",
         (Selection(False, None, "t"), Selection(True, "A*", "t"))),
        ("rules: []", ()),
    ],
)  # fmt: skip
def test_selections_keep_their_order(text: str, selections: tuple[Selection, ...]) -> None:
    assert settings(text).load == LoadSettings(selections=selections)


@pytest.mark.parametrize(
    ("text", "additions"),
    [
        ("[{extra_output: x}]", [Addition(output="x")]),
        ("[{suggested_output: true}]", [Addition(suggested=True)]),
        ("[{match: {tags: t}, extra_output: x}]", [Addition(tags=frozenset({"t"}), output="x")]),
        ("[{extra_fields: [a, b]}]", [Addition(fields=("a", "b"))]),
        ("[{extra_fields: [{b: c}, {d: e}]}]", [Addition(formatted=(("b", "c"), ("d", "e")))]),
        ("[{extra_output: x}, {extra_output: y}]", [Addition(output="x"), Addition(output="y")]),
        # The same key in two entries is two matters.
        ("[{extra_fields: [{k: a}]}, {extra_fields: [{k: b}]}]",
         [Addition(formatted=(("k", "a"),)), Addition(formatted=(("k", "b"),))]),
    ],
)  # fmt: skip
def test_what_is_added_to_alerts(text: str, additions: list[Addition]) -> None:
    assert settings(f"append_output: {text}").load == LoadSettings(additions=tuple(additions))


@pytest.mark.parametrize(
    ("text", "outputs"),
    [
        # stdout is on, unless something else is configured or it is switched off.
        ("", ["stdout"]),
        ("stdout_output: {enabled: true}", ["stdout"]),
        ("file_output: {filename: f}", ["stdout"]),
        ("file_output: {enabled: true, filename: f}", ["file"]),
        ("file_output: {enabled: true, filename: f}\nstdout_output: {enabled: true}", ["stdout", "file"]),
        ("program_output: {enabled: true, program: cat}", ["program"]),
        ("http_output: {enabled: true, url: 'http://h/'}", ["http"]),
        ("outputs: {a: {type: file}}", ["file"]),
        ("outputs: {a: {type: file}}\nstdout_output: {enabled: true}", ["stdout", "file"]),
        ("outputs: {a: {type: file}}\nstdout_output: {enabled: false}", ["file"]),
        # The type is the name, unless it is given.
        ("outputs: {file: {options: {filename: f}}, b: {type: http}}", ["file", "http"]),
        ("outputs: {rate: 1, max_burst: 2}", ["stdout"]),
    ],
)
def test_which_outputs_are_on(text: str, outputs: list[str]) -> None:
    assert [output.type for output in settings(text).outputs] == outputs


def test_outputs_keep_their_names_and_options() -> None:
    text = "outputs: {a: {type: file, options: {filename: f, mode: x}}, b: {type: file}}"
    assert settings(text).outputs == (
        OutputSettings("a", "file", {"filename": "f", "mode": "x"}),
        OutputSettings("b", "file"),
    )


def test_falcos_syslog_is_an_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy, "SYSLOG_SOCKET", Path("/dev/null"))
    assert settings("syslog_output: {enabled: true}").outputs == (
        OutputSettings("syslog_output", "syslog", {"app_name": "falco"}),
    )


def test_an_output_that_is_not_served_leaves_stdout_on() -> None:
    found, notes = read("grpc_output: {enabled: true}")
    assert found.outputs == DEFAULTS.outputs
    assert len(notes) == 1


WEBHOOK = "plugins: [{name: k8saudit, open_params: p}]\n"
SERVER = "webserver: {enabled: true, listen_address: 127.0.0.1, k8s_audit_endpoint: /e}\n"
LEFT_OUT = (
    "`plugins`, `webserver` or `engine` asks for the source {}, which is left out: there is a source "
    "k8s_audit already; list both under `sources` to run both"
)


@pytest.mark.parametrize(
    ("text", "sources", "notes"),
    [
        ("sources: [{name: a}]", [SourceSettings("a", "a")], []),
        (
            "sources: [{name: a, instance: i, target: t, options: {o: x}, restart: true}]",
            [SourceSettings("a", "i", "t", {"o": "x"}, True)],
            [],
        ),
        (
            "sources: [{name: a, target: x}, {name: a, target: y}, {name: b}]",
            [SourceSettings("a", "a", "x"), SourceSettings("a", "a-2", "y"), SourceSettings("b", "b")],
            [],
        ),
        (WEBHOOK, [SourceSettings("k8s_audit", "k8s_audit", "p")], []),
        (SERVER, [SourceSettings("k8s_audit", "k8s_audit", "http://127.0.0.1:8765/e")], []),
        (
            "sources: [{name: a}]\n" + WEBHOOK,
            [SourceSettings("a", "a"), SourceSettings("k8s_audit", "k8s_audit", "p")],
            [],
        ),
        # Our own way to say it comes first, then plugins, then the web server.
        (
            "sources: [{name: k8s_audit, target: t}]\n" + WEBHOOK,
            [SourceSettings("k8s_audit", "k8s_audit", "t")],
            [LEFT_OUT.format("k8s_audit=p")],
        ),
        (
            WEBHOOK + SERVER,
            [SourceSettings("k8s_audit", "k8s_audit", "p")],
            [LEFT_OUT.format("k8s_audit=http://127.0.0.1:8765/e")],
        ),
        (
            "plugins: [{name: k8saudit, open_params: p}, {name: k8saudit}]",
            [SourceSettings("k8s_audit", "k8s_audit", "p")],
            [LEFT_OUT.format("k8s_audit")],
        ),
        ("engine: {kind: nodriver}", [], []),
        ("engine: {modern_ebpf: {buf_size_preset: 4}}", [], []),
        ("engine: {kind: modern_ebpf}", [SourceSettings("syscall", "syscall", None, {"buffer_mb": 8})], []),
        (
            "engine: {kind: kmod, kmod: {buf_size_preset: 6}}\n"
            "syscall_event_drops: {actions: [log], threshold: 0, simulate_drops: false}",
            [
                SourceSettings(
                    "syscall",
                    "syscall",
                    None,
                    {"buffer_mb": 32, "drops": {"actions": ["log"], "threshold": 0.0}},
                )
            ],
            [],
        ),
        (
            "engine: {kind: replay, replay: {capture_file: c.scap}}",
            [SourceSettings("syscall", "syscall", "c.scap")],
            [],
        ),
    ],
)
def test_which_sources_run(text: str, sources: list[SourceSettings], notes: list[str]) -> None:
    found, said = read(text)
    assert (found.sources, said) == (tuple(sources), notes)


@pytest.mark.parametrize(
    ("given", "unique"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "a", "a-2"], ["a", "a-2", "a-2-2"]),
        (["a-2", "a", "a"], ["a-2", "a", "a-3"]),
    ],
)
def test_instances_have_names_of_their_own(given: list[str], unique: list[str]) -> None:
    sources = [SourceSettings("s", instance, str(number)) for number, instance in enumerate(given)]
    found = with_unique_instances(sources)
    assert [source.instance for source in found] == unique
    assert [source.target for source in found] == [source.target for source in sources]


@pytest.mark.parametrize(
    ("word", "level"),
    [
        *((word, logging.CRITICAL) for word in ("emergency", "alert", "critical")),
        ("error", logging.ERROR),
        ("warning", logging.WARNING),
        *((word, logging.INFO) for word in ("notice", "info", "informational", "INFO")),
        ("debug", logging.DEBUG),
    ],
)
def test_the_log_has_falcos_levels(word: str, level: int) -> None:
    assert settings(f"log_level: {word}") == replace(DEFAULTS, log_level=level)


@pytest.mark.parametrize("word", ["Error", "error", "ERROR", " error "])
def test_a_priority_is_read_in_any_case(word: str) -> None:
    load = LoadSettings(least_priority=Priority.ERROR)
    assert settings(f"priority: '{word}'") == replace(DEFAULTS, load=load)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("json_output: maybe", "json_output: true or false is wanted, not `maybe`; the default is taken"),
        ("priority: [debug]", "priority: a text is wanted, not `['debug']`; the default is taken"),
        ("static_fields: [a]", "static_fields: a map is wanted, not `['a']`; the default is taken"),
        ("rules: disable", "rules: a list is wanted, not `disable`; the default is taken"),
        ("stdout_output: true", "stdout_output: a map is wanted, not `true`; the default is taken"),
        ("rule_matching: {}", "rule_matching: a text is wanted, not `{}`; the default is taken"),
        ("log_stderr: 1", "log_stderr: true or false is wanted, not `1`; the default is taken"),
    ],
)
def test_a_value_of_the_wrong_type_is_warned_of_and_the_default_taken(text: str, note: str) -> None:
    assert read(text) == (DEFAULTS, [note])


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("json_output: true", {"json_output": True}),
        ("json_include_output_property: false", {"include_output": False}),
        ("json_include_tags_property: false", {"include_tags": False}),
        ("json_include_message_property: true", {"include_message": True}),
        ("json_include_output_fields_property: false", {"include_output_fields": False}),
        ("time_format_iso_8601: true", {"time_iso8601": True}),
    ],
)
def test_each_key_of_the_format_is_one_setting(text: str, changed: dict[str, Any]) -> None:
    assert settings(text) == replace(DEFAULTS, format=replace(DEFAULTS.format, **changed))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("enabled: true", OutboxSettings(enabled=True)),
        ("enabled: false", OutboxSettings(enabled=False)),
        ("path: /var/lib/here", OutboxSettings(path=Path("/var/lib/here"))),
        ("path: ''", OutboxSettings()),
        ("max_size_mb: 3", OutboxSettings(limits=Limits(max_bytes=3 << 20))),
        ("max_age_hours: 2", OutboxSettings(limits=Limits(max_age_s=7200))),
        ("when_full: refuse", OutboxSettings(limits=Limits(when_full=WhenFull.REFUSE))),
        ("when_full: drop_least_severe", OutboxSettings(limits=Limits(when_full=WhenFull.DROP_LEAST_SEVERE))),
        ("duplicates_minutes: 5", OutboxSettings(limits=Limits(duplicates_s=300))),
        ("duplicates_minutes: 0", OutboxSettings(limits=Limits(duplicates_s=0))),
    ],
)
def test_each_key_of_the_outbox_is_one_setting(text: str, expected: OutboxSettings) -> None:
    assert settings(f"outbox: {{{text}}}") == replace(DEFAULTS, outbox=expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("minimum_priority: error", Wanted(least=Priority.ERROR)),
        ("rules: ['Shell*', Other]", Wanted(rules=("Shell*", "Other"))),
        ("rules: One", Wanted(rules=("One",))),
        ("tags: [a, b, a]", Wanted(tags=frozenset({"a", "b"}))),
        ("sources: [syscall]", Wanted(sources=frozenset({"syscall"}))),
        ("condition: alert.severity < 3", Wanted(condition="alert.severity < 3")),
    ],
)
def test_an_output_says_which_alerts_it_wants(text: str, expected: Wanted) -> None:
    found = settings(f"outputs: {{own: {{type: file, {text}}}}}")
    assert found == replace(DEFAULTS, outputs=(OutputSettings("own", "file", {}, expected),))


SAYS_NOTHING = "write `- enable: {rule: NAME}` or `- disable: {tag: TAG}`; `*` fits anything"
NO_PRIORITY = (
    "priority: {} is not a priority: use one of Emergency, Alert, Critical, Error, Warning, Notice, "
    "Informational, Debug"
)
EXTRA_FIELD = "append_output[0].extra_fields: an entry is a field's name, or `key: TEMPLATE`"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "rules_file: [a]\nrules_files: [b]",
            "rules_file and rules_files are both given",
            "keep rules_files",
        ),
        ("priority: warn", NO_PRIORITY.format("'warn'"), None),
        ("priority: ''", NO_PRIORITY.format("''"), None),
        (
            "rule_matching: frist",
            "rule_matching: `frist` is not one of first, all",
            "did you mean first?",
        ),
        ("rules: [x]", "rules[0] has to be a map of keys, not `x`", None),
        ("rules: [{enable: {rule: a}}, {}]", "rules[1] says nothing", SAYS_NOTHING),
        ("rules: [{enable: {}}]", "rules[0] says nothing", SAYS_NOTHING),
        ("rules: [{disable: }]", "rules[0] says nothing", SAYS_NOTHING),
        ("append_output: [x]", "append_output[0] has to be a map of keys, not `x`", None),
        (
            "append_output: [{extra_fields: [{k: a}, b, {k: c}]}]",
            "append_output[0].extra_fields: `k` is given twice",
            None,
        ),
        ("append_output: [{extra_fields: [{a: b, c: d}]}]", EXTRA_FIELD, None),
        ("append_output: [{extra_fields: [{a: [b]}]}]", EXTRA_FIELD, None),
        ("append_output: [{extra_fields: [[a]]}]", EXTRA_FIELD, None),
        ("append_output: [{extra_fields: [~]}]", EXTRA_FIELD, None),
        ("file_output: {enabled: true}", "file_output.filename is missing", "add `filename:`"),
        ("sources: [{target: x}]", "sources[0].name is missing", "add `name:`"),
        ("sources: [k8s_audit]", "sources[0] has to be a map of keys, not `k8s_audit`", None),
        (
            "stdout_output: {enabled: false}",
            "no output is enabled",
            "enable stdout_output, file_output or an entry of `outputs`",
        ),
        (
            "outbox: {when_full: drop}",
            "outbox.when_full: `drop` is not one of drop_oldest, drop_least_severe, refuse",
            None,
        ),
        (
            "outputs: {own: {minimum_priority: high}}",
            "outputs.own.minimum_priority: 'high' is not a priority: use one of Emergency, Alert, Critical, "
            "Error, Warning, Notice, Informational, Debug",
            None,
        ),
        (
            "log_level: warn",
            "log_level: `warn` is not one of emergency, alert, critical, error, warning, notice, info, "
            "informational, debug",
            "did you mean warning?",
        ),
    ],
)
def test_what_can_mean_nothing_is_refused(text: str, message: str, hint: str | None) -> None:
    assert refusal(text) == (message, hint)
