"""What `append_output` adds to the output of rules (output-format, section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundField
from falcocore.lang.diagnostics import Code, ConditionError, Diagnostic
from falcocore.lang.grammar import parse_operand
from falcocore.lang.operands import BindError, Elsewhere, bind_field
from falcocore.lang.syntax import FieldRef
from falcocore.lang.template import Template, parse_template
from falcocore.lang.text import JoinedText, Text
from falcocore.rules.collection import RuleDefinition


@dataclass(frozen=True, slots=True)
class Addition:
    """One entry of `append_output`: for which rules, and what is added.

    `fields` are raw fields, given by name. `formatted` are pairs of a JSON key and a template.
    """

    source: str | None = None
    rule: str | None = None
    tags: frozenset[str] = frozenset()
    output: str | None = None
    fields: tuple[str, ...] = ()
    formatted: tuple[tuple[str, str], ...] = ()
    suggested: bool = False

    def fits(self, rule: RuleDefinition) -> bool:
        """True where it is for the rule; an empty text speaks of any."""
        return (
            (not self.source or self.source == rule.source)
            and (not self.rule or self.rule == rule.name)
            and self.tags <= set(rule.tags)
        )


@dataclass(frozen=True, slots=True)
class Output:
    """What a rule puts out: the template, and fields of the JSON object beyond it."""

    template: Template
    raw: tuple[BoundField, ...]
    formatted: tuple[tuple[str, Template], ...]


def rule_output(
    rule: RuleDefinition, additions: Sequence[Addition], fields: FieldTable, elsewhere: Elsewhere
) -> Output:
    """The output of a rule with what the configuration adds.

    Raises:
        ConditionError: with code LOAD_ERR_COMPILE_OUTPUT and all that can't be formatted. What the
            configuration adds has its entry for a file, such as `append_output[0].extra_output`.
    """
    text = rule.output
    raw: list[BoundField] = []
    formatted: dict[str, Template] = {}
    problems: list[Diagnostic] = []

    def parsed(text: Text) -> Template:
        try:
            return parse_template(text, fields, elsewhere)
        except ConditionError as error:
            problems.extend(error.all)
            return Template(())

    for number, addition in enumerate(additions):
        if not addition.fits(rule):
            continue
        where = f"append_output[{number}]"
        for extra, key in (
            (addition.output, "extra_output"),
            (_suggested(fields) if addition.suggested else None, "suggested_output"),
        ):
            if extra:
                text = JoinedText(text, Text.plain(extra, f"{where}.{key}"))
        for name in addition.fields:
            try:
                raw.append(_raw_field(Text.plain(name, f"{where}.extra_fields"), fields, elsewhere))
            except ConditionError as error:
                problems.extend(error.all)
        for key, value in addition.formatted:
            formatted[key] = parsed(Text.plain(value, f"{where}.extra_fields.{key}"))
    template = parsed(text)
    if problems:
        raise ConditionError(problems[0], problems[1:])
    return Output(template, tuple(raw), tuple(formatted.items()))


def _raw_field(text: Text, fields: FieldTable, elsewhere: Elsewhere) -> BoundField:
    """The one field that an entry of `extra_fields` names."""
    try:
        operand = parse_operand(text)
        if isinstance(operand, FieldRef):
            return bind_field(operand, fields, elsewhere)
    except ConditionError as error:
        raise ConditionError(replace(error.diagnostic, code=Code.COMPILE_OUTPUT)) from None
    except BindError as error:
        raise ConditionError(error.diagnostic(Code.COMPILE_OUTPUT, None)) from None
    message = f"`{text.value}` is not a field"
    hint = 'a transformer needs a key of its own: `key: "%tolower(...)"`'
    raise ConditionError(Diagnostic(Code.COMPILE_OUTPUT, message, text.span(0, len(text.value)), hint=hint))


def _suggested(fields: FieldTable) -> str:
    names = [field.name for field in fields if field.suggested]
    return " ".join(f"{name.replace('.', '_')}=%{name}" for name in names)
