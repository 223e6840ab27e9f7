"""What an audit policy made from the rules keeps away from the network, in a realistic workload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from falcocore.fields import FieldTable
from falcocore.lang.text import SourceFile
from falcocore.rulefiles import read_files
from falcocore.rules.loader import Catalogue, load
from falcocore_k8s_audit.policy.document import policy_text
from falcocore_k8s_audit.policy.reader import read_policy
from falcocore_k8s_audit.policy.resources import Cluster


def print_spared(rule_files: Sequence[Path], fields: FieldTable, lines: Sequence[bytes]) -> None:
    """For each rule file the share of events and bytes that its policy spares."""
    events = [json.loads(line) for line in lines]
    size_bytes = sum(map(len, lines))
    catalogue = Catalogue({"k8s_audit": fields}, frozenset({"k8s_audit"}))
    for path in rule_files:
        rules = load(read_files([path]), catalogue).rule_sets["k8s_audit"].rules
        for cluster, note in ((Cluster(), ""), (Cluster(trusts_group_names=True), ", group names trusted")):
            policy = read_policy(SourceFile("policy", policy_text(rules, cluster)))
            kept = [left for event in events if (left := policy.recorded(event)) is not None]
            kept_bytes = sum(len(json.dumps(left, separators=(",", ":"))) for left in kept)
            spared = 1 - len(kept) / len(events), 1 - kept_bytes / size_bytes
            print(
                f"audit policy for {len(rules)} rules{note}: {len(policy.rules)} entries "
                f"spare {spared[0]:.1%} of the events, {spared[1]:.1%} of the bytes"
            )
