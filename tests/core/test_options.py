"""Options are the keyword arguments of a class: declared, converted and refused by its annotations."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Optional

import pytest

from falcocore.errors import ConfigError
from falcocore.options import REQUIRED, Option, build, needs_target, options_of
from falcocore.types import Priority


class Everything:
    """A class with an option of every type."""

    def __init__(
        self,
        target: str | None = None,
        *,
        number: int = 1,
        ratio: float = 0.5,
        flag: bool = False,
        text: str = "",
        maybe: int | None = None,
        maybe_flag: Optional[bool] = None,  # noqa: UP045 - both spellings have to work
        names: list[str] | None = None,
        ports: tuple[int, ...] = (),
        labels: dict[str, str] | None = None,
        limits: dict[str, int] | None = None,
        mode: Literal["fast", "safe"] = "safe",
        **_rest: Any,
    ) -> None:
        self.target = target
        self.given: dict[str, Any] = {
            "number": number,
            "ratio": ratio,
            "flag": flag,
            "text": text,
            "maybe": maybe,
            "maybe_flag": maybe_flag,
            "names": names,
            "ports": ports,
            "labels": labels,
            "limits": limits,
            "mode": mode,
        }


class Strict:
    """A class with one required option, and one that is documented."""

    def __init__(
        self,
        *,
        address: Annotated[str, "where it listens, HOST:PORT"],
        workers: Annotated[int, "threads"] = 2,
    ) -> None:
        self.address = address
        self.workers = workers


class Heir(Strict):
    """Has what the class above has."""


class Bare:
    """Has no options."""


@pytest.mark.parametrize(
    ("option", "given", "value"),
    [
        ("number", "5", 5),
        ("number", "-5", -5),
        ("number", 12582912, 12582912),
        ("ratio", "1.5", 1.5),
        ("ratio", "2", 2.0),
        ("flag", "true", True),
        ("flag", "Yes", True),
        ("flag", "ON", True),
        ("flag", "off", False),
        ("flag", "no", False),
        ("flag", True, True),
        ("text", "5", "5"),
        ("text", "true", "true"),
        ("text", "", ""),
        ("maybe", "7", 7),
        ("maybe", "null", None),
        ("maybe", None, None),
        ("maybe_flag", "yes", True),
        ("maybe_flag", "false", False),
        ("maybe_flag", None, None),
        ("names", ["a", "2"], ["a", "2"]),
        ("names", [], []),
        ("ports", ["80", "443"], (80, 443)),
        ("labels", {"a": "1"}, {"a": "1"}),
        ("limits", {"a": "1"}, {"a": 1}),
        ("mode", "fast", "fast"),
    ],
)
def test_a_text_of_the_configuration_becomes_what_the_annotation_asks_for(
    option: str, given: object, value: object
) -> None:
    built = build(Everything, {option: given}, "source s", target="t")
    assert built.target == "t"
    assert built.given[option] == value
    assert type(built.given[option]) is type(value)


@pytest.mark.parametrize(
    ("option", "given", "expected"),
    [
        ("number", "many", "`int`"),
        ("number", "0x10", "`int`"),
        ("number", "1.5", "`int`"),
        ("number", "", "`int`"),
        ("number", True, "`int`"),
        ("number", ["1"], "`int`"),
        ("ratio", "half", "`float`"),
        ("flag", "maybe", "`bool`"),
        ("flag", "yEs", "`bool`"),
        ("flag", "2", "`bool`"),
        ("flag", None, "`bool`"),
        ("text", ["a"], "`str`"),
        ("maybe", "x", "`int | null`"),
        ("maybe_flag", "perhaps", "`bool | null`"),
        ("names", "a", "`array | null`"),
        ("ports", ["80", "http"], "`$[1]`"),
        ("labels", ["a"], "`object | null`"),
        ("limits", {"a": "b"}, "`int`"),
        ("mode", "slow", "'slow'"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_place_type_and_value(
    option: str, given: object, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Everything, {option: given}, "source audit-east")
    assert caught.value.message.startswith(f"source audit-east: option `{option}`: ")
    assert expected in caught.value.message
    assert caught.value.hint == f"given is `{given}`"


@pytest.mark.parametrize(
    ("cls", "options", "message", "hint"),
    [
        (Strict, {"adress": "a"}, "output o has no option `adress`", "did you mean `address`?"),
        (Strict, {"zzz": "a"}, "output o has no option `zzz`", "options are address, workers"),
        (Bare, {"zzz": "a"}, "output o has no option `zzz`", "it has no options"),
        (Strict, {"workers": "3"}, "output o needs the option `address`", "where it listens, HOST:PORT"),
    ],
)
def test_wrong_and_missing_names_are_refused_with_a_remedy(
    cls: type, options: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        build(cls, options, "output o")
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_options_that_are_left_out_keep_their_defaults() -> None:
    built = build(Strict, {"address": "::1"}, "output o")
    assert (built.address, built.workers) == ("::1", 2)
    assert build(Everything, {}, "source s", target=None).given["mode"] == "safe"


@pytest.mark.parametrize("cls", [Strict, Heir])
def test_a_class_declares_its_options_by_the_arguments_of_its_constructor(cls: type) -> None:
    assert options_of(cls) == {
        "address": Option("address", str, REQUIRED, "where it listens, HOST:PORT"),
        "workers": Option("workers", int, 2, "threads"),
    }


@pytest.mark.parametrize("name", ["target", "self", "_rest"])
def test_other_parameters_are_no_options(name: str) -> None:
    assert name not in options_of(Everything)
    with pytest.raises(ConfigError, match=f"source s has no option `{name}`"):
        build(Everything, {name: "x"}, "source s")


def test_a_class_without_a_constructor_has_no_options() -> None:
    assert options_of(Bare) == {}


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (int, "int"),
        (list[str], "list[str]"),
        (dict[str, int], "dict[str, int]"),
        (int | None, "int | None"),
        (Optional[str], "Optional[str]"),  # noqa: UP045
        (Literal["a", "b.c"], "Literal['a', 'b.c']"),
        (Priority | None, "Priority | None"),
        (list[Priority], "list[Priority]"),
        (Any, "Any"),
    ],
)
def test_types_are_listed_as_an_author_writes_them(annotation: Any, name: str) -> None:
    assert Option("o", annotation, REQUIRED, "").type_name == name


def test_a_class_without_a_parameter_for_the_target_is_built_where_none_is_given() -> None:
    assert isinstance(build(Bare, {}, "source s", target=None), Bare)
    with pytest.raises(ConfigError) as caught:
        build(Bare, {}, "source s", target="a.log")
    assert (caught.value.message, caught.value.hint) == ("source s takes no target", "leave out `a.log`")


class Aimed:
    def __init__(self, target: Annotated[str, "a file of lines"]) -> None:
        self.target = target


def test_target_that_is_needed_and_not_given_is_asked_for() -> None:
    with pytest.raises(ConfigError) as caught:
        build(Aimed, {}, "source aimed", target=None)
    assert caught.value.message == "source aimed needs a target"
    assert caught.value.hint == "write it behind a =, as in NAME=TARGET: a file of lines"


@pytest.mark.parametrize(("cls", "is_needed"), [(Aimed, True), (Bare, False), (Everything, False)])
def test_whether_a_target_is_needed(cls: type, is_needed: bool) -> None:
    assert needs_target(cls) is is_needed
