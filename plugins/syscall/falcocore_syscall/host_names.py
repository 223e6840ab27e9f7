"""The host names that rules compare addresses with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcocore_syscall.state.names import HostNames

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet

WAIT_S = 5.0
"""How long the first event waits for them."""
_FIELDS = ("fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name")


def watch_names(names: HostNames, rules: RuleSet) -> None:
    """Have the addresses looked up of all names that a set of rules has."""
    names.watch(str(name) for field in _FIELDS for name in rules.constants(field) if name)
