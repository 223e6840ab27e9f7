"""YAML as nodes: what each construct becomes, and files that are refused before they cost anything."""

from __future__ import annotations

from typing import Any

import pytest

from falcocore.lang.text import SourceFile
from falcocore.yamltree.nodes import (
    MAX_NESTING,
    MAX_NODES,
    Mapping,
    Node,
    Scalar,
    Sequence,
    YamlError,
    boolean,
    read_documents,
)


def read(text: str) -> list[Node]:
    return list(read_documents(SourceFile("f.yaml", text)))


def plain(node: Node) -> Any:
    match node:
        case Scalar(value=value):
            return None if node.is_null else value
        case Sequence(items=items):
            return [plain(item) for item in items]
        case Mapping(entries=entries):
            return {key: plain(value) for key, (_, value) in entries.items()}


def refusal(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("", []),
        ("\ufeff", []),
        ("# only a comment\n", []),
        ("---\n---\n~\n---\nnull\n...\n", []),
        ("a: b", [{"a": "b"}]),
        ("\ufeffa: b", [{"a": "b"}]),
        ("--- a\n--- [b]\n---\n--- {c: d}\n", ["a", ["b"], {"c": "d"}]),
        # Scalars are texts. Null is what is left out, `~` or `null`, without quotes.
        ("[1, 1.5, true, 0x1f, 2001-01-01, .inf]", [["1", "1.5", "true", "0x1f", "2001-01-01", ".inf"]]),
        (
            "[~, null, Null, NULL, nUll, '~', \"null\", '']",
            [[None, None, None, None, "nUll", "~", "null", ""]],
        ),
        ("a:\nb: ''\nc: |\nd: !!str\n", [{"a": None, "b": "", "c": "", "d": None}]),
        ("[=, a = b, <<]", [["=", "a = b", "<<"]]),
        ("a: !!binary x\nb: !mine y\nc: !!python/object:os.system z", [{"a": "x", "b": "y", "c": "z"}]),
        # Keys: null and numbers are texts, too; what is no scalar is left out.
        ("1: a\n~: b\n? [c]\n: d\n? {e: f}\n: g\n", [{"1": "a", "~": "b"}]),
        # Of equal keys the first counts.
        ("a: 1\nb: 2\na: 3\n'b': 4\n", [{"a": "1", "b": "2"}]),
        # Aliases repeat; anchors end with their document, and may be given again.
        ("[&x a, *x, &x b, *x]", [["a", "a", "b", "b"]]),
        ("a: &x {b: [c]}\nd: *x\n", [{"a": {"b": ["c"]}, "d": {"b": ["c"]}}]),
        ("&k a: 1\nb: *k\n", [{"a": "1", "b": "a"}]),
        ("&k a: 1\n*k : 2\nc: 3\n", [{"a": "1", "c": "3"}]),
    ],
)
def test_yaml_becomes_nodes(text: str, documents: list[Any]) -> None:
    assert [plain(root) for root in read(text)] == documents


BASES = "- &a {x: a1, y: a2}\n- &b {y: b2, z: b3}\n"


@pytest.mark.parametrize(
    ("item", "merged"),
    [
        ("{<<: *a}", {"x": "a1", "y": "a2"}),
        # What stands in the map itself wins, before or behind the merge.
        ("{<<: *a, y: own}", {"x": "a1", "y": "own"}),
        ("{y: own, <<: *a}", {"x": "a1", "y": "own"}),
        # Of several the first wins.
        ("{<<: [*a, *b]}", {"x": "a1", "y": "a2", "z": "b3"}),
        ("{<<: [*b, *a]}", {"x": "a1", "y": "b2", "z": "b3"}),
        ("{<<: *a, <<: *b}", {"x": "a1", "y": "a2", "z": "b3"}),
        ("{<<: {x: inline}, w: 1}", {"x": "inline", "w": "1"}),
        # What is no map merges nothing; a quoted `<<` is a key like any other.
        ("{<<: text, w: 1}", {"w": "1"}),
        ("{<<: [text, *a]}", {"x": "a1", "y": "a2"}),
        ("{'<<': *a}", {"<<": {"x": "a1", "y": "a2"}}),
    ],
)
def test_merge_keys_are_put_in(item: str, merged: dict[str, Any]) -> None:
    assert plain(read(f"{BASES}- {item}\n")[0])[2] == merged


def test_merges_chain() -> None:
    text = "- &a {x: 1}\n- &b {<<: *a, y: 2}\n- {<<: *b, z: 3}\n"
    assert plain(read(text)[0])[2] == {"x": "1", "y": "2", "z": "3"}


def test_repeated_keys_are_kept_with_their_places() -> None:
    (root,) = read("a: 1\nb: 2\na: 3\n<<: {b: 4}\na: 5\n")
    assert isinstance(root, Mapping)
    assert [(key.value, key.span.position) for key in root.repeated] == [("a", (3, 1)), ("a", (5, 1))]


def test_nodes_know_their_places() -> None:
    (root,) = read("# c\n- a\n- {b: [c,\n   d]}\n-  &x\n  e: f\n- *x\n")
    assert isinstance(root, Sequence)
    scalar, inner, anchored, alias = root.items
    assert root.span.position == (2, 1)
    assert scalar.span.position == (2, 3)
    assert inner.span.position == (3, 3)
    assert isinstance(inner, Mapping)
    value = inner.get("b")
    assert isinstance(value, Sequence)
    assert [item.span.position for item in value.items] == [(3, 8), (4, 4)]
    assert inner.get("missing") is None
    # An alias is the node it stands for, at the place where that was written.
    assert alias is anchored


