"""A plan in words: call by call what the kernel sends, and because of which rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from falcocore.api import Reason, Sent
from falcocore.toolkit import BoundCheck, Projectable, RuleSet, checks, fields_read, reduced
from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.classes import (
    ACCESS,
    CLASSES,
    CONTAINER,
    DIRECTORY,
    EVERY,
    FAILED,
    IPV4,
    IPV6,
    READS,
    ROOT,
    UNIX,
    WRITES,
    Kind,
)
from falcocore_syscall.live.pushdown.deciding import UNKNOWN_CALL, CallChecks, Checks
from falcocore_syscall.live.pushdown.lookups import MARKS
from falcocore_syscall.live.pushdown.needs import NO_NEEDS, Needs, Ranges
from falcocore_syscall.live.pushdown.plan import Action, CallPlan, Plan, Wish

_MOST_SHOWN = 6
_TWO_SIDES = (
    (FAILED, "that fail", "that succeed"),
    (CONTAINER, "in containers", "on the host"),
    (ROOT, "by root", "by other users than root"),
)
_DIRECTORIES = (DIRECTORY, "of directories", "without O_DIRECTORY")
_ACCESSES = {
    READS: "to read",
    WRITES: "to write",
    READS | WRITES: "to read and write",
    0: "to neither read nor write",
}
_LOOKS = {
    "paths": "the path",
    "climbs": "the path",
    "users": "the user",
    "ports": "the port",
    "programs": "the program",
    "exes": "the program",
    "directories": "the working directory",
    "parents": "the program's parents",
    "ancestors": "the program's parents",
    "marks": "the program",
}
_MARKS = {
    "exe_writable": "may be written",
    "exe_upper_layer": "is in the upper layer",
    "exe_lower_layer": "is in a lower layer",
    "exe_from_memfd": "is in memory only",
}
_FAMILIES = {UNIX: "of family unix", IPV4: "of IPv4", IPV6: "of IPv6", 0: "of other families"}


def describe_push_down(rules: RuleSet) -> tuple[Sent, ...]:
    """What the kernel sends of each call; calls that no rule can match are counted at the end."""
    plan = Plan.of(rules.rules)
    known = Checks(check for rule in rules.rules for check in checks(rule.condition))
    by_name = {rule.name: rule for rule in rules.rules}
    found = [Sent("forks, execs and exits of processes", "always sent, for what is known of processes")]
    for name, call in plan.calls.items():
        if call.action is not Action.NOTHING:
            decided = known.of_call(name)
            reasons = tuple(_reason(by_name[wish.rule], wish, call.kind, decided) for wish in call.wishes)
            shown = "calls that have no name here" if name == UNKNOWN_CALL else name
            found.append(Sent(shown, _what(call), reasons))
    left_out = sum(call.action is Action.NOTHING for call in plan.calls.values())
    found.append(Sent(f"{left_out} other system calls", "not sent, no rule can match them"))
    return tuple(found)


def _what(call: CallPlan) -> str:
    if call.certain == EVERY:
        return "everything"
    which = _classes_text(call.classes, call.kind)
    if call.certain == call.classes:
        return f"all {which}"
    looked_at = _listed(
        dict.fromkeys(_LOOKS[name] for needs in call.demand.terms for name in needs.asked), " and "
    )
    tested = f"{which}, depending on {looked_at}" if which else f"depending on {looked_at}"
    if call.certain:
        return f"{tested}; in any case all {_classes_text(call.certain, call.kind)}"
    return tested


def _reason(rule: Projectable, wish: Wish, kind: Kind, decided: CallChecks) -> Reason:
    demand = wish.demand
    asks = []
    if demand.anything:
        where = "" if demand.anything == EVERY else f"all {_classes_text(demand.anything, kind)}: "
        asks.append(where + _untested(rule, demand.anything, decided))
    for needs, classes in demand.terms.items():
        if needs != NO_NEEDS:
            where = _classes_text(classes, kind)
            asks.append((f"{where}: " if where else "") + _needs_text(needs))
    return Reason(rule.name, "; ".join(asks))


def _needs_text(needs: Needs) -> str:
    parts = []
    if needs.paths is not None:
        parts.append(f"the path {_atoms_text(sorted(needs.paths, key=_text))}")
    if needs.climbs:
        parts.append("it was asked for with ../")
    if needs.users is not None:
        parts.append(f"the user's number is {_ranges_text(needs.users)}")
    if needs.ports is not None:
        parts.append(f"a port is {_ranges_text(needs.ports)}")
    if needs.exes is not None:
        parts.append(f"what the program was started as {_atoms_text(sorted(needs.exes, key=_text))}")
    if needs.directories is not None:
        parts.append(f"the working directory {_atoms_text(sorted(needs.directories, key=_text))}")
    for who, names in (
        ("the program", needs.programs),
        ("its parent", needs.parents),
        ("it or a program above it", needs.ancestors),
    ):
        if names is not None:
            one_of = "is none of" if names.others else "is"
            parts.append(f"{who} {one_of} {_texts(sorted(names.listed))}")
    parts += [f"the program's file {_MARKS[mark]}" for mark in MARKS if mark in (needs.marks or ())]
    return _listed(parts, ", and ")


def _ranges_text(ranges: Ranges) -> str:
    return _shortened([str(low) if low == high else f"{low} to {high}" for low, high in ranges])


def _listed(parts: Iterable[str], last: str) -> str:
    *some, end = parts
    return f"{', '.join(some)}{last}{end}" if some else end


def _untested(rule: Projectable, classes: int, decided: CallChecks) -> str:
    """What a rule reads, beyond what a call's type and class tell, in the last class of a set."""
    bit = 1 << classes.bit_length() - 1
    left = reduced(rule.condition, _in_class(decided, bit))
    labels = [bound.label for bound in fields_read(left, ())]
    if not labels:
        return "the rule asks nothing else"
    more = len(labels) - _MOST_SHOWN
    shown = ", ".join(labels[:_MOST_SHOWN]) + (f" and {more} more fields" if more > 0 else "")
    return f"{shown} can't be tested in the kernel"


