"""`falcocore init`: a commented configuration and the bundled rule files, for editing."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from falcocore.config import loader
from falcocore.config.stock import stock_config
from falcocore.errors import ConfigError, PluginError
from falcocore.host import PluginHost
from falcocore.options import REQUIRED, needs_target, options_of
from falcocore.source import Source


def run(options: argparse.Namespace) -> int:
    """Write what is not there yet, and say what comes next."""
    folder = Path(options.folder).absolute() if options.folder is not None else _default_folder()
    config = folder / "falcocore.yaml"
    # All of it is made before any of it is written: a broken plugin leaves nothing half done.
    texts = _texts(folder)
    written = [path for path, text in texts.items() if _write(path, text)]
    for path in texts:
        print(f"wrote {path}" if path in written else f"kept  {path}: it is there already")  # noqa: T201
    if config not in written:
        for path in written:
            print(f"  name {path} under `rules_files` in {config} to have it read")  # noqa: T201
    found = loader.default_file()
    here = "" if found is not None and found == config else f" -c {shlex.quote(str(config))}"
    print(  # noqa: T201
        "\nNext:\n"
        f"  edit these files, and check the rules: falcocore list rules{here}\n"
        f"  run: falcocore run{here}"
    )
    return 0


def _default_folder() -> Path:
    if os.geteuid() == 0:
        return loader.DEFAULT_FILE.parent
    own = loader.user_file()
    if own is None:
        raise ConfigError(
            "neither XDG_CONFIG_HOME nor HOME names a folder", hint="name one: falcocore init DIR"
        )
    return own.parent


def _texts(folder: Path) -> dict[Path, bytes]:
    """What is to be written where."""
    host = PluginHost()
    packs, installed = host.names("rules"), host.names("source")
    # The packs that are loaded without being asked for first: others may build on them, with the same files.
    packs.sort(key=lambda pack: pack not in installed)
    rules: dict[Path, bytes] = {}
    places: dict[Path, Path] = {}
    asked_for: set[Path] = set()
    for pack in packs:
        for file in host.pack(pack).files:
            if file in places:
                continue
            path = folder / file.name
            # Two packs may have files of the same name, and one may be called as the configuration is.
            taken = path in rules or file.name == "falcocore.yaml"
            path = places[file] = folder / f"{pack}_{file.name}" if taken else path
            rules[path] = _read(file, pack)
            if pack not in installed:
                asked_for.add(path)
    sources = {name: options_of(host.source(name)) for name in installed}
    outputs = {name: options_of(host.output(name)) for name in host.names("output")}
    running = [name for name in installed if name in packs and _starts(host.source(name))]
    text = stock_config({path: path not in asked_for for path in rules}, running, sources, outputs)
    return {folder / "falcocore.yaml": text.encode("utf-8", "surrogateescape"), **rules}


def _starts(source: type[Source]) -> bool:
    """True for a source that runs without a target or an option, whoever starts it."""
    options = options_of(source).values()
    return (
        not source.needs_rights
        and not needs_target(source)
        and all(option.default is not REQUIRED for option in options)
    )


def _read(file: Path, pack: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        hint = "install its distribution again"
        raise PluginError(f"rule pack {pack}: {file} can't be read: {error.strerror}", hint=hint) from None


def _write(path: Path, text: bytes) -> bool:
    """True where it was written, False where a file is there already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            try:
                file.write(text)
            except OSError:
                path.unlink()  # half a file would be kept the next time
                raise
    except FileExistsError:
        if path.parent.is_dir():
            return False
        raise ConfigError(f"{path.parent} is no folder", hint="name another: falcocore init DIR") from None
    except OSError as error:
        hint = "name a folder that you may write to: falcocore init DIR"
        raise ConfigError(f"{path} can't be written: {error.strerror or error}", hint=hint) from None
    return True
