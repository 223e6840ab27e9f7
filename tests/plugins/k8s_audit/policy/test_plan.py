"""How small a policy is: what it does not record. That it records enough is in test_equal_alerts."""

from __future__ import annotations

import pytest

from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, load
from falcocore_k8s_audit.policy.demands import demands_of
from falcocore_k8s_audit.policy.levels import Stage
from falcocore_k8s_audit.policy.plan import Entry, entries_of
from falcocore_k8s_audit.policy.resources import Cluster, read_api_resources
from tests.support.audit_fields import table
from tests.support.rule_texts import rule

CLUSTER = Cluster(read_api_resources("pods\nconfigmaps\nsecrets\ndeployments.apps"))
DONE = "ka.stage = ResponseComplete and "


def entries(*rules: tuple[str, str], cluster: Cluster = CLUSTER) -> list[Entry]:
    """The entries for rules of (condition, output)."""
    text = "".join(
        rule(f"'{condition}'", f"R{number}", output=f"'{output}'", source="k8s_audit")
        for number, (condition, output) in enumerate(rules)
    )
    catalogue = Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"}))
    loaded = load([SourceFile("rules.yaml", text)], catalogue)
    assert loaded.errors == []
    return entries_of(demands_of(loaded.rule_sets["k8s_audit"].rules, cluster))


def shown(found: list[Entry]) -> list[str]:
    """Entries in short: level, stages but ResponseComplete, and what they are about."""
    lines = []
    for entry in found:
        requests = entry.requests
        stages = [stage.value for stage in Stage if stage in entry.need.stages - {Stage.RESPONSE_COMPLETE}]
        parts = [entry.need.level.word, *stages]
        for names in (
            requests.verbs,
            requests.users,
            requests.user_groups,
            requests.namespaces,
            requests.urls,
        ):
            parts += [",".join(sorted(names))] if names is not None else []
        kinds = {
            f"{t.resource or '*'}{'' if t.subresource == '' else '/' + (t.subresource or '*')}"
            for t in requests.targets or ()
        }
        parts += [",".join(sorted(kinds))] if kinds else []
        lines.append(" ".join(parts))
    return lines


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], []),
        ([("ka.verb = get and not jevt.rawtime exists", "x")], []),
        ([(DONE + "ka.verb = get", "x")], ["Metadata get"]),
        # One entry for what is recorded in the same way.
        (
            [(DONE + "ka.verb = get and ka.target.resource = pods", "x"),
             (DONE + "ka.verb = list and ka.target.resource = pods", "x"),
             (DONE + "ka.verb in (get, list) and ka.target.resource = secrets", "x")],
            ["Metadata get,list pods/*,secrets/*"],
        ),
        # What is named by a narrow rule comes before what a wide one needs less of.
        (
            [(DONE + "ka.user.name = bob", "x"),
             (DONE + "ka.verb = create and ka.target.resource = pods", "%ka.resp.name")],
            ["RequestResponse create pods/*", "Metadata bob"],
        ),
        # Part of a narrow one that a wide one needs more of has an entry of its own.
        (
            [(DONE + "ka.user.name = bob", "%ka.resp.name"),
             (DONE + "ka.verb = create and ka.target.resource = pods", "x")],
            ["RequestResponse create bob pods/*", "Metadata create pods/*", "RequestResponse bob"],
        ),
        (
            [("ka.stage = ResponseStarted and ka.target.resource = pods", "x"),
             (DONE + "ka.user.name = bob", "x")],
            ["Metadata ResponseStarted bob pods/*", "Metadata ResponseStarted pods/*", "Metadata bob"],
        ),
        # What a rule excludes is left out if no other rule needs it.
        (
            [(DONE + "not ka.user.name in (amy, bob)", "x")],
            ["None amy,bob", "Metadata"],
        ),
        (
            [(DONE + "not ka.user.name in (amy, bob)", "x"), (DONE + "ka.user.name = bob", "%ka.resp.name")],
            ["RequestResponse bob", "None amy,bob", "Metadata"],
        ),
        (
            [(DONE + "not ka.user.name = amy", "x"), (DONE + "not ka.user.name = bob", "x")],
            ["Metadata"],
        ),
        (
            [(DONE + "not ka.verb in (get, list) and ka.target.resource = secrets", "x")],
            ["None get,list secrets/*", "Metadata secrets/*"],
        ),
        # Nothing is said of what is recorded in the same way without it.
        (
            [(DONE + "ka.verb = get and ka.target.resource = pods", "x"), (DONE + "ka.verb = get", "x")],
            ["Metadata get"],
        ),
        # Nor of what never comes so far.
        (
            [(DONE + "ka.verb = create", "%ka.resp.name"),
             (DONE + "ka.verb = create and ka.target.namespace = shop", "x"),
             (DONE + "ka.useragent exists", "x")],
            ["RequestResponse create", "Metadata"],
        ),
        # What is between two is no matter where it is about something else.
        (
            [(DONE + "ka.verb = create and ka.target.resource = secrets", "%ka.req.configmap.obj"),
             (DONE + "ka.verb = get and ka.target.resource = deployments", "x"),
             (DONE + "ka.verb = create and ka.target.resource = configmaps", "x"),
             ("ka.stage = ResponseStarted and ka.verb = create", "%ka.req.configmap.obj")],
            ["Request ResponseStarted create configmaps/*,secrets/*", "Metadata get deployments/*",
             "Request ResponseStarted create"],
        ),
        # The same path may be asked for of a resource.
        (
            [(DONE + "ka.uri = /healthz", "x")],
            ["Metadata /healthz", "None *", "Metadata"],
        ),
        (
            [(DONE + "ka.uri = /healthz and not ka.target.resource exists", "x")],
            ["Metadata /healthz"],
        ),
    ],
)  # fmt: skip
def test_entries(rules: list[tuple[str, str]], expected: list[str]) -> None:
    assert shown(entries(*rules)) == expected


