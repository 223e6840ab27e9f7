"""What `append_output` adds to the output of rules (output-format, section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from falcocore.fields import FieldTable
from falcocore.lang.bound import BoundField
from falcocore.lang.operands import Elsewhere
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
        """True where it is for the rule."""
        return (
            self.source in {None, rule.source}
            and self.rule in {None, rule.name}
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
        ConditionError: with code LOAD_ERR_COMPILE_OUTPUT.
    """
    text = rule.output
    raw: list[BoundField] = []
    formatted: dict[str, Template] = {}
    for addition in (a for a in additions if a.fits(rule)):
        for extra in (addition.output, _suggested(fields) if addition.suggested else None):
            if extra:
                text = JoinedText(text, Text.plain(extra, "append_output"))
        for name in addition.fields:
            raw += parse_template(Text.plain(f"%{name}", "append_output"), fields, elsewhere).fields
        for key, template in addition.formatted:
            formatted[key] = parse_template(Text.plain(template, "append_output"), fields, elsewhere)
    return Output(parse_template(text, fields, elsewhere), tuple(raw), tuple(formatted.items()))


def _suggested(fields: FieldTable) -> str:
    names = [field.name for field in fields if field.suggested]
    return " ".join(f"{name.replace('.', '_')}=%{name}" for name in names)
