"""`${VAR}` in values of the configuration: what is put in, and what stays."""

from __future__ import annotations

import pytest

from falcocore.config.environment import expand
from falcocore.errors import ConfigError

ENVIRONMENT = {
    "A": "one",
    "B": "two",
    "EMPTY": "",
    "NAME": "A",
    "INNER": "<${A}>",
    "PRICE": "5$",
    "KEPT": "$${A}",
    "LOOP": "x${LOOP}",
    "PING": "${PONG}",
    "PONG": "${PING}",
}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${A}", "one"),
        ("a ${A} b ${B} c", "a one b two c"),
        ("${A}${B}", "onetwo"),
        # Not set, and set to nothing.
        ("[${MISSING}]", "[]"),
        ("[${EMPTY}]", "[]"),
        ("[${}]", "[]"),
        ("${a}", ""),
        # Escaped: one `$` goes away, and the rest of the text is still looked through.
        ("$${A}", "${A}"),
        ("$${A} ${B}", "${A} two"),
        ("${A} $${B} ${A}", "one ${B} one"),
        ("$${A}$${B}", "${A}${B}"),
        # Not closed: it stays, and so does everything behind it.
        ("${A", "${A"),
        ("${", "${"),
        ("$${A", "$${A"),
        ("${A} ${B", "one ${B"),
        # What was put in is looked through again.
        ("${INNER}", "<one>"),
        ("${KEPT} ${B}", "${A} two"),
        # A `$` that opens nothing ends the expansion for the rest of the value.
        ("$A ${B}", "$A ${B}"),
        ("100$ ${A}", "100$ ${A}"),
        ("${A} $ ${B}", "one $ ${B}"),
        ("${PRICE} ${A}", "5$ ${A}"),
        ("$$ ${A}", "$$ ${A}"),
        ("$$${A}", "$$${A}"),
        ("${A}$", "one$"),
        # Braces without `$` are nothing.
        ("{A} }${A}{", "{A} }one{"),
    ],
)
def test_variables_are_put_in(text: str, expanded: str) -> None:
    assert expand(text, ENVIRONMENT) == expanded


@pytest.mark.parametrize("text", ["${LOOP}", "${PING}", "a ${B} ${PONG}"])
def test_variables_that_contain_each_other_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="contain each other"):
        expand(text, ENVIRONMENT)


def test_many_variables_in_one_value_are_no_loop() -> None:
    assert expand("${A}," * 500, ENVIRONMENT) == "one," * 500