def test_what_is_in_other_groups_comes_behind_what_is_known() -> None:
    condition = DONE + "ka.verb = create and ka.target.resource = pods"
    found = shown(entries((condition, "%ka.resp.name"), cluster=Cluster()))
    assert found == ["RequestResponse create pods/*", "None *", "None */*", "RequestResponse create"]


def test_what_is_sure_to_be_known_is_kept_apart_for_all_verbs_at_once() -> None:
    made = DONE + "ka.verb = create and ka.target.resource = pods"
    changed = DONE + "ka.verb in (update, patch) and ka.target.resource = pods"
    bob = DONE + "ka.user.name = bob"
    found = entries(
        (made, "%ka.resp.name"), (changed, "%ka.req.configmap.obj"), (bob, "x"), cluster=Cluster()
    )
    assert shown(found) == [
        "RequestResponse create pods/*",
        "Request patch,update pods/*",
        "Metadata bob *",
        "Metadata bob */*",
        "RequestResponse create bob",
        "Request patch,update bob",
        "Metadata bob",
        "None *",
        "None */*",
        "RequestResponse create",
        "Request patch,update",
    ]


def test_an_entry_names_the_rules_that_may_match_what_it_decides_about() -> None:
    found = entries(
        (DONE + "ka.verb = create and ka.target.resource = pods", "x"),
        (DONE + "ka.verb = create and ka.target.resource = secrets", "x"),
        (DONE + "ka.user.name = bob", "x"),
    )
    assert [entry.rules for entry in found] == [("R0", "R1", "R2"), ("R2",)]


def test_managed_fields_are_recorded_where_a_rule_reads_them() -> None:
    found = entries(
        (DONE + "ka.verb = create and ka.target.resource = pods", "%jevt.value[/requestObject/metadata]"),
        (DONE + "ka.verb = create and ka.target.resource = secrets", "%ka.req.configmap.obj"),
    )
    assert [entry.need.managed_fields for entry in found] == [True, False]