@pytest.mark.parametrize(
    ("text", "is_plain"), [("a", True), ("'a'", False), ('"a"', False), ("|\n  a", False), ("!x a", True)]
)
def test_a_scalar_knows_whether_it_was_written_plain(text: str, is_plain: bool) -> None:
    (scalar,) = read(text)
    assert isinstance(scalar, Scalar)
    assert scalar.plain is is_plain


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: b\n c: d\n", (2, 3), "this is not YAML: "),
        ("a: [b\nc: d\n", (2, 2), "this is not YAML: "),
        ("a: 'b\n", (2, 1), "this is not YAML: "),
        ("a: b\n- c\n", (2, 1), "this is not YAML: "),
        ("a: @b\n", (1, 4), "this is not YAML: "),
        ("%YAML 9.0\n---\na\n", (1, 1), "this is not YAML: "),
        ("a: \x01\n", (1, 4), "this is not YAML: "),
        ("é: \x01\n", (1, 4), "this is not YAML: "),
        ("\ufeffé: \x01\n", (1, 5), "this is not YAML: "),
        ("a: \ud800\n", (1, 4), "this is not YAML: "),
        ("a: *b\n", (1, 4), "`*b` refers to nothing"),
        ("&a [b, *a]\n", (1, 8), "`*a` refers to nothing"),
        ("--- &a b\n--- *a\n", (2, 5), "`*a` refers to nothing"),
    ],
)
def test_what_is_no_yaml_is_refused_at_its_place(text: str, place: tuple[int, int], message: str) -> None:
    error = refusal(text)
    assert str(error).startswith(message)
    assert error.span.position == place
    assert error.diagnostic.span == error.span


def test_a_tab_gets_advice() -> None:
    error = refusal("a:\n\tb: c\n")
    assert error.span.position == (2, 1)
    assert error.diagnostic.hint == "indent with blanks, not with tabs"


def test_an_unclosed_bracket_is_pointed_at() -> None:
    error = refusal("x: y\na: [b\nc: d\n")
    ((_, span),) = error.diagnostic.related
    assert span.position == (2, 4)


def test_the_documents_before_a_mistake_are_read() -> None:
    documents = read_documents(SourceFile("f.yaml", "a\n---\nb\n---\n]\n"))
    assert [plain(next(documents)), plain(next(documents))] == ["a", "b"]
    with pytest.raises(YamlError):
        next(documents)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_nesting_has_a_limit(opening: str, closing: str) -> None:
    (root,) = read(opening * MAX_NESTING + "x" + closing * MAX_NESTING)
    assert root.depth == MAX_NESTING
    levels = MAX_NESTING + 1
    error = refusal(opening * levels + "x" + closing * levels)
    assert str(error) == f"nested deeper than {MAX_NESTING} levels"
    assert error.span.start == MAX_NESTING * len(opening)


@pytest.mark.parametrize("text", ["[" * 500_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000])
def test_endless_nesting_is_refused(text: str) -> None:
    assert "nest" in str(refusal(text))  # the parser below has a limit of its own


def test_aliases_count_in_the_nesting() -> None:
    lines = ["- &a0 [x]", *(f"- &a{level} [*a{level - 1}]" for level in range(1, MAX_NESTING - 1))]
    (root,) = read("\n".join(lines))
    assert root.depth == MAX_NESTING
    error = refusal("\n".join([*lines, f"- [*a{MAX_NESTING - 2}]"]))
    assert str(error) == f"nested deeper than {MAX_NESTING} levels"
    assert error.span.position == (MAX_NESTING, 4)
    assert error.diagnostic.hint == "aliases count as what they repeat"


def test_merging_adds_no_level() -> None:
    lines = ["- &a0 {x: 1}", *(f"- &a{n} {{<<: *a{n - 1}}}" for n in range(1, 200))]
    (root,) = read("\n".join(lines))
    assert root.depth == 2


@pytest.mark.parametrize("form", ["[{}]", "{{{}}}"])
def test_aliases_that_multiply_are_refused(form: str) -> None:
    def line(level: int, items: list[str]) -> str:
        named = [f"k{n}: {item}" for n, item in enumerate(items)] if form.startswith("{") else items
        return f"- &a{level} {form.format(', '.join(named))}"

    bomb = [line(0, ["x"] * 10), *(line(level, [f"*a{level - 1}"] * 10) for level in range(1, 30))]
    error = refusal("\n".join(bomb))
    assert str(error) == f"the file has more than {MAX_NODES} nodes"
    assert error.diagnostic.hint == "aliases count as what they repeat"


def test_merges_that_multiply_are_refused() -> None:
    first = "- &a0 {" + ", ".join(f"k{n}: x" for n in range(1000)) + "}"
    merges = [f"- &a{n} {{<<: [" + ", ".join([f"*a{n - 1}"] * 100) + "]}" for n in range(1, 10)]
    assert "nodes" in str(refusal("\n".join([first, *merges])))


def test_a_large_file_is_no_bomb() -> None:
    (root,) = read("\n".join(f"- k{n}: [a, b, c]" for n in range(2000)))
    assert isinstance(root, Sequence)
    assert len(root.items) == 2000


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, True) for word in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")),
        *((word, False) for word in ("n", "N", "no", "No", "NO", "false", "False", "off", "Off", "OFF")),
        *((word, None) for word in ("", "yEs", "tRUE", "1", "0", "enabled", " true", "null", "yess")),
    ],
)
def test_boolean_words_are_those_of_yaml_1_1(word: str, value: bool | None) -> None:
    assert boolean(word) is value
