"""Sources that remember something beyond the end of the process: the directory that they get for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from falcocore.app import Application, Request, assemble, open_project
from falcocore.config import loader
from falcocore.errors import ConfigError
from falcocore.state import StateDirectory
from tests.support.plugin_site import open_site

_MODULE = '''
class Counting(Source):
    """Counts its own starts where its target is not `plain`."""

    name = "counting"

    def __init__(self, target):
        self.keeps_state = target != "plain"

    def open(self):
        if self.state is not None:
            with open(self.state / "starts", "a") as file:
                file.write("start ")

    def batches(self):
        yield Batch([])


@hookimpl
def register_sources(registry):
    registry.add(Counting)


@hookimpl
def register_fields(registry):
    registry.add("counting", [Field("counting.word", FieldType.STRING, "The word.", lambda event: None)])
'''


@pytest.fixture(autouse=True)
def _site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.setattr(loader, "DEFAULT_FILE", folder / "none")
    with open_site(folder) as site:
        points = {"source.counting": "counting_module", "fields.counting": "counting_module"}
        site.install("falcocore-counting", points, "1.0", counting_module=_MODULE)
        yield


def application(state: Path, targets: Sequence[str], *, outbox: bool = False) -> Application:
    overrides = (f"outbox.path={state}", f"outbox.enabled={str(outbox).lower()}")
    sources = tuple(f"counting={target}" for target in targets)
    project = open_project(Request(None, overrides, sources), lambda _note: None)
    return assemble(project, project.load_rules())


def run(state: Path, *targets: str, outbox: bool = False) -> None:
    engine = application(state, targets, outbox=outbox).engine
    engine.open()
    assert asyncio.run(engine.run()) == 0


@pytest.mark.parametrize("outbox", [True, False], ids=["outbox", "straight"])
def test_each_instance_finds_again_what_it_left(tmp_path: Path, outbox: bool) -> None:
    state = tmp_path / "state"
    run(state, "a", "b", outbox=outbox)
    run(state, "a", outbox=outbox)
    found = {path.parent.name: path.read_text() for path in state.glob("sources/*/starts")}
    assert found == {"counting": "start start ", "counting-2": "start "}
    assert (state / "sources" / "counting").stat().st_mode & 0o777 == 0o700


def test_nothing_is_kept_where_no_source_asks_for_it(tmp_path: Path) -> None:
    run(tmp_path / "state", "plain")
    assert list((tmp_path / "state").iterdir()) == []


def test_one_process_at_a_time_uses_it(tmp_path: Path) -> None:
    first = application(tmp_path, ["a"]).engine
    first.open()
    with pytest.raises(ConfigError, match=f"is used by another process, {os.getpid()}"):
        application(tmp_path, ["a"]).engine.open()
    assert asyncio.run(first.run()) == 0
    run(tmp_path, "a")


def test_it_is_given_up_where_the_start_fails(tmp_path: Path) -> None:
    (tmp_path / "sources").write_text("in the way")
    with pytest.raises(ConfigError, match="sources/counting can't be used: Not a directory"):
        application(tmp_path, ["a"]).engine.open()
    (tmp_path / "sources").unlink()
    run(tmp_path, "a")


@pytest.mark.parametrize("instance", [".", "..", "a/b", "../../etc", "ä b", "a.b"])
def test_any_name_of_an_instance_is_a_directory_below(tmp_path: Path, instance: str) -> None:
    path = StateDirectory(tmp_path).of_source(instance)
    assert path.resolve().parent == tmp_path / "sources"
