"""Fields, their arguments and transformers: what is found, and what is refused."""

from __future__ import annotations

import pytest

from falcocore.fields import Argument, ArgumentKind, Field, FieldTable
from falcocore.lang.bound import BoundField, BoundOperand, BoundTransform
from falcocore.lang.diagnostics import Code
from falcocore.lang.grammar import parse_operand
from falcocore.lang.operands import BindError, bind_operand, nowhere
from falcocore.lang.text import Text
from falcocore.types import FieldType as Type


def _refusing(key: str | None) -> object:
    if key == "bad":
        raise ValueError("`bad` is no key that this plugin has")
    return lambda _event: key


@pytest.fixture
def table(fields: FieldTable) -> FieldTable:
    """The test source's fields, and some whose argument is an index or may be refused."""
    found = FieldTable("test", ((field, "test") for field in fields))
    index = Argument(ArgumentKind.INDEX)
    found.add(Field("x.index", Type.STRING, "d", lambda i: lambda _event: i, argument=index), "test")
    key = Argument(ArgumentKind.KEY)
    found.add(Field("x.picky", Type.STRING, "d", _refusing, argument=key), "test")
    return found


def bound(operand: str, table: FieldTable) -> BoundOperand:
    return bind_operand(parse_operand(Text.plain(operand)), table, nowhere)


@pytest.mark.parametrize(
    ("operand", "label", "read"),
    [
        ("s.k", "s.k", None),
        ("s.k[x]", "s.k[x]", "x"),
        ('s.k["x"]', "s.k[x]", "x"),
        ("s.k['two words']", 's.k["two words"]', "two words"),
        ("s.k['a=b']", 's.k["a=b"]', "a=b"),
        ("s.k[/a/b.c]", "s.k[/a/b.c]", "/a/b.c"),
        ("s.k[']']", "s.k[]]", "]"),
        ('s.k["\\x41"]', "s.k[A]", "A"),
    ],
)
def test_key_reaches_the_field_and_names_it_in_alerts(
    operand: str, label: str, read: str | None, table: FieldTable
) -> None:
    found = bound(operand, table)
    assert isinstance(found, BoundField)
    assert found.label == label
    event = {"s.k": None, f"s.k[{read}]": read}
    assert found.getter(event) == read


@pytest.mark.parametrize(
    ("operand", "index"),
    [("x.index", None), ("x.index[0]", 0), ("x.index[12]", 12), (f"x.index[{2**64 - 1}]", 2**64 - 1)],
)
def test_index_reaches_the_field_as_a_number(operand: str, index: int | None, table: FieldTable) -> None:
    found = bound(operand, table)
    assert isinstance(found, BoundField)
    assert found.getter({}) == index


@pytest.mark.parametrize(
    ("operand", "type_", "is_list"),
    [
        ("s.a", Type.STRING, False),
        ("ls.a", Type.STRING, True),
        ("tolower(s.a)", Type.STRING, False),
        ("tolower(path.a)", Type.PATH, False),
        ("tolower(ls.a)", Type.STRING, True),
        ("b64(buf.a)", Type.BUFFER, False),
        ("len(ls.a)", Type.UINT64, False),
        ("len(lu.a)", Type.UINT64, False),
        ("len(buf.a)", Type.UINT64, False),
        ("len(tolower(ls.a))", Type.UINT64, False),
        ('join(",", ls.a)', Type.STRING, False),
        ('join(",", (s.a, "x", 5, tolower(s.b)))', Type.STRING, False),
        ('concat(s.a, "x")', Type.STRING, False),
        ('getopt(ls.a, "ab:")', Type.STRING, True),
        ('getopt(ls.a, "ab:")[b]', Type.STRING, False),
        ('len(getopt(ls.a, "ab:")[b])', Type.UINT64, False),
    ],
)
def test_operand_has_the_type_that_follows(
    operand: str, type_: Type, is_list: bool, table: FieldTable
) -> None:
    found = bound(operand, table)
    assert (found.type, found.is_list) == (type_, is_list)


