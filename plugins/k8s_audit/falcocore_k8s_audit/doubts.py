"""What may keep alerts away: no event comes, or none that a rule can match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from falcocore.toolkit import Projectable
from falcocore_k8s_audit.policy.cases import possible
from falcocore_k8s_audit.policy.levels import Level, Stage
from falcocore_k8s_audit.seen import Seen

_SHOWN = 5


def doubts_about_nothing(url: str) -> str:
    """What to look at where no event has come to the webhook."""
    health = url.rpartition("/")[0] + "/healthz"
    return (
        f"no event has come in the first minute. Likely causes, and how to see them:\n"
        f"  the kube-apiserver has no --audit-policy-file or --audit-webhook-config-file: look at its flags; "
        f"`falcocore k8s-audit policy` and `falcocore k8s-audit webhook-config --url URL` print both files\n"
        f"  it does not reach this address, which need not be one of its own network: from its host, "
        f"`curl {health}` answers ok\n"
        f"  it is refused: its log has lines with `webhook` and the reason\n"
        f"  its policy records nothing of what happens: `falcocore k8s-audit check POLICY` tells"
    )


def doubts_about_events(seen: Seen, rules: Sequence[Projectable]) -> str | None:
    """What to look at where no event that has come is of a level and stage that a rule can match."""
    pairs = seen.pairs()
    if not pairs:
        return None
    silent = [rule.name for rule in rules if _can_fire(rule, _EVERYTHING) and not _can_fire(rule, pairs)]
    if not silent:
        return None
    levels = ", ".join(level.word for level in sorted({level for level, _ in pairs}))
    stages = ", ".join(sorted({stage.value for _, stage in pairs}))
    names = ", ".join(silent[:_SHOWN]) + (", ..." if len(silent) > _SHOWN else "")
    return (
        f"{len(silent)} of {len(rules)} rules can't match what came so far, which is all of level {levels} "
        f"and stage {stages}: {names}\n"
        "  the kube-apiserver's audit policy says what is recorded: `falcocore k8s-audit policy` prints one "
        "under which all rules can, and `falcocore k8s-audit check POLICY` tells what yours keeps from them"
    )


_EVERYTHING = {(Level.REQUEST_RESPONSE, stage) for stage in Stage}


def _can_fire(rule: Projectable, pairs: Iterable[tuple[Level, Stage]]) -> bool:
    return any(possible(rule.condition, stage, level) is not False for level, stage in pairs)
