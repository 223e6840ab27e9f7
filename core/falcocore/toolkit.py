"""What commands of plugins may import beside `falcocore.api`: the rules of a run, and what they ask for.

It stands apart from the API because it imports the rule compiler, which a source or an output does not need.
"""

from __future__ import annotations

from falcocore.cli.arguments import add_rule_arguments
from falcocore.cli.request import active_rules
from falcocore.condition import condition_function
from falcocore.errors import nearest
from falcocore.generic_fields import GENERIC_FIELDS
from falcocore.lang.bound import BoundAnd, BoundCheck, BoundField, BoundNode, BoundNot, BoundOr, checks
from falcocore.lang.diagnostics import Code, Diagnostic
from falcocore.lang.evaluate import evaluate_check
from falcocore.lang.partial import reduced
from falcocore.lang.paths import PathPatterns
from falcocore.lang.projection import Projectable, fields_read, weakened
from falcocore.lang.text import SourceFile, Span
from falcocore.ruleset import RuleSet
from falcocore.yamltree.nodes import Mapping, Node, Scalar, Sequence, YamlError, boolean, read_documents

__all__ = [
    "GENERIC_FIELDS",
    "BoundAnd",
    "BoundCheck",
    "BoundField",
    "BoundNode",
    "BoundNot",
    "BoundOr",
    "Code",
    "Diagnostic",
    "Mapping",
    "Node",
    "PathPatterns",
    "Projectable",
    "RuleSet",
    "Scalar",
    "Sequence",
    "SourceFile",
    "Span",
    "YamlError",
    "active_rules",
    "add_rule_arguments",
    "boolean",
    "checks",
    "condition_function",
    "evaluate_check",
    "fields_read",
    "nearest",
    "read_documents",
    "reduced",
    "weakened",
]
