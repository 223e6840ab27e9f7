"""`falcocore run` over recorded events: what is read, what is said of what can't be, and how the run ends."""

from __future__ import annotations

import gzip
import json
import os
import socket
from pathlib import Path

import pytest
import yaml

from tests.support.falcocore_process import Running, falcocore
from tests.support.webhook_harness import RULES, audit_event, event_list

TIME = "00:18:28.428398000"
SYSCALL_RULE = """\
- rule: Shell
  desc: A shell was started.
  condition: proc.name = bash
  output: shell
  priority: WARNING
  source: syscall
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return str(path)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A directory, to be filled with events."""
    path = tmp_path / "recorded"
    path.mkdir()
    return path


def lines(*documents: object) -> bytes:
    """Events as they stand in files: JSON Lines."""
    return b"".join(
        document if isinstance(document, bytes) else json.dumps(document).encode() + b"\n"
        for document in documents
    )


def created(*audit_ids: str) -> str:
    """What stdout holds for these events."""
    return "".join(f"{TIME}: Notice created {audit_id}\n" for audit_id in audit_ids)


EVENTS = lines(audit_event("a"), audit_event("b", verb="get"), event_list(audit_event("c"), audit_event("d")))


@pytest.mark.parametrize(
    ("files", "target"),
    [
        ({"audit.log": EVENTS}, "audit.log"),
        ({"audit.log": EVENTS.removesuffix(b"\n").replace(b"\n", b"\r\n")}, "audit.log"),
        ({"audit.log.gz": gzip.compress(EVENTS)}, "audit.log.gz"),
        ({"1": lines(audit_event("a")), "2": lines(audit_event("c"), audit_event("d", verb="create"))}, ""),
        ({"1": gzip.compress(lines(audit_event("a"))), "2": lines(audit_event("c"), audit_event("d"))}, ""),
    ],
    ids=["file", "file with CRLF", "gzip", "directory", "directory with gzip"],
)
def test_target_is_read_to_its_end(files: dict[str, bytes], target: str, rules: str, recorded: Path) -> None:
    for age, (name, content) in enumerate(files.items()):
        (recorded / name).write_bytes(content)
        os.utime(recorded / name, (age, age))
    ended = falcocore("run", "--source", f"k8s_audit={recorded / target}", "-r", rules)
    assert (ended.status, ended.out) == (0, created("a", "c", "d"))
    assert " alerts (Notice 3)" in ended.err.splitlines()[-1]


@pytest.mark.parametrize("stdin", [EVENTS, gzip.compress(EVENTS)], ids=["plain", "gzip"])
def test_standard_input_is_read_to_its_end(stdin: bytes, rules: str) -> None:
    ended = falcocore("run", "--source", "k8s_audit=-", "-r", rules, stdin=stdin)
    assert (ended.status, ended.out) == (0, created("a", "c", "d"))
    assert "4 events, 3 alerts" in ended.err.splitlines()[-1]


def test_line_of_a_pipe_is_looked_at_when_it_comes_and_a_signal_ends_the_wait(rules: str) -> None:
    with Running("run", "--source", "k8s_audit=-", "-r", rules) as running:
        for audit_id in ("a", "b"):
            running.stdin.write(lines(audit_event(audit_id)))
            running.stdin.flush()
            assert running.alert() == created(audit_id).strip()
        ended = running.end()
    assert (ended.status, ended.out) == (0, "")
    assert "2 events, 2 alerts" in ended.err.splitlines()[-1]


def test_bad_lines_are_reported_once_with_their_position_and_the_rest_runs(
    rules: str, recorded: Path
) -> None:
    file = recorded / "audit.log"
    bad = event_list(audit_event("b"), {"kind": "Event"})
    file.write_bytes(lines(audit_event("a"), b"nonsense\n", b"\n", bad, {"kind": "Pod"}, audit_event("c")))
    ended = falcocore("run", "--source", f"k8s_audit={file}", "-r", rules)
    assert (ended.status, ended.out) == (0, created("a", "b", "c"))
    for position in (f"{file}:2: ", f"{file}:4 items[1]: ", f"{file}:5: "):
        assert ended.err.count(position) == 1
    assert ended.err.count("Warning: ") == 3
    assert "3 events, 3 alerts (Notice 3), 3 items could not be read" in ended.err.splitlines()[-1]


def test_two_files_are_read_side_by_side(rules: str, recorded: Path) -> None:
    for name in ("a", "b"):
        (recorded / name).write_bytes(lines(audit_event(name)))
    sources = [word for name in ("a", "b") for word in ("--source", f"k8s_audit={recorded / name}")]
    ended = falcocore("run", *sources, "-r", rules)
    assert ended.status == 0
    assert sorted(ended.alerts) == created("a", "b").splitlines()
    assert f"k8s_audit: reading {recorded / 'a'} with 1 rule\n" in ended.err
    assert f"k8s_audit-2: reading {recorded / 'b'} with 1 rule\n" in ended.err


@pytest.mark.parametrize(
    ("override", "out"),
    [
        ("time_format_iso_8601=true", "2018-10-20T00:18:28.428398000+0000: Notice created a\n"),
        ("priority=notice", created("a")),
        ("priority=warning", ""),
        ("rules[].disable.rule=Created", ""),
        ("append_output[]={extra_output: by %ka.verb}", f"{TIME}: Notice created a by create\n"),
        ("stdout_output.enabled=true", created("a")),
    ],
)
def test_override_of_the_command_line_counts(override: str, out: str, rules: str) -> None:
    arguments = ("run", "--source", "k8s_audit=-", "-r", rules, "-o", override)
    ended = falcocore(*arguments, stdin=lines(audit_event("a")))
    assert (ended.status, ended.out) == (0, out)


