"""The text of an audit policy: YAML with comments that say because of which rules an entry stands there."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import yaml

from falcocore.toolkit import Projectable
from falcocore_k8s_audit.policy.demands import Demand, demands_of, in_known_groups
from falcocore_k8s_audit.policy.levels import ALL_STAGES, NOTHING, Level, Stage
from falcocore_k8s_audit.policy.plan import Entry, entries_of
from falcocore_k8s_audit.policy.reader import API_VERSION
from falcocore_k8s_audit.policy.requests import EVERY, Requests, Target
from falcocore_k8s_audit.policy.resources import NAMES_OF_GROUPS, Cluster

_WIDTH: Final = 110
_YAML_WIDTH: Final = 50
"""A line ends behind the first word that goes beyond it."""
_ORDER = tuple(Stage)
_NO_REQUEST = Entry(EVERY, NOTHING)
"""Says of all requests that nothing is recorded, which is what the server does at the end of a policy."""


def policy_text(rules: Sequence[Projectable], cluster: Cluster) -> str:
    """The smallest policy that is known under which each rule fires as if everything were recorded."""
    demands = demands_of(rules, cluster)
    entries = entries_of(demands) or [_NO_REQUEST]
    recorded = frozenset().union(*(entry.need.stages for entry in entries))
    omitted = ALL_STAGES - recorded if recorded else frozenset()
    lines = [*_summary(rules, demands, entries, omitted, cluster)]
    lines += [f"apiVersion: {API_VERSION}\n", "kind: Policy\n"]
    if omitted:
        lines.append(_yaml({"omitStages": _words(omitted)}))
    lines += ["omitManagedFields: true\n", "rules:\n"]
    for entry in entries:
        lines += [*_comment(entry), _yaml([_rule(entry, omitted)])]
    return "".join(lines)


def _summary(
    rules: Sequence[Projectable],
    demands: Sequence[Demand],
    entries: Sequence[Entry],
    omitted: frozenset[Stage],
    cluster: Cluster,
) -> Iterator[str]:
    names = [rule.name for rule in rules]
    count = f"{len(names)} rule{'s' if len(names) != 1 else ''}"
    yield from _wrapped(
        f"Audit policy for {count}, made by `falcocore k8s-audit policy`. Under it each of them fires as if"
        " everything were recorded. Make it anew when rules change."
    )
    yield "#\n"
    by_level: dict[Level, int] = defaultdict(int)
    for entry in entries:
        by_level[entry.need.level] += 1
    shown = ", ".join(f"{by_level[level]} {level.word}" for level in reversed(Level) if by_level[level])
    yield from _wrapped(f"Entries by level: {shown}; the first that a request fits decides.")
    if omitted:
        yield from _wrapped(f"Stages that no rule needs: {', '.join(_words(omitted))}.")
    if cluster.resources.complete:
        yield from _wrapped("API groups: those of the list that was given. Make it anew when others come.")
    else:
        yield from _wrapped(
            "API groups: those that come with Kubernetes. What rules say of a resource holds in any group, so"
            " the last entries record what is in others; `--api-resources` makes them unnecessary."
        )
    if cluster.trusts_group_names:
        groups = "; ".join(f"{start}* in {group}" for group, start in NAMES_OF_GROUPS.items())
        yield from _wrapped(f"Names that users of groups are taken to have: {groups}.")
    elif demands_of(rules, replace(cluster, trusts_group_names=True)) != demands:
        yield from _wrapped(
            "Rules speak of how users' names begin, which no policy can; `--trust-group-names` leaves out"
            " nodes and service accounts where their names are such."
        )
    met = {demand.rule for demand in demands}
    yield from _listed("Rules that no event can match:", [name for name in names if name not in met])
    others = in_known_groups(cluster.resources)
    wide = {d.rule for d in demands if d.requests == EVERY and others not in d.exclusions}
    yield from _listed(
        "Rules that may match any request, as no policy can test what they ask for:",
        [n for n in names if n in wide],
    )


def _listed(title: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield from _wrapped(title)
        yield from (f"#   {_on_one_line(name)}\n" for name in names)


def _comment(entry: Entry) -> Iterator[str]:
    yield "\n"
    if entry.need == NOTHING:
        yield "# No rule needs these.\n"
    else:
        yield from _wrapped(f"For {'; '.join(entry.rules)}")


def _wrapped(text: str) -> Iterator[str]:
    """The text as comment lines."""
    for line in textwrap.wrap(_on_one_line(text), _WIDTH - 2, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}\n"


def _on_one_line(text: str) -> str:
    """The text without what would end a comment; a rule's name may hold anything."""
    return "".join(c if c.isprintable() else " " for c in text)


def _rule(entry: Entry, omitted: frozenset[Stage]) -> dict[str, Any]:
    requests, need = entry.requests, entry.need
    rule: dict[str, Any] = {"level": need.level.word}
    for key, names in (
        ("verbs", requests.verbs),
        ("users", requests.users),
        ("userGroups", requests.user_groups),
        ("namespaces", requests.namespaces),
    ):
        if names is not None:
            rule[key] = sorted(names)
    if requests.targets is not None:
        rule["resources"] = list(_resources(requests))
    if requests.urls is not None:
        rule["nonResourceURLs"] = sorted(requests.urls)
    if need != NOTHING and (more := ALL_STAGES - need.stages - omitted):
        rule["omitStages"] = _words(more)
    if need.managed_fields:
        rule["omitManagedFields"] = False
    return rule


def _resources(requests: Requests) -> Iterator[dict[str, Any]]:
    """The targets by group and names; resources with the same names share an entry."""
    names: dict[Target, set[str]] = defaultdict(set)
    any_name = set()
    for target in requests.targets or ():
        bare = Target(target.group, target.resource, target.subresource)
        if target.name is None:
            any_name.add(bare)
        else:
            names[bare].add(target.name)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for bare in {*any_name, *names}:
        key = (bare.group, () if bare in any_name else tuple(sorted(names[bare])))
        grouped[key] += _patterns(bare)
    for (group, with_names), patterns in sorted(grouped.items()):
        entry: dict[str, Any] = {"group": group}
        if patterns != ["*"] or with_names:
            entry["resources"] = sorted(patterns)
        if with_names:
            entry["resourceNames"] = list(with_names)
        yield entry


def _patterns(target: Target) -> list[str]:
    if target.resource is None:
        return ["*" if target.subresource is None else f"*/{target.subresource}"]
    if target.subresource is None:
        # The server takes `pods/*` for pods, too; its documentation does not.
        return [target.resource, f"{target.resource}/*"]
    return [f"{target.resource}/{target.subresource}" if target.subresource else target.resource]


def _words(stages: Iterable[Stage]) -> list[str]:
    return [stage.value for stage in sorted(stages, key=_ORDER.index)]


def _yaml(value: dict[str, Any] | list[dict[str, Any]]) -> str:
    """YAML with lists of texts on one line, everything else below each other."""
    rules = value if isinstance(value, list) else [value]
    has_lists = any(isinstance(part, list) for rule in rules for part in rule.values())
    style = None if has_lists else False  # None would put a mapping without lists on one line, too.
    text: str = yaml.safe_dump(
        value, sort_keys=False, default_flow_style=style, width=_YAML_WIDTH, allow_unicode=True
    )
    return text
