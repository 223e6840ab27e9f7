"""Which rule files are read: those of `-r`, of `rules_files`, or the packs of the running sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from falcocore.errors import ConfigError
from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile

SUFFIXES = frozenset({".yaml", ".yml"})
PACK = "pack:"


def named_files(names: Iterable[str], host: PluginHost) -> list[Path]:
    """The files that `-r` names: a file, a directory, or `pack:NAME`.

    Raises:
        ConfigError: one is missing or has another suffix than .yaml or .yml.
        PluginError: no such pack.
    """
    found: list[Path] = []
    for name in names:
        if name.startswith(PACK):
            found += host.pack(name.removeprefix(PACK)).files
            continue
        path = Path(name)
        if not path.exists():
            raise ConfigError(
                f"rule file {name} does not exist", hint="check the path, or name a pack with pack:NAME"
            )
        if path.is_dir():
            found += _in_directory(path)
        elif path.suffix in SUFFIXES:
            found.append(path)
        else:
            raise ConfigError(
                f"{name} is not named like a rule file", hint="the name has to end in .yaml or .yml"
            )
    return found


def configured_files(names: Sequence[str], host: PluginHost, warn: Callable[[str], None]) -> list[Path]:
    """The files of `rules_files`; a missing entry is a warning.

    Raises:
        ConfigError: none of them is there.
    """
    found: list[Path] = []
    for name in names:
        if not name.startswith(PACK) and not Path(name).exists():
            warn(f"rules_files: {name} does not exist and is left out")
        elif Path(name).is_file() and Path(name).suffix not in SUFFIXES:
            warn(f"rules_files: {name} does not end in .yaml or .yml and is left out")
        else:
            found += named_files([name], host)
    if not found:
        hint = "name rule files with -r or rules_files, or leave both out to load the bundled packs"
        raise ConfigError("no rule file of rules_files is there", hint=hint)
    return found


def _in_directory(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file() and file.suffix in SUFFIXES)


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
