"""`falcocore new`: a plugin's distribution to start from, with a test that passes."""

from __future__ import annotations

import argparse
import keyword
import re
import shlex
import shutil
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from falcocore.errors import ConfigError
from falcocore.host import PluginHost

DEFAULT_SOURCE = "k8s_audit"
NAME = re.compile(r"[a-z][a-z0-9_]*")

ABOUT = {
    "source": "Events of $name, as a source of falcocore",
    "fields": "Fields of $name, for the source $source of falcocore",
    "output": "Alerts of falcocore, sent to $name",
}
POINTS = {
    "source": '"source.$name" = "falcocore_$name"\n"fields.$name" = "falcocore_$name"',
    "fields": '"fields.$source.$name" = "falcocore_$name"',
    "output": '"output.$name" = "falcocore_$name"',
}
USE = {
    "source": "falcocore run --source $name=FILE -r RULES",
    "fields": "falcocore run --source $source -r RULES",
    "output": "falcocore run --source k8s_audit -o outputs.$name.options.url=URL",
}


def run(options: argparse.Namespace) -> int:
    """Write the distribution, and say what comes next."""
    kind, name = options.kind, options.name
    source = _source(kind, name, options.for_source)
    _check(kind, name, source)
    folder = Path(options.dir) / f"falcocore-{name}"
    texts = _texts(kind, name, source)
    _write(folder, texts)
    for path in texts:
        print(f"wrote {folder / path}")  # noqa: T201
    where = shlex.quote(str(folder))
    print(  # noqa: T201
        "\nNext, in the environment that falcocore is installed in:\n"
        f"  install it: pip install -e {shlex.quote(f'{folder.absolute()}[test]')}\n"
        f"  run its test: python -m pytest {where}\n"
        f"  use it: {_filled(USE[kind], name, source)}\n"
        f"{folder / 'README.md'} says more, and what to change."
    )
    return 0


def _source(kind: str, name: str, wanted: str | None) -> str:
    """The source that fields are for."""
    if kind == "fields":
        return wanted or DEFAULT_SOURCE
    if wanted is not None:
        raise ConfigError(f"--for {wanted} is of no use for a new {kind}", hint="only `new fields` has it")
    return name


def _check(kind: str, name: str, source: str) -> None:
    """Refuse a name with which the plugin would not work."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        hint = "it has small letters, digits and _, begins with a letter, and is no word of Python"
        raise ConfigError(f"{name!r} can't be the name of a plugin", hint=hint)
    host = PluginHost()
    if kind == "fields":
        host.source(source)  # which says what the nearest name is
    entry = f"{source}.{name}" if kind == "fields" else name
    hint = "choose another name"
    if entry in host.names(kind):
        raise ConfigError(f"{kind} {name!r} is installed already", hint=hint)
    if find_spec(f"falcocore_{name}") is not None:
        raise ConfigError(f"there is a module falcocore_{name} already", hint=hint)
    if kind != "output" and name in {field.name.partition(".")[0] for field in host.fields_for(source)}:
        raise ConfigError(f"there are fields {name}.* of source {source} already", hint=hint)


def _texts(kind: str, name: str, source: str) -> dict[str, str]:
    """What is to be written where, below the folder."""
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": f"{kind}/README.md",
        f"falcocore_{name}.py": f"{kind}/module.py",
        f"tests/test_{name}.py": f"{kind}/test.py",
    }
    shelf = files("falcocore") / "templates"
    return {
        path: _filled((shelf / f"{template}.in").read_text("utf-8"), name, source, kind)
        for path, template in templates.items()
    }


def _filled(text: str, name: str, source: str, kind: str | None = None) -> str:
    """A template with the plugin's names in it."""
    title = "".join(part.capitalize() for part in name.split("_"))
    values = {"name": name, "title": title, "source": source}
    if kind is not None:
        values |= {
            key: Template(of[kind]).substitute(values) for key, of in (("about", ABOUT), ("points", POINTS))
        }
    return Template(text).substitute(values)


def _write(folder: Path, texts: dict[str, str]) -> None:
    """All of it, or nothing."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        hint = "choose another name, or another place with --dir"
        raise ConfigError(f"{folder} is there already, and stays as it is", hint=hint) from None
    except OSError as error:
        raise ConfigError(
            f"{folder} can't be made: {error.strerror}", hint="choose another --dir or name"
        ) from None
    try:
        (folder / "tests").mkdir()
        for path, text in texts.items():
            (folder / path).write_text(text, "utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ConfigError(
            f"{folder} can't be written: {error.strerror}", hint="choose another --dir or name"
        ) from None
