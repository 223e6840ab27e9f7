"""The words and symbols of the condition language; what each takes on its right."""

from __future__ import annotations

NUMBER_OPERATORS = ("<=", "<", ">=", ">")
EQUALITY_OPERATORS = ("==", "=", "!=")
STRING_OPERATORS = (
    "glob",
    "iglob",
    "contains",
    "icontains",
    "bcontains",
    "startswith",
    "bstartswith",
    "endswith",
    "regex",
)
LIST_OPERATORS = ("intersects", "in", "pmatch")
MODIFIERS = ("oneof", "anyof", "allof")
TRANSFORMERS = ("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt")
KEYWORDS = frozenset({"and", "or", "not"})

ALL_OPERATORS = ("exists", *EQUALITY_OPERATORS, *NUMBER_OPERATORS, *STRING_OPERATORS, *LIST_OPERATORS)

BLANK = r"[ \t\x08\r\n]"
NAME = r"[A-Za-z]+[A-Za-z0-9_]*"
BARE = r"""[^()"'\s=,]+"""
# A quote behind a backslash never ends the text, however many backslashes there are.
QUOTED = r""""[^"]*+(?:(?<=\\)"[^"]*+)*(?<!\\)"|'[^']*+(?:(?<=\\)'[^']*+)*(?<!\\)'"""
ARGUMENT = r"""[^\]\["'\s]+"""
NUMBER = r"(?:0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?)"


def takes_list(operator: str) -> bool:
    """True for the operators that compare with a list of values."""
    return operator in LIST_OPERATORS
