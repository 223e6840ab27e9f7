"""Which rule files are read: those of `-r`, of `rules_files`, or the packs of the running sources."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from falcocore.errors import ConfigError
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile

SUFFIXES = frozenset({".yaml", ".yml"})
TEST_SUFFIXES = (".test.yaml", ".test.yml")
"""How the names of files with tests of rules end; they may stand beside the rules."""
PACK = "pack:"
_SUFFIX_HINT = "the name of a rule file ends in .yaml or .yml"


def named_files(names: Iterable[str], host: PluginHost) -> list[Path]:
    """The files that `-r` names: a file, a directory, or `pack:NAME`.

    Raises:
        ConfigError: one is missing or has another suffix than .yaml or .yml, or there is no file in any.
        PluginError: no such pack.
    """
    names = list(names)
    found = [file for name in names for file in _files_of(name, host)]
    if names and not found:
        raise ConfigError(f"there is no rule file in {', '.join(names)}", hint=_SUFFIX_HINT)
    return found


def _files_of(name: str, host: PluginHost) -> list[Path]:
    if name.startswith(PACK):
        return list(host.pack(name.removeprefix(PACK)).files)
    path = Path(name)
    if not os.path.exists(name):  # Path raises for a name that is too long, and takes "" as "."
        raise ConfigError(
            f"rule file {name} does not exist", hint="check the path, or name a pack with pack:NAME"
        )
    if path.is_dir():
        return _in_directory(path)
    if path.suffix in SUFFIXES:
        return [path]
    raise ConfigError(f"{name} is not named like a rule file", hint=_SUFFIX_HINT)


def configured_files(names: Sequence[str], host: PluginHost, warn: Callable[[str], None]) -> list[Path]:
    """The files of `rules_files`; a missing entry is a warning.

    Raises:
        ConfigError: none of them is there.
    """
    found: list[Path] = []
    for name in names:
        if not name.startswith(PACK) and not os.path.exists(name):
            warn(f"rules_files: {name} does not exist and is left out")
        elif Path(name).is_file() and Path(name).suffix not in SUFFIXES:
            warn(f"rules_files: {name} does not end in .yaml or .yml and is left out")
        else:
            found += _files_of(name, host)
    if not found:
        hint = "name rule files with -r or rules_files, or leave both out to load the bundled packs"
        raise ConfigError(f"rules_files names no rule file: {', '.join(names) or 'it is empty'}", hint=hint)
    return found


def _in_directory(path: Path) -> list[Path]:
    try:
        return sorted(file for file in path.iterdir() if file.is_file() and _is_rule_file(file))
    except OSError as error:
        raise ConfigError(f"directory {path} can't be read: {error.strerror}") from None


def _is_rule_file(file: Path) -> bool:
    return file.suffix in SUFFIXES and not file.name.endswith(TEST_SUFFIXES)


def default_files(sources: Iterable[str], host: PluginHost) -> list[Path]:
    """The packs that are named like the running sources."""
    installed = host.names("rules")
    return [
        file for source in dict.fromkeys(sources) if source in installed for file in host.pack(source).files
    ]


def read_files(paths: Iterable[Path]) -> list[SourceFile]:
    """Rule files as texts, each once.

    Raises:
        ConfigError: one can't be read.
    """
    files = []
    for path in dict.fromkeys(paths):
        try:
            files.append(SourceFile(str(path), path.read_text(encoding="utf-8-sig")))
        except OSError as error:
            raise ConfigError(f"rule file {path} can't be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"rule file {path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
            ) from None
    return files
