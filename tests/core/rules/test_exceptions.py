"""Exceptions: what they exempt, and where their mistakes are shown (rules-language, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from falcocore.rules.loader import LoadResult
from tests.support.marked import unmark
from tests.support.rule_texts import codes, rule

Load = Callable[..., LoadResult]


def with_exceptions(*lines: str, condition: str = "t.str exists") -> str:
    return rule(condition, "A", "exceptions:", *lines)


def fires(result: LoadResult, event: dict[str, Any]) -> bool:
    assert result.errors == []
    return bool(result.rule_sets["t"].match(event, None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("exception", "exempt", "not_exempt"),
    [
        # one field
        ("{name: e, fields: t.str, values: [a, b c, '\"d,e\"']}", ["a", "b c", "d,e"], ["d", "e", "b"]),
        ("{name: e, fields: t.str, comps: in, values: [a]}", ["a"], ["b"]),
        ("{name: e, fields: t.str, comps: pmatch, values: [/etc, /usr/b*]}", ["/etc/x", "/usr/bin"], ["/e"]),
        ("{name: e, fields: t.str, comps: startswith oneof, values: [a, b]}", ["ax", "bx"], ["c"]),
        ("{name: e, fields: t.str, comps: contains anyof, values: [a, b]}", ["ab", "xa"], ["c"]),
        ("{name: e, fields: t.str, comps: contains allof, values: [a, b]}", ["ab"], ["a", "b"]),
        ("{name: e, fields: tolower(t.str), values: [a]}", ["A", "a"], ["b"]),
        ("{name: e, fields: t.str, values: [names, x]}", ["n1", "n2", "x"], ["names"]),
        ("{name: e, fields: t.str, values: ['\"names\"']}", ["names"], ["n1"]),
        ("{name: e, fields: t.str, values: []}", [], ["a"]),
        ("{name: e, fields: t.str}", [], ["a"]),
        ("{name: e, fields: t.str, values: }", [], ["a"]),
        # several, each alone exempts
        ("{name: e, fields: t.str, values: [a]}, {name: f, fields: t.str, values: [b]}", ["a", "b"], ["c"]),
        ("{name: e, fields: t.str, values: [a]}, {name: e, fields: t.str, values: [b]}", ["a", "b"], ["c"]),
        # fields as a list
        ("{name: e, fields: [t.str], values: [[a], [b]]}", ["a", "b"], ["c"]),
        ("{name: e, fields: [t.str], values: [[b c]]}", ["b c"], ["b"]),
        ("{name: e, fields: [t.str], values: [['\"a=b\"']]}", ["a=b"], ["a"]),
        ("{name: e, fields: [t.str], comps: [startswith], values: [[a], [b c]]}", ["ax", "b cd"], ["b"]),
        ("{name: e, fields: [t.str], comps: [in], values: [[[a, b c]], [d]]}", ["a", "b c", "d"], ["c"]),
        ("{name: e, fields: [t.str], comps: [in], values: [['(a, \"b c\", names)']]}", ["a", "b c", "n1"],
         ["d"]),
        ("{name: e, fields: [t.str], comps: [in], values: [[names]]}", ["n1", "n2"], ["names"]),
        ("{name: e, fields: [t.str], comps: [endswith anyof], values: [[[a, b]], [c]]}", ["xa", "xb", "xc"],
         ["x"]),
        ("{name: e, fields: [t.str], values: [[one]]}", ["o1"], ["one"]),
        ("{name: e, fields: [t.str], comps: [==], values: [[a]]}", ["a"], ["b"]),
        ("{name: e, fields: [tolower(t.str)], values: [[a]]}", ["A"], ["b"]),
        ("{name: e, fields: [t.str], values: [[tolower(t.str)]]}", ["a"], ["A"]),
        ("{name: e, fields: [t.str], comps: [glob], values: [['*.tmp']]}", ["x.tmp"], ["x"]),
    ],
)  # fmt: skip
def test_exception_exempts_events(
    exception: str, exempt: list[str], not_exempt: list[str], load_texts: Load
) -> None:
    lists = "- list: names\n  items: [n1, n2]\n- list: one\n  items: [o1]\n"
    result = load_texts(lists + rule("t.str exists", "A", f"exceptions: [{exception}]"))
    assert not [text for text in exempt if fires(result, {"t.str": text})]
    assert all(fires(result, {"t.str": text}) for text in not_exempt)


def test_tuple_exempts_where_all_its_fields_match(load_texts: Load) -> None:
    result = load_texts(
        with_exceptions(
            "- name: e",
            "  fields: [t.str, t.num, t.list]",
            "  comps: [startswith, '>', intersects]",
            "  values:",
            "  - [a, 5, [x, y]]",
            "  - [b c, 1, (z)]",
        )
    )
    exempt = [
        {"t.str": "ab", "t.num": 6, "t.list": ["y", "q"]},
        {"t.str": "b cd", "t.num": 2, "t.list": ["z"]},
    ]
    others = [
        {"t.str": "ab", "t.num": 5, "t.list": ["y"]},
        {"t.str": "ab", "t.num": 6, "t.list": ["z"]},
        {"t.str": "b cd", "t.num": 2, "t.list": ["x"]},
        {"t.str": "ab", "t.num": 6},
    ]
    assert not [event for event in exempt if fires(result, event)]
    assert all(fires(result, event) for event in others)


@pytest.mark.parametrize("value", ["val(t.str2)", "toupper(t.str2)"])
def test_value_may_be_another_field_and_an_absent_one_exempts_nothing(value: str, load_texts: Load) -> None:
    result = load_texts(with_exceptions("- {name: e, fields: [t.str], values: [['" + value + "']]}"))
    assert not fires(result, {"t.str": "A", "t.str2": "A"})
    assert fires(result, {"t.str": "A", "t.str2": "b"})
    assert fires(result, {"t.str": "A"})


def test_condition_with_or_is_exempted_as_a_whole(load_texts: Load) -> None:
    result = load_texts(
        with_exceptions("- {name: e, fields: t.num, values: [1]}", condition="t.str = a or t.str = b")
    )
    assert not fires(result, {"t.str": "a", "t.num": 1})
    assert not fires(result, {"t.str": "b", "t.num": 1})
    assert fires(result, {"t.str": "a"})


def test_text_appended_to_the_condition_stays_in_front_of_the_exceptions(load_texts: Load) -> None:
    result = load_texts(
        with_exceptions("- {name: e, fields: t.num, values: [1]}", condition="t.str = a"),
        "- rule: A\n  condition: or t.str = b\n  override: {condition: append}\n",
        "- rule: A\n  exceptions: [{name: e, values: [2]}]\n  override: {exceptions: append}\n",
    )
    assert fires(result, {"t.str": "b", "t.num": 3})
    assert not fires(result, {"t.str": "b", "t.num": 1})
    assert not fires(result, {"t.str": "a", "t.num": 2})


@pytest.mark.parametrize(
    ("lines", "code", "message", "hint"),
    [
        (["fields: «t.srt.x»"], "ERR_VALIDATE", "no field `t.srt.x`", "did you mean `t.str`?"),
        (["fields: [t.str, «t.nmu»]"], "ERR_VALIDATE", "no field `t.nmu`", "did you mean `t.num`?"),
        (["fields: «o.str»"], "ERR_VALIDATE", "no field `o.str`", "it is a field of source other"),
        (["fields: [«lenn(»t.str)]"], "ERR_VALIDATE", "found `lenn(`", "did you mean `len(`?"),
        (["fields: «t.str»[x]"], "ERR_VALIDATE", "takes no argument", None),
        (["fields: «[»]"], "ERR_YAML_VALIDATE", "`fields` is an empty list", "write one text"),
        (["fields: t.str", "comps: «inn»"], "ERR_VALIDATE", "`inn` is no operator", "did you mean `in`?"),
        (["fields: t.str", "comps: «exists»"], "ERR_VALIDATE", "`exists` is no operator", None),
        (["fields: t.str", "comps: «in anyof»"], "ERR_VALIDATE", "`in anyof` is no operator", "oneof, anyof"),
        (["fields: t.str", "comps: «= some»"], "ERR_VALIDATE", "`= some` is no operator", "oneof, anyof"),
        (["fields: t.str", "comps: «=»"], "ERR_VALIDATE", "`=` compares with one value", "`= anyof`"),
        (["fields: t.str", "comps: «[»in]"], "ERR_VALIDATE", "is one text, as `fields` is", None),
        (["fields: [t.str]", "comps: «in»"], "ERR_VALIDATE", "is a list, one for each field", None),
        (["fields: [t.str, t.num]", "comps: «[»=]"], "ERR_VALIDATE", "has 1 comp for 2 fields", None),
        (["fields: [t.num]", "comps: [«contains»]", "values: [[1]]"], "ERR_COMPILE_CONDITION",
         "`contains` does not take UINT64 values", "UINT64 values take exists, ="),
        (["fields: [«t.list»]", "values: [[a]]"], "ERR_COMPILE_CONDITION", "`=` does not take a list",
         "lists take"),
        (["fields: t.str", "values: «a»"], "ERR_YAML_VALIDATE", "`values` is a list", None),
        (["fields: t.str", "values: [«[»a]]"], "ERR_VALIDATE", "a value of exception `e x` is one text",
         "give `fields` as a list"),
        (["fields: [t.str]", "values: [«a»]"], "ERR_VALIDATE", "a value for each of 1 field", None),
        (["fields: [t.str]", "values: [«[»a, b]]"], "ERR_VALIDATE", "has 2 values for 1 field", None),
        (["fields: [t.str]", "values: [[«{»a: b}]]"], "ERR_VALIDATE",
         "a value is a text or a list of texts", None),
        (["fields: [t.str]", "values: [[a«=»b]]"], "ERR_COMPILE_CONDITION", "expected the end of the value",
         None),
        (["fields: [t.str]", "values: [['«\"»a']]"], "ERR_COMPILE_CONDITION", "expected a value",
         "not closed"),
        (["fields: t.str", "values: [a, '\"b«\\q»\"']"], "ERR_COMPILE_CONDITION", "unknown escape \\q", None),
        (["fields: [t.str]", "comps: [in]", "values: [['(a, «(»b)']]"], "ERR_COMPILE_CONDITION",
         "value of the list",
         None),
        (["fields: t.num", "values: [1, «x»]"], "ERR_COMPILE_CONDITION", "`x` is not a UINT64 value", None),
        (["fields: [t.str, t.num]", "values: [[a, «b»]]"], "ERR_COMPILE_CONDITION", "`b` is not a UINT64",
         None),
        (["fields: [t.str]", "values: [[«[»a, b]]]"], "ERR_COMPILE_CONDITION",
         "takes one value, not a list", "anyof"),
        (["fields: [«t.str»]", "values: [['val(t.num)']]"], "ERR_COMPILE_CONDITION",
         "the right side `t.num`", None),
        (["fields: [t.str]", "values: [['«val(t.nmu)»']]"], "ERR_COMPILE_CONDITION", "`t.nmu`", "`t.num`"),
        (["fields: [t.str]", "values: [[«names»]]"], "ERR_COMPILE_CONDITION", "a list of 2 items",
         "`in (names)`"),
        (["fields: t.str", "values: [«nmaes»]"], "COMPILE_CONDITION", "no list of that name",
         "the list `names`"),
    ],
)  # fmt: skip
def test_mistake_is_reported_where_it_stands(
    lines: list[str], code: str, message: str, hint: str | None, load_texts: Load
) -> None:
    marked = unmark(with_exceptions("- name: e x", *(f"  {line}" for line in lines)))
    lists = "- list: names\n  items: [n1, n2]\n" + rule("t.str in (names)", "N")
    (diagnostic,) = load_texts(lists, marked.text).diagnostics
    assert codes([diagnostic]) == [code]
    assert message in diagnostic.message
    assert hint is None or hint in str(diagnostic.hint)
    assert diagnostic.span is not None
    assert (diagnostic.span.file.name, diagnostic.span.start) == ("1.yaml", marked.places[0][0])


def test_all_mistakes_of_all_exceptions_are_reported_in_one_go(load_texts: Load) -> None:
    marked = unmark(
        with_exceptions(
            "- name: e",
            "  fields: [«t.x», «t.y», t.str]",
            "  comps: [=, «is», =]",
            "- name: f",
            "  fields: [t.str, t.num]",
            "  values: [«[»a], ['«\"»b', 1], [c, 2], «d»]",
            "- name: g",
            "  fields: t.num",
            "  values: [1, «x», «y»]",
            condition="«t.z» exists",
        ).replace("output: o", "output: '%«t.w»'")
    )
    found = {d.span.start for d in load_texts(marked.text).errors if d.span}
    assert found == {start for start, _ in marked.places}


def test_exceptions_that_make_too_many_checks_are_refused_by_name(load_texts: Load) -> None:
    rows = [f"  - [a{n}, {n}]" for n in range(10_001)]
    marked = unmark(with_exceptions("- name: «huge»", "  fields: [t.str, t.num]", "  values:", *rows))
    (error,) = load_texts(marked.text).errors
    assert "more than 20000 checks" in error.message
    assert error.span is not None
    assert (error.span.start, error.span.end) == marked.places[0]


def test_exception_of_a_skipped_rule_with_an_unknown_field_is_forgiven(load_texts: Load) -> None:
    result = load_texts(
        with_exceptions("- {name: e, fields: t.nope, values: [a]}").replace(
            "source: t", "source: t\n  skip-if-unknown-filter: true"
        )
    )
    assert codes(result.diagnostics) == ["UNKNOWN_FILTER"]
