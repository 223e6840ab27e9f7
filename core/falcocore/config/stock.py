"""The configuration that `falcocore init` writes. A line that begins with `#` and no blank is one to use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from falcocore.options import REQUIRED, Option

_HEAD = """\
# The configuration of falcocore. Falco's keys mean here what they mean there. What is commented out shows a
# default or an example. `${VARIABLE}` is replaced by the environment's; `-o KEY=VALUE` overrides a key.

# --- Rules ----------------------------------------------------------------------------------------------

# Rule files and folders, read in this order: a later file appends to what stands in an earlier one, or
# overrides it. Keep rules of your own in a file of their own, and name it last. `pack:NAME` is a pack as
# it is installed.
"""

_RULES = """
# Which rules run, beyond what their files say; the last entry that speaks of a rule decides.
#rules:
#  - disable: {rule: "*"}
#  - enable: {tag: network}

# The least severe priority that runs: emergency, alert, critical, error, warning, notice, info or debug.
#priority: debug

# Whether an event makes an alert for the first rule that it fits, or for all of them.
#rule_matching: first

# --- Sources --------------------------------------------------------------------------------------------

# What runs without --source. `target` is what stands after `--source NAME=`; without it a source runs live.
# `instance` tells two of the same name apart; `restart: true` starts one again that has failed.
"""

_ALERTS = """
# --- Alerts ---------------------------------------------------------------------------------------------

# Alerts as JSON objects, one a line, and what stands in them.
#json_output: false
#json_include_output_property: true
#json_include_message_property: false
#json_include_tags_property: true
#json_include_output_fields_property: true

# Times in UTC, as 2024-05-01T12:00:00.000000000+0000, in alerts and on stderr.
#time_format_iso_8601: false

# Fields with a fixed value, which rules have as %static.NAME.
#static_fields:
#  cluster: production

# What is added to the alerts of the rules that `match` fits.
#append_output:
#  - match: {tags: [network]}
#    extra_output: "(event=%evt.num)"
#    extra_fields: [evt.time, {number: "%evt.num"}]
#    suggested_output: false

# --- Outputs --------------------------------------------------------------------------------------------

# Standard output is on unless another output is configured.
#stdout_output:
#  enabled: true

#file_output:
#  enabled: false
#  keep_alive: false
#  filename: alerts.log

# The syslog of this host, at /dev/log.
#syslog_output:
#  enabled: false

#program_output:
#  enabled: false
#  keep_alive: false
#  program: "mail -s alert security@example.com"

#http_output:
#  enabled: false
#  url: http://localhost:2801/

# Any number of outputs under names of your own, each with its options. An output gets the alerts that fit
# what is said of minimum_priority, rules, tags, sources and condition; a condition reads fields alert.*, as
# in `alert.severity < 4 and not alert.field[ka.user.name] = admin`.
"""

_TAIL = """
# Where alerts wait for outputs that are out of reach, through restarts too. It is used where there is an
# output other than stdout and files, or when it is enabled. path is a directory, which one process owns; by
# default /var/lib/falcocore for root, else ~/.local/state/falcocore. when_full is one of drop_oldest,
# drop_least_severe and refuse.
#outbox:
#  enabled: true
#  path: /var/lib/falcocore
#  max_size_mb: 1024
#  max_age_hours: 168
#  when_full: drop_oldest
#  duplicates_minutes: 30

# --- The rest -------------------------------------------------------------------------------------------

# What falcocore says of itself, on stderr: error, warning, info or debug.
#log_stderr: true
#log_level: info

# More files that are read after this one. strategy: append (lists are joined), override or add-only.
#config_files:
#  - {path: /etc/falcocore/config.d, strategy: append}
"""


def stock_config(
    rule_files: Mapping[Path, bool],
    running: Iterable[str],
    sources: Mapping[str, Mapping[str, Option]],
    outputs: Mapping[str, Mapping[str, Option]],
) -> str:
    """The text. `sources` and `outputs` are those installed, with their options; `running` are used.

    `rule_files` are read where they are True, and shown where not.
    """
    running = set(running)
    parts = [_HEAD, *_rule_files(rule_files), _RULES]
    parts.append("sources:\n" if running else "#sources:\n")
    for name in sorted(sources, key=lambda name: (name not in running, name)):
        hash_ = "" if name in running else "#"
        parts += [f"{hash_}  - name: {_name(name)}\n", *_options(sources[name], "    ")]
    parts += [_ALERTS, "#outputs:\n"]
    for name, options in outputs.items():
        parts += [f"#  {_name(f'my_{name}')}:\n#    type: {_name(name)}\n", *_options(options, "    ")]
    return "".join([*parts, _TAIL])


def _rule_files(paths: Mapping[Path, bool]) -> list[str]:
    if not any(paths.values()):
        return ["#rules_files:\n#  - my_rules.yaml\n"]
    lines = ((f"  - {_quoted(str(path))}\n", is_read) for path, is_read in paths.items())
    return ["rules_files:\n", *(line if is_read else f"#{line}" for line, is_read in lines)]


def _options(options: Mapping[str, Option], indent: str) -> list[str]:
    """Options as comments, each with its doc behind it."""
    if not options:
        return []
    lines = [f"#{indent}options:\n"]
    for option in options.values():
        value = _quoted("...") if option.default is REQUIRED else _quoted(option.plain_default)
        doc = " ".join(option.doc.split())
        lines.append(f"#{indent}  {option.name}: {value}{f'  # {doc}' if doc else ''}\n")
    return lines


def _quoted(value: Any) -> str:
    """A value in YAML, with no variable in it."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${")


def _name(text: str) -> str:
    return text if text.isidentifier() else _quoted(text)
