"""An outbox on disk with alerts that wait and dead letters, as a run leaves it behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from falcocore.outbox.limits import Limits
from falcocore.outbox.store import Addressed, Group, Store
from falcocore.output import Alert
from falcocore.testing import sample_alert


def keep(
    path: Path,
    *alerts: Alert,
    outputs: Sequence[str] = ("web",),
    dead: dict[str, dict[int, str]] | None = None,
    limits: Limits | None = None,
) -> None:
    """Append alerts for outputs; `dead` are reasons by output and number, the first alert ever being 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    store = Store(path, limits or Limits())
    store.set_outputs(outputs)
    store.append([Group([Addressed(alert, outputs) for alert in alerts], acknowledged=True)])
    for output, reasons in (dead or {}).items():
        for seq, reason in reasons.items():
            store.bury(output, seq, reason)
    store.close()


def samples(count: int) -> list[Alert]:
    """Alerts of `Rule 1`, `Rule 2` and so on."""
    return [sample_alert(number) for number in range(1, count + 1)]
