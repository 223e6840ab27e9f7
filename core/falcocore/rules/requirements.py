"""`required_plugin_versions`: which versions of Falco's plugins this project's behaviour matches."""

from __future__ import annotations

from collections.abc import Iterable, Set

from falcocore.errors import nearest
from falcocore.lang.diagnostics import Code, Diagnostic, Report
from falcocore.rules.items import PluginVersion, Requirement

OFFERED: dict[str, tuple[tuple[int, int, int], str | None]] = {
    "k8saudit": ((0, 18, 0), "k8s_audit"),
    "json": ((0, 7, 4), None),
    "container": ((0, 7, 1), "syscall"),
}
"""Plugin to the version whose fields and behaviour are offered here, and its source (None: any)."""

ELSEWHERE = frozenset(
    {
        "anomalydetection",
        "cloudtrail",
        "dummy",
        "dummy_c",
        "gcpaudit",
        "github",
        "gitlab",
        "k8saudit-aks",
        "k8saudit-eks",
        "k8saudit-gke",
        "k8saudit-ovh",
        "k8smeta",
        "kafka",
        "keycloak",
        "krsi",
        "nomad",
        "okta",
        "salesforce",
    }
)
"""Falco's other plugins: rules that need one of them are of a source that can't be running here."""


def check_requirements(requirements: Iterable[Requirement], running: Set[str], report: Report) -> None:
    """Report what can't be met. A requirement of a source that isn't running is no error."""
    for requirement in requirements:
        offered = next((p for p in requirement.alternatives if p.name in OFFERED), None)
        if offered is not None:
            _check_version(offered, requirement, running, report)
        elif not any(plugin.name in ELSEWHERE for plugin in requirement.alternatives):
            names = " or ".join(plugin.name for plugin in requirement.alternatives)
            near = nearest(requirement.alternatives[0].name, [*OFFERED, *ELSEWHERE])
            hint = f"did you mean {near}?" if near else f"known are {', '.join(OFFERED)}"
            message = f"the rules need the plugin {names}, which is not there"
            report.add(Diagnostic(Code.PLUGIN_VERSION, message, requirement.span, hint=hint))


def _check_version(
    plugin: PluginVersion, requirement: Requirement, running: Set[str], report: Report
) -> None:
    version, source = OFFERED[plugin.name]
    if source is not None and source not in running:
        return
    if plugin.version[0] != version[0] or plugin.version > version:
        needed, have = (".".join(map(str, v)) for v in (plugin.version, version))
        message = f"the rules need {plugin.name} {needed}, and what is offered here matches {have}"
        report.add(Diagnostic(Code.PLUGIN_VERSION, message, requirement.span, hint="update falcocore"))
