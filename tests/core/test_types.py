"""Names, kinds and sizes of field types, and priorities (condition-grammar, output-format section 8)."""

from __future__ import annotations

import pytest

from falcocore.types import LIST_ELEMENT_TYPES, FieldType, Kind, Priority

TYPES = [
    (Kind.STRING, 0, "CHARBUF FSPATH FSRELPATH"),
    (Kind.BUFFER, 0, "BYTEBUF"),
    (Kind.BOOL, 0, "BOOL"),
    (Kind.DOUBLE, 0, "DOUBLE"),
    (Kind.SIGNED, 8, "INT8"),
    (Kind.SIGNED, 16, "INT16"),
    (Kind.SIGNED, 32, "INT32"),
    (Kind.SIGNED, 64, "INT64 PID FD ERRNO"),
    (Kind.UNSIGNED, 8, "UINT8 L4PROTO SIGTYPE FLAGS8 ENUMFLAGS8"),
    (Kind.UNSIGNED, 16, "UINT16 SYSCALLID FLAGS16 ENUMFLAGS16"),
    (Kind.UNSIGNED, 32, "UINT32 FLAGS32 ENUMFLAGS32 MODE UID GID"),
    (Kind.UNSIGNED, 64, "UINT64 RELTIME ABSTIME"),
    (Kind.PORT, 16, "PORT"),
    (Kind.IPADDR, 0, "IPADDR IPV4ADDR"),
    (Kind.IPNET, 0, "IPNET IPV4NET"),
]
"""How values compare, their size in bits, and the types that Falco lists under these names."""


def test_types_have_the_names_of_falcos_listing() -> None:
    names = [name for _, _, labels in TYPES for name in labels.split()]
    assert sorted(kind.label for kind in FieldType) == sorted(names)


@pytest.mark.parametrize(("kind", "bits", "labels"), TYPES)
def test_types_by_how_they_compare_and_how_large_they_are(kind: Kind, bits: int, labels: str) -> None:
    found = {one.label for one in FieldType if (one.kind, one.bits) == (kind, bits)}
    assert found == set(labels.split())


def test_lists_can_be_made_of_seven_types() -> None:
    labels = {kind.label for kind in LIST_ELEMENT_TYPES}
    assert labels == {"CHARBUF", "UINT64", "RELTIME", "ABSTIME", "BOOL", "IPADDR", "IPNET"}


def test_priorities_from_the_most_severe_to_the_least() -> None:
    assert [(int(priority), priority.label) for priority in sorted(Priority)] == [
        (0, "Emergency"),
        (1, "Alert"),
        (2, "Critical"),
        (3, "Error"),
        (4, "Warning"),
        (5, "Notice"),
        (6, "Informational"),
        (7, "Debug"),
    ]


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("EMERGENCY", Priority.EMERGENCY),
        ("Alert", Priority.ALERT),
        ("critical", Priority.CRITICAL),
        ("eRRoR", Priority.ERROR),
        ("WARNING", Priority.WARNING),
        ("notice", Priority.NOTICE),
        ("informational", Priority.INFORMATIONAL),
        ("info", Priority.INFORMATIONAL),
        ("INFO", Priority.INFORMATIONAL),
        ("debug", Priority.DEBUG),
    ],
)
def test_priority_words_in_any_case(text: str, priority: Priority) -> None:
    assert Priority.parse(text) is priority


@pytest.mark.parametrize("text", ["warn", "i", "err", "crit", "", "4", "loud", "information"])
def test_other_words_are_no_priority_and_the_message_lists_those_that_are(text: str) -> None:
    with pytest.raises(ValueError, match="is not a priority") as caught:
        Priority.parse(text)
    assert str(caught.value).startswith(repr(text))
    assert all(priority.label in str(caught.value) for priority in Priority)
