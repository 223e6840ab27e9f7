"""Which resources there are in which API groups.

Rules name a resource and mean it in every group, while a policy has no wildcard for groups. So the groups
that come with Kubernetes are listed here, with their resources and subresources, as api/discovery of
Kubernetes up to 1.36 has them (`extensions`: as of 1.15); a cluster's own list can take their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_STATUS = frozenset({"status"})
_SCALED = frozenset({"scale", "status"})
_NONE: frozenset[str] = frozenset()


def _table(*groups: tuple[str, str, str]) -> dict[str, dict[str, frozenset[str]]]:
    """Groups to resources to subresources; `plain` resources have none."""
    table: dict[str, dict[str, frozenset[str]]] = {}
    for group, with_status, plain in groups:
        table[group] = dict.fromkeys(with_status.split(), _STATUS)
        table[group].update((resource, _NONE) for resource in plain.split())
    return table


def _built_in() -> dict[str, dict[str, frozenset[str]]]:
    table = _table(
        (
            "",
            "namespaces nodes persistentvolumeclaims persistentvolumes pods replicationcontrollers"
            " resourcequotas services",
            "bindings componentstatuses configmaps endpoints events limitranges podtemplates secrets"
            " serviceaccounts",
        ),
        (
            "admissionregistration.k8s.io",
            "validatingadmissionpolicies",
            "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations"
            " validatingadmissionpolicybindings validatingwebhookconfigurations",
        ),
        ("apiextensions.k8s.io", "customresourcedefinitions", ""),
        ("apiregistration.k8s.io", "apiservices", ""),
        ("apps", "daemonsets deployments replicasets statefulsets", "controllerrevisions"),
        ("authentication.k8s.io", "", "selfsubjectreviews tokenreviews"),
        (
            "authorization.k8s.io",
            "",
            "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
        ),
        ("autoscaling", "horizontalpodautoscalers", ""),
        ("batch", "cronjobs jobs", ""),
        (
            "certificates.k8s.io",
            "certificatesigningrequests podcertificaterequests",
            "clustertrustbundles",
        ),
        ("coordination.k8s.io", "", "leasecandidates leases"),
        ("discovery.k8s.io", "", "endpointslices"),
        ("events.k8s.io", "", "events"),
        ("extensions", "daemonsets deployments ingresses replicasets", "networkpolicies podsecuritypolicies"),
        ("flowcontrol.apiserver.k8s.io", "flowschemas prioritylevelconfigurations", ""),
        ("internal.apiserver.k8s.io", "storageversions", ""),
        ("networking.k8s.io", "ingresses servicecidrs", "ingressclasses ipaddresses networkpolicies"),
        ("node.k8s.io", "", "runtimeclasses"),
        ("policy", "poddisruptionbudgets", "podsecuritypolicies"),
        ("rbac.authorization.k8s.io", "", "clusterrolebindings clusterroles rolebindings roles"),
        (
            "resource.k8s.io",
            "podschedulingcontexts resourceclaims",
            "deviceclasses devicetaintrules resourceclaimparameters resourceclaimtemplates resourceclasses"
            " resourceclassparameters resourceslices",
        ),
        ("scheduling.k8s.io", "podgroups workloads", "priorityclasses"),
        (
            "storage.k8s.io",
            "volumeattachments",
            "csidrivers csinodes csistoragecapacities storageclasses volumeattributesclasses",
        ),
        ("storagemigration.k8s.io", "storageversionmigrations", ""),
    )
    core = table[""]
    core["namespaces"] |= {"finalize"}
    core["nodes"] |= {"proxy"}
    core["pods"] |= {"attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward"}
    core["pods"] |= {"proxy", "resize"}
    core["replicationcontrollers"] |= _SCALED
    core["serviceaccounts"] |= {"token"}
    core["services"] |= {"proxy"}
    for resource in ("deployments", "replicasets", "statefulsets"):
        table["apps"][resource] |= _SCALED
    table["certificates.k8s.io"]["certificatesigningrequests"] |= {"approval"}
    table["resource.k8s.io"]["resourceclaims"] |= {"binding", "driver"}
    table["resource.k8s.io"]["devicetaintrules"] |= _STATUS
    return table


@dataclass(frozen=True, slots=True)
class ApiResources:
    """Groups to resources to subresources. `complete` where a cluster has no other groups."""

    groups: Mapping[str, Mapping[str, frozenset[str]]]
    complete: bool = False

    def groups_of(self, resource: str) -> Iterable[str]:
        """The groups with a resource; for one that stands nowhere, all, as a later version may have it."""
        found = [group for group, resources in self.groups.items() if resource in resources]
        return found or ([] if self.complete else self.groups)

    def with_subresource(self, subresource: str) -> Iterator[tuple[str, str | None]]:
        """(group, resource) of what may have a subresource; None is any resource of the group."""
        is_known = any(subresource in subs for all_of in BUILT_IN.groups.values() for subs in all_of.values())
        for group, resources in self.groups.items():
            if group not in BUILT_IN.groups or not is_known:
                yield group, None
                continue
            for resource, subresources in resources.items():
                if subresource in subresources:
                    yield group, resource


BUILT_IN: Final = ApiResources(_built_in())


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is known of the cluster that a policy is for.

    `trusts_group_names`: who is in a group of NAMES_OF_GROUPS has such a name. Kubernetes gives them such
    names, but whoever signs certificates may give others.
    """

    resources: ApiResources = BUILT_IN
    trusts_group_names: bool = False


NAMES_OF_GROUPS: Final = {
    "system:nodes": "system:node:",
    "system:serviceaccounts": "system:serviceaccount:",
}
"""Groups of many users, and how the names of these begin."""

_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9.-]+)?")


def read_api_resources(text: str) -> ApiResources:
    """What `kubectl api-resources -o name` prints: `pods`, `deployments.apps`.

    Subresources are not in it; those that come with Kubernetes are put in.

    Raises:
        ValueError: a line is something else, or there is none; the message says which.
    """
    groups: dict[str, dict[str, frozenset[str]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if not _NAME.fullmatch(line.strip()):
            raise ValueError(f"line {number} is no resource: {line.strip()[:60]!r}")
        resource, _, group = line.strip().partition(".")
        known = BUILT_IN.groups.get(group, {}).get(resource, _NONE)
        groups.setdefault(group, {})[resource] = known
    if not groups:
        raise ValueError("there is no resource in it")
    return ApiResources(groups, complete=True)
