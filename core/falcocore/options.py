"""Options of sources and outputs: the keyword arguments of their classes, and nothing declared twice."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from falcocore.errors import ConfigError, nearest
from falcocore.yamltree.nodes import boolean

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `default` is `REQUIRED` where there is none."""

    name: str
    type: Any
    default: Any
    doc: str

    @property
    def type_name(self) -> str:
        """The type as a listing shows it."""
        if isinstance(self.type, type):
            return self.type.__name__
        return _MODULE.sub("", str(self.type))

    @property
    def plain_default(self) -> Any:
        """The default as JSON and YAML can have it."""
        try:
            return msgspec.to_builtins(self.default)
        except TypeError:
            return str(self.default)


REQUIRED: Any = inspect.Parameter.empty
_MODULE = re.compile(r"(?<![\w.'\"])(?:\w+\.)+(?=\w)")
"""The way to a class in the text of a type."""
_NOT_OPTIONS = frozenset({"self", "target"})


def options_of(cls: type) -> dict[str, Option]:
    """The options of a source or output class, by name. `target` is no option: it has its own place."""
    init: Any = inspect.getattr_static(cls, "__init__")
    if init is object.__init__:
        return {}
    hints = _hints(init)
    found = {}
    for parameter in inspect.signature(init).parameters.values():
        if parameter.name in _NOT_OPTIONS or parameter.kind not in (
            parameter.KEYWORD_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            continue
        kind, doc = _with_doc(hints.get(parameter.name, Any))
        found[parameter.name] = Option(parameter.name, kind, parameter.default, doc)
    return found


def _hints(init: Any) -> dict[str, Any]:
    return typing.get_type_hints(init, include_extras=True)


def _with_doc(hint: Any) -> tuple[Any, str]:
    """A type, and the text that it is annotated with."""
    if typing.get_origin(hint) is not typing.Annotated:
        return hint, ""
    kind, *extra = typing.get_args(hint)
    return kind, next((text for text in extra if isinstance(text, str)), "")


def needs_target(cls: type) -> bool:
    """True for a class that can't be built without a target."""
    parameter = inspect.signature(cls).parameters.get("target")
    return parameter is not None and parameter.default is REQUIRED


def build(cls: type[T], options: Mapping[str, Any], where: str, **fixed: Any) -> T:
    """An instance with options as the configuration has them: texts become what the annotation asks for.

    `where` names the place for messages, such as `source k8s_audit`; `fixed` are arguments that are given
    as they are. A class without a parameter for one of them can be built where it is None.

    Raises:
        ConfigError: an unknown option, a missing one, or one of the wrong type; a fixed argument for which
            the class has no parameter.
    """
    declared = options_of(cls)
    for name in options:
        if name not in declared:
            near = nearest(name, declared)
            known = f"options are {', '.join(declared)}" if declared else "it has no options"
            raise ConfigError(
                f"{where} has no option `{name}`", hint=f"did you mean `{near}`?" if near else known
            )
    for name, option in declared.items():
        if option.default is REQUIRED and name not in options:
            raise ConfigError(f"{where} needs the option `{name}`", hint=option.doc or None)
    values = {name: _converted(declared[name], value, where) for name, value in options.items()}
    return cls(**_taken(cls, fixed, where), **values)


def _taken(cls: type, fixed: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fixed arguments that the class takes."""
    parameters = inspect.signature(cls).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    strange = {} if takes_any else {name: value for name, value in fixed.items() if name not in parameters}
    for name, value in strange.items():
        if value is not None:
            raise ConfigError(f"{where} takes no {name}", hint=f"leave out `{value}`")
    for name, value in fixed.items():
        if value is None and name in parameters and parameters[name].default is REQUIRED:
            _, doc = _with_doc(_hints(inspect.getattr_static(cls, "__init__")).get(name))
            hint = f"write it behind a =, as in NAME={name.upper()}"
            raise ConfigError(f"{where} needs a {name}", hint=f"{hint}: {doc}" if doc else hint)
    return {name: value for name, value in fixed.items() if name not in strange}


def _converted(option: Option, value: Any, where: str) -> Any:
    if option.type in (bool, bool | None) and isinstance(value, str) and (word := boolean(value)) is not None:
        return word
    try:
        return msgspec.convert(value, option.type, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: option `{option.name}`: {error}", hint=f"given is `{value}`") from None
