"""Each example as its reader uses it: installed with pip, and run with the `falcocore` command."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from falcocore.testing import Receiver, receiver
from tests.support.falcocore_process import Ended
from tests.support.webhook_harness import SAFETY_S

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NAMES = ("fields", "output", "source", "stateful_source")
AUDIT_EVENT = ROOT / "tests" / "data" / "k8s_audit" / "falco_docs_event.json"
Install = Callable[[str], "Installed"]


class Installed:
    """A virtual environment with one example in it, and a folder for its files."""

    def __init__(self, folder: Path, example: str) -> None:
        self.folder = folder
        self.example = EXAMPLES / example

    def run(self, command: str, *arguments: str) -> Ended:
        """Run a command of the environment in the folder."""
        done = subprocess.run(
            [self.folder / "venv" / "bin" / command, *arguments],
            cwd=self.folder,
            env={**os.environ, "TZ": "UTC", "PYTHONWARNINGS": "error"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SAFETY_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder."""
        (self.folder / name).write_text(text, "utf-8")

    def run_own_tests(self, module: str) -> None:
        """Run the tests that come with the example; they need no test framework."""
        code = f"import {module} as m; print(*[f() or n for n, f in vars(m).items() if n[:5] == 'test_'])"
        tests = self.example / "tests" / f"{module}.py"
        self.write(tests.name, tests.read_text("utf-8"))
        done = self.run("python", "-c", code)
        names = re.findall(r"^def (test_\w+)", tests.read_text("utf-8"), re.MULTILINE)
        assert (done.status, done.out.split()) == (0, names), done.err

    def readme_yaml(self) -> str:
        """The YAML that the example's README shows."""
        (text,) = re.findall(r"```yaml\n(.*?)```", (self.example / "README.md").read_text("utf-8"), re.DOTALL)
        return str(text)


@pytest.fixture
def install(tmp_path: Path, wheels: Path) -> Install:
    """Installs an example with pip into a new virtual environment."""

    def installed(example: str) -> Installed:
        venv = tmp_path / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "install", "--quiet"]
        found = ["--no-index", "--find-links", str(wheels), "--no-compile"]
        subprocess.run([*pip, *found, "falcocore", str(EXAMPLES / example)], check=True)
        return Installed(tmp_path, example)

    return installed


def modules(example: str) -> list[Path]:
    """What is installed of the example, without its tests."""
    return [path for path in (EXAMPLES / example).rglob("*.py") if path.parent.name != "tests"]


def messages(ended: Ended) -> list[str]:
    """Priority and message of each alert on stdout, without the time."""
    assert ended.status == 0, ended.err
    return [line.partition(": ")[2] for line in ended.alerts]


def test_every_example_is_tested_here() -> None:
    assert tuple(sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())) == NAMES


@pytest.mark.parametrize("example", NAMES)
def test_example_is_one_module_of_less_than_30_lines(example: str) -> None:
    (module,) = modules(example)
    assert len([line for line in module.read_text("utf-8").splitlines() if line.strip()]) < 30


@pytest.mark.parametrize("example", NAMES)
def test_example_imports_the_api_and_nothing_else_of_falcocore(example: str) -> None:
    (module,) = modules(example)
    imported: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= names if node.module == "falcocore" else {str(node.module)}
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    assert {name for name in imported if name.startswith("falcocore")} == {"falcocore.api"}


def test_source_reads_events_that_rules_match(install: Install) -> None:
    installed = install("source")
    installed.write("logins.yaml", installed.readme_yaml())
    attempts = [("eve", False), ("bob", True), ("eve", False)]
    lines = [
        json.dumps({"time_ns": 1_700_000_000_000_000_000, "key": str(n), "user": user, "success": success})
        for n, (user, success) in enumerate(attempts)
    ]
    installed.write("logins.jsonl", "\n".join(lines))
    ended = installed.run("falcocore", "run", "--source", "logins=logins.jsonl", "-r", "logins.yaml")
    assert messages(ended) == ["Warning Login failed (user=eve)"] * 2
    assert "3 events" in ended.err
    assert ended.alerts[0].startswith("22:13:20.000000000: ")
    installed.run_own_tests("test_logins")


def test_stateful_source_shows_rules_the_state_at_each_event(install: Install) -> None:
    installed = install("stateful_source")
    installed.write("scan.yaml", installed.readme_yaml())
    answers = [("a", 404), ("b", 404), ("a", 500), ("b", 200), ("b", 403), ("a", 401), ("a", 401), ("b", 404)]
    lines = [
        f'{client} - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" {status} 1' for client, status in answers
    ]
    installed.write("access.log", "\n".join(lines))
    ended = installed.run("falcocore", "run", "--source", "access_log=access.log", "-r", "scan.yaml")
    assert messages(ended) == ["Notice Three errors in a row (client=a)"]
    assert "8 events" in ended.err
    installed.run_own_tests("test_access_log")


def audit_line(user: str, resource: str = "pods", subresource: str = "exec") -> str:
    """The event of Falco's documentation, about something else."""
    (event,) = json.loads(AUDIT_EVENT.read_text("utf-8"))["items"]
    what = {"resource": resource, "subresource": subresource, "name": "web", "namespace": "shop"}
    return json.dumps({**event, "user": {"username": user}, "objectRef": {**what, "apiVersion": "v1"}})


def test_field_set_adds_to_a_source_with_its_rule_pack_and_command(install: Install) -> None:
    installed = install("fields")
    users = ["system:node:worker-1", "alice", "system:serviceaccount:shop:web"]
    lines = [*map(audit_line, users), audit_line("alice", "secrets", "")]
    installed.write("audit.log", "\n".join(lines))
    ended = installed.run("falcocore", "run", "--source", "k8s_audit=audit.log", "-r", "pack:who")
    assert messages(ended) == ["Notice A person ran a command in a pod (user=alice pod=web ns=shop)"]
    kinds = [installed.run("falcocore", "who", user).out for user in users]
    assert kinds == ["node\n", "person\n", "serviceaccount\n"]
    installed.run_own_tests("test_who")


def test_output_sends_alerts(install: Install) -> None:
    """What its receiver does not take now is kept, though the output has not a line for that."""
    installed = install("output")

    def run(user: str, chat: Receiver) -> Ended:
        config = installed.readme_yaml().replace("https://chat.example.com/hooks/abc", chat.url)
        assert chat.url in config
        installed.write("audit.log", audit_line(user, "configmaps", ""))
        installed.write("falcocore.yaml", f"{config}outbox: {{path: state}}\n")
        return installed.run("falcocore", "run", "-c", "falcocore.yaml", "--source", "k8s_audit=audit.log")

    with receiver(*[503] * 9) as busy:  # It is tried again, once more at the end.
        ended = run("alice", busy)
    assert (ended.status, ended.out) == (0, "")
    assert "output chat: 1 alerts wait in the outbox for the next start" in ended.err
    with receiver(None, 200) as back:
        assert run("bob", back).status == 0
        assert run("carol", back).status == 0
    taken = [line for body in back.bodies for line in json.loads(body)["text"].splitlines()]
    users = [line.partition("user=")[2].split()[0] for line in taken]
    assert list(dict.fromkeys(users)) == ["alice", "bob", "carol"]
    with receiver(404) as never:
        ended = run("dave", never)
    assert "output chat refuses an alert of rule" in ended.err
    assert "wait in the outbox" not in ended.err
    installed.run_own_tests("test_chat")
