"""One condition by itself, over events of a source."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from falcocore.api import ConfigError
from falcocore.condition import condition_function
from tests.support.plugin_site import Site, open_site

FIELDS = """
def get(event):
    return event.size

@hookimpl
def register_fields(registry):
    registry.add("box", [Field("box.size", FieldType.UINT64, "How large.", get)])
"""


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as site:
        site.install("box", {"fields.box": "box_plugin"}, box_plugin=FIELDS)
        yield site


def chosen(condition: str, *sizes: int | None) -> list[int | None]:
    choose = condition_function(condition, "box", "--filter")
    events = [
        SimpleNamespace(time_ns=5) if size is None else SimpleNamespace(time_ns=5, size=size)
        for size in sizes
    ]
    return [size for size, event in zip(sizes, events, strict=True) if choose(event)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("box.size > 3", [4, 5]),
        ("box.size in (3, 5) and not box.size = 3", [5]),
        ("not box.size exists", [None]),
        ("evt.num < 3", [3, None]),
    ],
)
def test_chosen_events(condition: str, expected: list[int | None]) -> None:
    """A getter that raises leaves its field absent."""
    assert chosen(condition, 3, None, 4, 5) == expected


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("box.size >", "--filter:1:11: error: expected "),
        ("box.sise > 3", "did you mean `box.size`?"),
        ("some_macro", "some_macro"),
    ],
)
def test_what_is_no_condition(condition: str, said: str) -> None:
    with pytest.raises(ConfigError, match="--filter: the condition can't be used") as caught:
        chosen(condition)
    assert said in str(caught.value)
