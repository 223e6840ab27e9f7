"""The whole configuration: the main file, what it includes, and `-o`, in the order that decides."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from falcocore.config.keys import complaints
from falcocore.config.overrides import apply_override, top_key
from falcocore.config.tree import Warn, read_tree
from falcocore.errors import ConfigError

DEFAULT_FILE = Path("/etc/falcocore/falcocore.yaml")
"""The machine's configuration; a user's own comes before it."""


def user_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The place of a user's own configuration; None where the environment names no home."""
    for variable, below in (("XDG_CONFIG_HOME", ""), ("HOME", ".config")):
        base = environment.get(variable, "")
        if os.path.isabs(base):  # a relative path there is to be ignored, says the XDG specification
            return Path(base, below, "falcocore", "falcocore.yaml")
    return None


def default_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration that is read where none is named: the user's, else the machine's, else none."""
    own = user_file(environment)
    # Path.exists raises where a folder on the way must not be looked into.
    return next((path for path in (own, DEFAULT_FILE) if path and os.path.exists(path)), None)


def load_config(
    path: Path | None, overrides: Sequence[str], warn: Warn, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The merged configuration. Without `path`, that of `default_file` is read.

    Raises:
        ConfigError: a file that can't be read, or an override that can't be applied.
    """
    if path is not None and not os.path.exists(path):  # Path.exists raises for a name that is too long
        raise ConfigError(f"configuration {path} does not exist", hint="check the path given with -c")
    main = path if path is not None else default_file(environment)
    config = read_tree(main, warn, environment) if main else {}
    includes = [text for text in overrides if top_key(text) == "config_files"]
    for text in includes:
        apply_override(config, text)
    entries = config.get("config_files") or []
    for entry in entries if isinstance(entries, list) else [entries]:
        _include(config, entry, main, warn, environment)
    for text in overrides:
        if text not in includes:
            for complaint in complaints(apply_override(config, text)):
                warn(f"-o {text}: {complaint}")
    return config


def _include(
    config: dict[str, Any], entry: Any, main: Path | None, warn: Warn, environment: Mapping[str, str]
) -> None:
    path, strategy = entry, "append"
    if isinstance(entry, dict):
        path, strategy = entry.get("path"), entry.get("strategy") or "append"
    if not isinstance(path, str):
        raise ConfigError("an entry of config_files is a path, or {path: ..., strategy: ...}")
    if strategy not in {"append", "override", "add-only"}:
        raise ConfigError(
            f"config_files: `{strategy}` is no strategy", hint="there are append, override and add-only"
        )
    place = Path(path)
    if not os.path.exists(path):  # Path takes "" as "."
        return  # Falco skips what is not there: distributions list a directory that may be missing
    try:
        files = sorted(f for f in place.iterdir() if f.is_file()) if place.is_dir() else [place]
    except OSError as error:
        raise ConfigError(f"config_files: {place} can't be read: {error.strerror}") from None
    for file in files:
        if main is not None and file.resolve() == main.resolve():
            raise ConfigError(f"config_files: {file} includes itself")
        tree = read_tree(file, warn, environment)
        if "config_files" in tree:
            raise ConfigError(f"{file}: an included file can't include others (config_files)")
        _merge(config, tree, strategy)


def _merge(config: dict[str, Any], tree: Mapping[str, Any], strategy: str) -> None:
    """Lists are put together under `append`; every other top-level key is replaced whole."""
    for key, value in tree.items():
        known = config.get(key)
        if strategy == "append" and isinstance(known, list) and isinstance(value, list):
            config[key] = [*known, *value]
        elif strategy != "add-only" or key not in config:
            config[key] = value
