"""Which resources are in which groups."""

from __future__ import annotations

import pytest

from falcocore_k8s_audit.policy.resources import BUILT_IN, read_api_resources


@pytest.mark.parametrize(
    ("resource", "groups"),
    [
        ("pods", [""]),
        ("deployments", ["apps", "extensions"]),
        ("ingresses", ["extensions", "networking.k8s.io"]),
        ("events", ["", "events.k8s.io"]),
        ("clusterroles", ["rbac.authorization.k8s.io"]),
        ("resourceclaims", ["resource.k8s.io"]),
    ],
)
def test_groups_of_a_resource(resource: str, groups: list[str]) -> None:
    assert list(BUILT_IN.groups_of(resource)) == groups


def test_a_resource_that_is_nowhere_may_be_in_any_group() -> None:
    assert list(BUILT_IN.groups_of("widgets")) == list(BUILT_IN.groups)


@pytest.mark.parametrize(
    ("subresource", "found"),
    [
        ("portforward", [("", "pods")]),
        ("token", [("", "serviceaccounts")]),
        ("approval", [("certificates.k8s.io", "certificatesigningrequests")]),
        ("proxy", [("", "nodes"), ("", "pods"), ("", "services")]),
        ("newer", [(group, None) for group in BUILT_IN.groups]),
    ],
)
def test_resources_with_a_subresource(subresource: str, found: list[tuple[str, str | None]]) -> None:
    assert list(BUILT_IN.with_subresource(subresource)) == found


LIST = "pods\nconfigmaps\n\ndeployments.apps\ncertificates.cert-manager.io\npods.metrics.k8s.io\n"


def test_list_of_a_cluster_takes_the_place_of_what_is_built_in() -> None:
    found = read_api_resources(LIST)
    assert found.complete
    assert list(found.groups_of("pods")) == ["", "metrics.k8s.io"]
    assert list(found.groups_of("certificates")) == ["cert-manager.io"]
    assert list(found.groups_of("secrets")) == []
    # Subresources are not in the list; those of Kubernetes are known, others may have any.
    assert list(found.with_subresource("exec")) == [
        ("", "pods"),
        ("cert-manager.io", None),
        ("metrics.k8s.io", None),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no resource in it"),
        ("\n \n", "there is no resource in it"),
        ("pods\nNAME   SHORTNAMES\n", "line 2 is no resource: 'NAME   SHORTNAMES'"),
        ("pods/exec", "line 1 is no resource"),
    ],
)
def test_what_is_no_list_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_api_resources(text)