@pytest.mark.parametrize(
    ("operand", "message"),
    [
        ("s.nope", "source test has no field `s.nope`"),
        ("s.a[x]", "field `s.a` takes no argument"),
        ("s.r", "field `s.r` needs an argument: s.r[key]"),
        ("x.index[x]", "field `x.index` takes an index"),
        ("x.index[01]", "without leading zeros"),
        ("x.index[-1]", "takes an index"),
        (f"x.index[{2**64}]", "takes an index"),
        (f"x.index[{'9' * 5000}]", "takes an index"),
        ("x.index[٣]", "takes an index"),
        ("x.picky[bad]", "field `x.picky`: `bad` is no key that this plugin has"),
        ("tolower(u.a)", "`tolower` does not take UINT64 values"),
        ("len(u.a)", "`len` does not take UINT64 values"),
        ("basename(buf.a)", "`basename` does not take BYTEBUF values"),
        ("tolower(s.a, s.b)", "`tolower` takes one field or transformer"),
        ('tolower("x")', "`tolower` takes one field or transformer"),
        ("tolower((s.a))", "`tolower` takes one field or transformer"),
        ("tolower(s.a)[0]", "`tolower(...)` takes no index"),
        ("tolower(s.x)", "field `s.x` can't be given to a transformer"),
        ("concat(s.x, s.a)", "field `s.x` can't be given to a transformer"),
        ("concat(s.a)", "`concat` takes two texts or more"),
        ("concat(s.a, u.a)", "`concat` takes texts, not UINT64"),
        ("concat(s.a, ls.a)", "`concat` takes texts, not a list of CHARBUF"),
        ('concat(s.a, (s.b, "x"))', "`concat` takes no list here"),
        ("join(s.a, ls.a)", "`join` takes a separator and a list"),
        ('join(",", s.a)', "`join` takes a separator and a list"),
        ('join(",", "x")', "`join` takes a separator and a list"),
        ('join(",", lu.a)', "`join` takes a separator and a list"),
        ('join(",", (s.a, u.a))', "`join` takes texts, not UINT64"),
        ('join(",")', "`join` takes a separator and a list"),
        ('getopt(s.a, "a")', "`getopt` takes a list field and the option letters"),
        ("getopt(ls.a)", "`getopt` takes a list field and the option letters"),
        ("getopt(ls.a, 5)", "`getopt` takes a list field and the option letters"),
        ('getopt(ls.a, "ab")[ab]', "the index is one option letter"),
        ("len(tolower(s.nope))", "source test has no field `s.nope`"),
    ],
)
def test_operand_that_does_not_fit_is_refused(operand: str, message: str, table: FieldTable) -> None:
    with pytest.raises(BindError) as caught:
        bound(operand, table)
    assert message in caught.value.message
    assert len(caught.value.message) < 200
    diagnostic = caught.value.diagnostic(Code.COMPILE_OUTPUT, 'rule "r"')
    assert (diagnostic.code, diagnostic.item) == (Code.COMPILE_OUTPUT, 'rule "r"')
    assert diagnostic.span is not None


def test_place_of_an_unknown_field_is_its_own_also_inside_transformers(table: FieldTable) -> None:
    with pytest.raises(BindError) as caught:
        bound("concat(s.a, tolower(s.nope))", table)
    place = caught.value.place
    assert place is not None
    assert (place.start, place.end) == (20, 26)
    assert caught.value.unknown_field == "s.nope"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("s.aa", "did you mean `s.a`? `falcocore list fields test` shows all"),
        ("zzz.qqqqqq", "`falcocore list fields test` shows all"),
        ("proc.name", "it is a field of source syscall: set the rule's `source:`"),
    ],
)
def test_hint_for_an_unknown_field_names_the_nearest_or_its_source(
    name: str, hint: str, table: FieldTable
) -> None:
    with pytest.raises(BindError) as caught:
        bind_operand(
            parse_operand(Text.plain(name)), table, lambda n: ["syscall"] if n == "proc.name" else []
        )
    assert caught.value.hint == hint


def test_transformer_keeps_what_it_is_applied_to(table: FieldTable) -> None:
    found = bound('getopt(ls.a, "b:")[b]', table)
    assert isinstance(found, BoundTransform)
    inner, options = found.arguments
    assert isinstance(inner, BoundField)
    assert (found.transformer.name, inner.label, options, found.index) == ("getopt", "ls.a", "b:", "b")
