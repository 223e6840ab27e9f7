"""What errors say, how they are sorted by remedy, and which name counts as near."""

from __future__ import annotations

import pytest

from falcocore.errors import (
    ConfigError,
    FalcocoreError,
    OutputError,
    OutputGone,
    PermanentRefusal,
    PluginError,
    SourceError,
    nearest,
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FalcocoreError("it broke"), "it broke"),
        (FalcocoreError("it broke", hint="mend it"), "it broke\n  mend it"),
        (FalcocoreError("it broke", hint=""), "it broke"),
        (ConfigError("port is 0", hint="give 1 to 65535"), "port is 0\n  give 1 to 65535"),
    ],
)
def test_the_hint_stands_on_a_line_of_its_own(error: FalcocoreError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (ConfigError, (FalcocoreError,)),
        (PluginError, (FalcocoreError,)),
        (SourceError, (FalcocoreError,)),
        (OutputError, (FalcocoreError,)),
        (PermanentRefusal, (OutputError, FalcocoreError)),
        (OutputGone, (OutputError, FalcocoreError)),
    ],
)
def test_errors_can_be_caught_by_their_remedy(
    cls: type[FalcocoreError], bases: tuple[type[FalcocoreError], ...]
) -> None:
    others = {ConfigError, PluginError, SourceError, OutputError, PermanentRefusal, OutputGone} - {
        cls,
        *bases,
    }
    for base in bases:
        with pytest.raises(base) as caught:
            raise cls("what", hint="remedy")
        assert (caught.value.message, caught.value.hint) == ("what", "remedy")
    assert not any(issubclass(cls, other) for other in others)


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("k8s_audti", ["syscall", "k8s_audit"], "k8s_audit"),
        ("stdou", ["file", "stdout"], "stdout"),
        ("file", ["files", "file"], "file"),
        ("zzz", ["file", "stdout"], None),
        ("syslog", ["file", "stdout"], None),
        ("file", [], None),
        ("", ["file"], None),
    ],
)
def test_the_nearest_name(name: str, known: list[str], found: str | None) -> None:
    assert nearest(name, known) == found
    assert nearest(name, iter(known)) == found


@pytest.mark.parametrize(("cutoff", "found"), [(0.6, "output"), (0.9, None)])
def test_a_stricter_cutoff_finds_less(cutoff: float, found: str | None) -> None:
    assert nearest("outpost", ["output"], cutoff=cutoff) == found
