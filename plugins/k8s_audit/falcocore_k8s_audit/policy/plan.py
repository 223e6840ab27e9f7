"""From demands to the entries of a policy, of which the first that names a request decides.

An entry is recorded as far as any demand asks for that may reach it. So every list of entries in which each
demand's requests stand is right, whatever their order; order, cuts and splits only make it record less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from falcocore_k8s_audit.policy.demands import Demand, joined
from falcocore_k8s_audit.policy.levels import NOTHING, Need
from falcocore_k8s_audit.policy.requests import Requests

MOST_REFINEMENTS = 60
"""Entries that are put in to record less; a policy has to stay readable."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of a policy: which requests, what is recorded of them, and because of which rules."""

    requests: Requests
    need: Need
    rules: tuple[str, ...] = ()


def entries_of(demands: Sequence[Demand]) -> list[Entry]:
    """The entries of a policy under which every demand is met."""
    fewer = sorted(joined(demands), key=_rank)
    named = _refined(list(dict.fromkeys(_with_cuts(fewer))), fewer)
    merged = _merged(_without_idle(named, fewer))
    return [replace(entry, rules=_rules_of(merged, index, demands)) for index, entry in enumerate(merged)]


def _rules_of(entries: Sequence[Entry], index: int, demands: Iterable[Demand]) -> tuple[str, ...]:
    """The rules that may match what an entry decides about."""
    reaching = _reaching([entry.requests for entry in entries], index, demands)
    return tuple(dict.fromkeys(demand.rule for demand in reaching))


def _rank(demand: Demand) -> tuple[int, int]:
    """What names little comes first, because what comes first decides; then what needs more."""
    requests = demand.requests
    if requests.targets is not None or (requests.urls is not None and "*" not in requests.urls):
        breadth = 0
    elif requests.users is not None or requests.user_groups is not None:
        breadth = 1
    elif requests.namespaces is not None or requests.verbs is not None:
        breadth = 2
    else:
        breadth = 3
    return breadth, -demand.need.level


def _with_cuts(demands: Iterable[Demand]) -> Iterator[Requests]:
    """The requests of each demand; before those that name no resource, what is sure to be another's.

    Such demands often share these exclusions, which are whole groups and all that is no resource.
    """
    for demand in demands:
        if not demand.requests.is_for_resources:
            yield from (e for e in demand.exclusions if e.urls is not None or e.targets is not None)
        yield demand.requests


def _reaching(named: Sequence[Requests], index: int, demands: Iterable[Demand]) -> list[Demand]:
    """The demands of which a request may reach an entry: it is not sure to be decided before."""
    found = []
    for demand in demands:
        common = demand.of(named[index])
        if common is not None and not any(earlier.covers(common) for earlier in named[:index]):
            found.append(demand)
    return found


def _needed(demands: Iterable[Demand]) -> Need:
    return reduce(or_, (demand.need for demand in demands), NOTHING)


def _entries(named: Sequence[Requests], demands: Sequence[Demand]) -> list[Entry]:
    return [
        Entry(requests, _needed(_reaching(named, index, demands))) for index, requests in enumerate(named)
    ]


def _refined(named: list[Requests], demands: Sequence[Demand]) -> list[Requests]:
    """With entries of their own for what would make a larger entry record more, or needs less than it."""
    index = 0
    for _ in range(MOST_REFINEMENTS):
        part = None
        while index < len(named) and (part := _part(named, index, demands)) is None:
            index += 1
        if part is None:
            break
        named.insert(index, part)
    return named


def _part(named: Sequence[Requests], index: int, demands: Sequence[Demand]) -> Requests | None:
    reaching = _reaching(named, index, demands)
    part = _costly_part(named[index], reaching) or _cheap_part(named, index, reaching)
    if part is None or part.verbs is None:
        return part
    # For all verbs at once, where that records nothing more: it may serve the entries behind, too.
    wide = replace(part, verbs=None)
    needing = _reaching([*named[:index], wide], index, demands)
    same = _needed(needing) == _needed(_reaching([*named[:index], part], index, demands))
    return wide if same and all(demand.requests.covers(wide) for demand in needing) else part


def _costly_part(requests: Requests, reaching: Sequence[Demand]) -> Requests | None:
    """The part of an entry that a demand asks more for than the rest of it is needed for."""
    parts = [(d, part) for d in reaching if (part := _strict_part(d.requests, requests)) is not None]
    asking = {id(demand) for demand, _ in parts}
    if not parts or _needed(d for d in reaching if id(d) not in asking) == _needed(reaching):
        return None
    return max(parts, key=lambda found: found[0].need.level)[1]


def _cheap_part(named: Sequence[Requests], index: int, reaching: Sequence[Demand]) -> Requests | None:
    """A part of an entry that a demand excludes, where the others need a lower level of it."""
    level, before = _needed(reaching).level, named[:index]
    for exclusion in dict.fromkeys(e for demand in reaching for e in demand.exclusions):
        part = _strict_part(exclusion, named[index])
        if part is None or any(earlier.covers(part) for earlier in before):
            continue
        if _needed(_reaching([*before, part], index, reaching)).level < level:
            return part
    return None


def _strict_part(some: Requests, requests: Requests) -> Requests | None:
    """Those of `requests` that are among some; None where there are none, or these may be all of them."""
    common = some.intersection(requests)
    return None if common is None or common.covers(requests) else common


def _without_idle(named: list[Requests], demands: Sequence[Demand]) -> list[Entry]:
    """Without the entries whose requests would be recorded in the same way if they weren't there."""
    entries = _entries(named, demands)
    index = 0
    while index < len(entries):
        if _is_idle(entries, index):
            fewer = _entries([e.requests for i, e in enumerate(entries) if i != index], demands)
            if [e.need for e in fewer] == [e.need for i, e in enumerate(entries) if i != index]:
                entries = fewer
                continue
        index += 1
    return entries


def _is_idle(entries: Sequence[Entry], index: int) -> bool:
    entry = entries[index]
    if any(earlier.requests.covers(entry.requests) for earlier in entries[:index]):
        return True
    for later in entries[index + 1 :]:
        if later.requests.intersection(entry.requests) is None:
            continue
        if later.need != entry.need:
            return False
        if later.requests.covers(entry.requests):
            return True
    return entry.need == NOTHING


def _merged(entries: Iterable[Entry]) -> list[Entry]:
    """With one entry for several that record the same and that no other stands between."""
    found: list[Entry] = []
    for entry in entries:
        for index in range(len(found) - 1, -1, -1):
            other = found[index]
            union = other.requests.union(entry.requests) if other.need == entry.need else None
            if union is not None:
                found[index] = Entry(union, entry.need)
                break
            if other.need != entry.need and other.requests.intersection(entry.requests) is not None:
                found.append(entry)
                break
        else:
            found.append(entry)
    return found
