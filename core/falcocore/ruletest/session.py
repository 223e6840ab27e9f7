"""All test files of a call: found, read, run, and what they cover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from falcocore import rulefiles
from falcocore.app import Tables
from falcocore.errors import ConfigError, FalcocoreError
from falcocore.host import PluginHost
from falcocore.ruletest.coverage import Coverage
from falcocore.ruletest.reading import PlacedCase, ReadFile, read_case_file
from falcocore.ruletest.running import Outcome, RulesUnderTest, run_case, source_of


def find_files(paths: Iterable[str], host: PluginHost) -> list[Path]:
    """The test files that are named, those of packs (`pack:NAME`), and those in directories, at any depth.

    Raises:
        ConfigError: a path is not there, or there is no test file at all.
        PluginError: no such pack.
    """
    paths = list(paths)
    found: list[Path] = []
    for text in paths:
        path = Path(text)
        if text.startswith(rulefiles.PACK):
            found += host.pack(text.removeprefix(rulefiles.PACK)).tests
        elif path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.name.endswith(rulefiles.TEST_SUFFIXES))
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigError(f"{text} does not exist", hint="name a test file, or a directory to search")
    if not found:
        hint = f"the name of a test file ends in {' or '.join(rulefiles.TEST_SUFFIXES)}"
        raise ConfigError(f"there is no test file in {', '.join(paths)}", hint=hint)
    return list(dict.fromkeys(found))


@dataclass(slots=True)
class FileOutcome:
    """What came of a file: an error where it or its rules can't be used, else the outcome of each case."""

    path: Path
    errors: list[str] = field(default_factory=list)
    cases: list[Outcome] = field(default_factory=list)


class Session:
    """Runs test files; rule files that several of them name are loaded once."""

    def __init__(self, host: PluginHost, keywords: Iterable[str] = ()) -> None:
        self._host = host
        self._tables = Tables(host, {})
        self._keywords = [keyword.casefold() for keyword in keywords]
        self._loaded: dict[tuple[Path, ...], RulesUnderTest] = {}
        self.coverage = Coverage()
        self.left_out = 0
        """Cases that no keyword fits."""

    def run(self, path: Path, on_case: Callable[[Outcome], None]) -> FileOutcome:
        """Run the cases of a file; `on_case` is called after each."""
        outcome = FileOutcome(path)
        try:
            self._run(outcome, on_case)
        except FalcocoreError as error:
            outcome.errors.append(str(error))
        return outcome

    def _run(self, outcome: FileOutcome, on_case: Callable[[Outcome], None]) -> None:
        (text,) = rulefiles.read_files([outcome.path])
        file = read_case_file(text)
        if file.diagnostics:
            outcome.errors += (str(diagnostic) for diagnostic in file.diagnostics)
            return
        chosen = [placed for placed in file.cases if self._is_chosen(placed, file)]
        self.left_out += len(file.cases) - len(chosen)
        if not chosen:
            return
        rules = self._rules(file)
        if rules.loaded.errors:
            outcome.errors += (str(error) for error in rules.loaded.errors)
            return
        self.coverage.exemptions += file.content.uncovered
        for source in self._sources(file):
            self.coverage.expect(rules.chosen(source, ()))
        for placed in chosen:
            line, _ = placed.span.position
            case = run_case(placed.case, line, file, rules, self._host, self.coverage.add)
            outcome.cases.append(case)
            on_case(case)

    def _is_chosen(self, placed: PlacedCase, file: ReadFile) -> bool:
        name = f"{file.path}::{placed.case.name}".casefold()
        return not self._keywords or any(keyword in name for keyword in self._keywords)

    def _sources(self, file: ReadFile) -> Iterator[str]:
        yield from dict.fromkeys(source_of(placed.case, file) for placed in file.cases)

    def _rules(self, file: ReadFile) -> RulesUnderTest:
        for source in self._sources(file):
            self._host.source(source)
        if file.content.rules:
            names = (
                name if name.startswith(rulefiles.PACK) else str(file.path.parent / name)
                for name in file.content.rules
            )
            paths = rulefiles.named_files(names, self._host)
        else:
            paths = rulefiles.default_files(self._sources(file), self._host)
        if not paths:
            raise ConfigError("there is no rule pack for the sources of its cases", hint="add `rules:`")
        key = tuple(path.resolve() for path in paths)
        if key not in self._loaded:
            self._loaded[key] = RulesUnderTest(paths, self._host, self._tables)
        return self._loaded[key]