def _in_class(decided: CallChecks, bit: int) -> Callable[[BoundCheck], bool | None]:
    def decide(check: BoundCheck) -> bool | None:
        verdict = decided.decide(check)
        return True if verdict.holds & bit else False if verdict.fails & bit else None

    return decide


def _text(atom: Atom) -> bytes:
    return atom.text


def _atoms_text(atoms: Sequence[Atom]) -> str:
    shown = [
        f"{part.value} {_texts([atom.text for atom in atoms if atom.part is part])}"
        for part in Part
        if any(atom.part is part for atom in atoms)
    ]
    return ", or ".join(shown)


def _texts(texts: Iterable[bytes]) -> str:
    return _shortened([text.decode("utf-8", "replace") for text in texts])


def _shortened(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_SHOWN
    return ", ".join(texts[:_MOST_SHOWN]) + (f" or {more} more" if more > 0 else "")


def _classes_text(classes: int, kind: Kind) -> str:
    """Where a set of classes lies, in words; gaps of a set are not shown, nothing is said of all classes."""
    numbers = [number for number in range(CLASSES) if classes & 1 << number]
    return ", ".join(_limits(numbers, kind))


def _limits(numbers: list[int], kind: Kind) -> Iterator[str]:
    if kind is not Kind.PLAIN:
        names = _ACCESSES if kind is Kind.OPEN else _FAMILIES
        found = {number & ACCESS for number in numbers}
        if len(found) < len(names):
            yield " or ".join(text for value, text in names.items() if value in found)
    for bit, inside, outside in (*_TWO_SIDES, *((_DIRECTORIES,) if kind is Kind.OPEN else ())):
        found = {number & bit for number in numbers}
        if len(found) == 1:
            yield inside if found == {bit} else outside
