"""What editors show of rule and test files, with the schemas that falcocore prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import falcocore
from tests.support.language_server import LanguageServer, needs_language_server

pytestmark = needs_language_server
ROOT = Path(__file__).parents[2]
PACKS = sorted((ROOT / "rules").rglob("*.yaml"))


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    with LanguageServer() as server:
        yield server


def document(kind: str, text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """A file and its text, which names the schema on its first line as the documentation says."""
    assert falcocore("schema", kind) == 0
    (folder / "it.schema.json").write_text(capsys.readouterr().out)
    return folder / "it.yaml", f"# yaml-language-server: $schema={folder}/it.schema.json\n{text}"


@pytest.mark.parametrize("path", PACKS, ids=[path.name for path in PACKS])
def test_the_bundled_files_have_nothing_wrong(
    path: Path, server: LanguageServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = "tests" if path.name.endswith(".test.yaml") else "rules"
    assert server.diagnostics(*document(kind, path.read_text("utf-8"), tmp_path, capsys)) == []


RULE = "- rule: A\n  desc: d\n  condition: evt.num > 1\n  output: o\n"
CASE = "source: k8s_audit\ncases:\n  - name: a\n    events: [{event: {verb: get}}]\n"


@pytest.mark.parametrize(
    ("kind", "text", "wrong"),
    [
        ("rules", RULE + "  priority: warning\n", []),
        ("rules", RULE + "  priority: loud\n", [6]),
        ("rules", RULE + "  priority: INFO\n  tag: [x]\n", [7]),
        ("rules", "- macro: m\n", [2]),
        ("rules", "- macro: m\n  condition: evt.num > 1\n  override: {condition: append}\n", []),
        ("rules", "- list: l\n  items: [a, 1, true]\n  override: {items: added}\n", [4]),
        ("rules", "rules: []\n", [2]),
        ("tests", CASE + "    expect: none\n", []),
        ("tests", CASE + "    expect: [A, {rule: B, count: 2, fields: {ka.verb: get}}]\n", []),
        ("tests", CASE + "    expect: [A, {rule: B, count: two}]\n", [6]),
        ("tests", CASE, [4]),
        ("tests", CASE + "    expect: none\n    evnts: []\n", [7]),
    ],
)
def test_mistakes_are_marked(
    kind: str,
    text: str,
    wrong: list[int],
    server: LanguageServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = server.diagnostics(*document(kind, text, tmp_path, capsys))
    assert sorted({int(said.partition(":")[0]) for said in found}) == wrong, found


def test_keys_and_words_are_offered(
    server: LanguageServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, text = document("rules", RULE + "  priority: \n  \n", tmp_path, capsys)
    server.diagnostics(path, text)
    assert {"WARNING", "INFO"} <= set(server.completions(path, 5, 12))
    assert {"tags", "exceptions", "source"} <= set(server.completions(path, 6, 2))
