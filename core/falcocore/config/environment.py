"""`${VAR}` in scalars of the configuration (cli-and-config, section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from falcocore.errors import ConfigError

MAX_SUBSTITUTIONS = 1000


def expand(text: str, environment: Mapping[str, str]) -> str:
    """The text with `${VAR}` replaced by the variable's value, empty where it is not set.

    `$${X}` stands for a literal `${X}`. What was put in is looked through again. A `$` without `{` ends
    the expansion, and an unclosed `${` stays.

    Raises:
        ConfigError: variables that contain each other without end.
    """
    at = 0
    for _ in range(MAX_SUBSTITUTIONS):
        at = text.find("$", at)
        if at < 0:
            return text
        literal = text.startswith("$${", at)
        end = text.find("}", at)
        if end < 0 or not (literal or text.startswith("${", at)):
            return text
        if literal:
            text = text[:at] + text[at + 1 :]
            at = end
        else:
            text = text[:at] + environment.get(text[at + 2 : end].strip(), "") + text[end + 1 :]
    raise ConfigError(f"environment variables contain each other without end: {text[:60]}")
