"""The text of a policy: what its reader sees, and that the API server takes it."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rulefiles import read_files
from falcocore.rules.loader import Catalogue, load
from falcocore.ruleset import Rule
from falcocore_k8s_audit.policy.demands import demands_of
from falcocore_k8s_audit.policy.document import policy_text
from falcocore_k8s_audit.policy.plan import entries_of
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.resources import Cluster, read_api_resources
from tests.support.audit_fields import table
from tests.support.audit_requests import rule_files
from tests.support.condition_strategies import bounded
from tests.support.rule_texts import rule

CLUSTER = Cluster(read_api_resources("pods\nconfigmaps\nclusterroles.rbac.authorization.k8s.io"))


def rules_of(*files: SourceFile) -> tuple[Rule, ...]:
    catalogue = Catalogue({"k8s_audit": table()}, frozenset({"k8s_audit"}))
    loaded = load(files, catalogue)
    assert loaded.errors == []
    return loaded.rule_sets["k8s_audit"].rules


def made(*rules: str, cluster: Cluster = CLUSTER) -> str:
    return policy_text(rules_of(SourceFile("rules.yaml", "".join(rules))), cluster)


GOLDEN = """\
# Audit policy for 3 rules, made by `falcocore k8s-audit policy`. Under it each of them fires as if everything
# were recorded. Make it anew when rules change.
#
# Entries by level: 1 RequestResponse, 1 Metadata, 1 None; the first that a request fits decides.
# Stages that no rule needs: RequestReceived, Panic.
# API groups: those of the list that was given. Make it anew when others come.
# Rules that no event can match:
#   Never
# Rules that may match any request, as no policy can test what they ask for:
#   Anybody else
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, Panic]
omitManagedFields: true
rules:

# For Pod made; Anybody else
- level: RequestResponse
  verbs: [create]
  resources:
  - group: ''
    resources: [pods, pods/*]
    resourceNames: ['', web]
  omitManagedFields: false

# No rule needs these.
- level: None
  users: ['system:bob', 'yes']

# For Anybody else
- level: Metadata
  omitStages: [ResponseStarted]
"""


def test_comments_and_yaml() -> None:
    text = made(
        rule(
            "ka.stage in (ResponseStarted, ResponseComplete) and ka.verb = create"
            " and ka.target.resource = pods and ka.target.name = web",
            "Pod made",
            output="'%jevt.value[/responseObject]'",
            source="k8s_audit",
        ),
        rule(
            'ka.stage = ResponseComplete and not ka.user.name in ("yes", system:bob)',
            "Anybody else",
            source="k8s_audit",
        ),
        rule("not jevt.rawtime exists", "Never", source="k8s_audit"),
    )
    assert text == GOLDEN


def test_without_a_rule_nothing_is_recorded() -> None:
    text = made(rule("not jevt.rawtime exists", source="k8s_audit"))
    assert yaml.safe_load(text)["rules"] == [{"level": "None"}]
    assert read_policy(SourceFile("p", text)).recorded({"verb": "get"}) is None


@pytest.mark.parametrize("condition", ["ka.verb = get", "ka.user.name exists", "not jevt.rawtime exists"])
def test_a_name_that_would_end_its_comment_stays_in_it(condition: str) -> None:
    text = made(rule(condition, '"two\\nrules: []"', source="k8s_audit"))
    assert "two rules: []" in text
    assert len(yaml.safe_load(text)["rules"]) == 1


def test_lines_of_the_bundled_policy_fit_a_screen() -> None:
    text = policy_text(rules_of(*read_files(PluginHost().pack("k8s_audit").files)), Cluster())
    assert max(map(len, text.splitlines())) <= 120
    assert len(re.findall("^- level", text, re.MULTILINE)) < 40
    assert "`--api-resources` makes them unnecessary" in text


OUTSIDERS = rule('not ka.user.name startswith "system:"', source="k8s_audit")


def test_trust_in_names_is_said() -> None:
    text = made(OUTSIDERS, cluster=Cluster(CLUSTER.resources, trusts_group_names=True))
    assert "system:node:* in system:nodes" in text
    cut = {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts"]}
    assert cut in yaml.safe_load(text)["rules"]


@pytest.mark.parametrize(
    ("text", "offered"), [(OUTSIDERS, True), (rule("ka.verb = get", source="k8s_audit"), False)]
)
def test_trust_in_names_is_offered_where_it_makes_a_difference(text: str, offered: bool) -> None:
    assert ("--trust-group-names" in made(text)) is offered


@bounded
@given(text=rule_files(), complete=st.booleans())
def test_what_is_printed_reads_back_as_what_was_planned(text: str, complete: bool) -> None:
    rules = rules_of(SourceFile("rules.yaml", text))
    cluster = CLUSTER if complete else Cluster()
    planned = [(entry.requests, entry.need) for entry in entries_of(demands_of(rules, cluster))]
    read = read_policy(SourceFile("policy.yaml", policy_text(rules, cluster))).rules
    if not planned:
        assert len(read) == 1
        return
    # `pods, pods/*` is the same for the server, and said twice for people.
    assert [
        (one.requests.covers(req), req.covers(one.requests))
        for one, (req, _) in zip(read, planned, strict=True)
    ] == [(True, True)] * len(planned)
    nothing = [one.recorded.level for one in read if not one.recorded.level]
    assert len(nothing) == sum(not need.level for _, need in planned)
    assert [one.recorded for one in read if one.recorded.level] == [need for _, need in planned if need.level]