def test_json_alerts_stand_one_on_each_line(rules: str) -> None:
    document = audit_event('a\n"b"\t\\')
    arguments = ("run", "--source", "k8s_audit=-", "-r", rules, "-o", "json_output=true")
    ended = falcocore(*arguments, stdin=lines(document, document))
    found = [json.loads(line) for line in ended.alerts]
    assert [alert["output_fields"]["ka.auditid"] for alert in found] == [document["auditID"]] * 2
    assert ended.status == 0


def test_alerts_go_to_the_file_of_the_configuration(rules: str, tmp_path: Path) -> None:
    path, config = tmp_path / "alerts", tmp_path / "falco.yaml"
    path.write_text("from before\n")
    keys = {"rules_files": [rules], "file_output": {"enabled": True, "filename": str(path)}}
    config.write_text(yaml.safe_dump(keys))
    ended = falcocore("run", "-c", str(config), "--source", "k8s_audit=-", stdin=EVENTS)
    assert (ended.status, ended.out) == (0, "")
    assert path.read_text() == "from before\n" + created("a", "c", "d")


def test_alerts_go_to_several_outputs_with_options(rules: str, tmp_path: Path) -> None:
    config, socket_path = tmp_path / "falco.yaml", tmp_path / "log"
    file = {"type": "file", "options": {"filename": str(tmp_path / "alerts"), "rotate_bytes": 1, "keep": 1}}
    syslog = {"type": "syslog", "options": {"address": str(socket_path), "facility": "local3"}}
    config.write_text(yaml.safe_dump({"rules_files": [rules], "outputs": {"a": file, "b": syslog}}))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(socket_path))
        receiver.settimeout(10)
        ended = falcocore("run", "-c", str(config), "--source", "k8s_audit=-", stdin=EVENTS)
        assert (ended.status, ended.out) == (0, "")
        received = "".join(f"{receiver.recv(1000).decode()}\n" for _ in range(3))
    assert received.replace("<157>Oct 20 00:18:28 falcocore: ", "") == created("a", "c", "d")
    (rotated,) = tmp_path.glob("alerts.*")
    assert rotated.read_text() + (tmp_path / "alerts").read_text() == created("c", "d")


def test_reader_that_leaves_early_ends_the_run_with_a_message(rules: str, recorded: Path) -> None:
    """As `falcocore run ... | head -1` does."""
    file = recorded / "audit.log"
    file.write_bytes(lines(*[audit_event(str(number)) for number in range(100_000)]))
    with Running("run", "--source", f"k8s_audit={file}", "-r", rules) as running:
        assert running.alert() == created("0").strip()
        running.stdout.close()
        ended = running.end(None)
    assert ended.status == 1
    assert "standard output was closed by its reader" in ended.err
    assert "100000 events" not in ended.err


# --- what ends a run with a message -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-r", "{tmp}/bad.yaml"], "{tmp}/bad.yaml:3:22: error: "),
        (["-r", "{tmp}/missing.yaml"], "rule file {tmp}/missing.yaml does not exist"),
        (["-r", "{tmp}/rules.txt"], "{tmp}/rules.txt is not named like a rule file"),
        (["-r", "pack:nonesuch"], "nonesuch"),
        (["-c", "{tmp}/missing.yaml"], "configuration {tmp}/missing.yaml does not exist"),
        (["-o", "stdout_output.enabled=false"], "no output is enabled"),
        (["-o", "file_output={enabled: true, filename: {tmp}/none/x}"], "{tmp}/none/x can't be opened"),
        (["--source", "k8s_audit={tmp}/missing.log"], "{tmp}/missing.log can't be read: No such file"),
        (["--source", "k8saudit"], "there is no source 'k8saudit'"),
    ],
)
def test_what_can_not_be_used_ends_the_run_with_a_message(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "rules.txt").write_text(RULES)
    (tmp_path / "bad.yaml").write_text(RULES.replace("ka.verb = create", "ka.verb is create"))
    filled = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    source = [] if "--source" in filled else ["--source", "k8s_audit=-"]
    ended = falcocore("run", *source, *filled, stdin=EVENTS)
    assert (ended.status, ended.out) == (1, "")
    assert said.replace("{tmp}", str(tmp_path)) in ended.err
    assert "Error: " in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "no source is given"),
        (["run", "--sauce", "k8s_audit"], "--sauce"),
        (["walk"], "there is no command 'walk'"),
    ],
)
def test_wrong_usage_has_a_status_of_its_own(arguments: list[str], said: str) -> None:
    ended = falcocore(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_rule_of_a_source_that_does_not_run_is_listed_with_the_reason(tmp_path: Path) -> None:
    both = tmp_path / "both.yaml"
    both.write_text(RULES + SYSCALL_RULE)
    listed = falcocore("list", "rules", "-r", str(both), "--source", "k8s_audit", "--format", "json")
    assert listed.status == 0
    found = {row["rule"]: (row["runs"], row["why not"]) for row in json.loads(listed.out)}
    assert found["Created"] == ("yes", "")
    runs, reason = found["Shell"]
    assert runs == "no"
    assert "syscall" in reason
    ended = falcocore("run", "-r", str(both), "--source", "k8s_audit=-", stdin=EVENTS)
    assert (ended.status, ended.out) == (0, created("a", "c", "d"))
