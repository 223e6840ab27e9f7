"""The field set with the source that it is for; both have to be installed."""

import json
import tempfile

from falcocore.testing import installed_fields, installed_source, run_source

TIME = "2025-01-01T00:00:00Z"
RULES = """
- rule: Kind
  desc: Shows the kind.
  condition: ka.verb = get
  output: "%who.kind"
  priority: NOTICE
  source: k8s_audit
"""


def test_kind_is_read_from_the_name_of_the_user() -> None:
    event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "verb": "get", "stageTimestamp": TIME}
    with tempfile.NamedTemporaryFile("w", suffix=".log", encoding="utf-8") as file:
        for number, user in enumerate(({"username": "system:node:worker-1"}, {"username": "alice"}, {})):
            file.write(json.dumps({**event, "auditID": str(number), "user": user}) + "\n")
        file.flush()
        source = installed_source("k8s_audit", target=file.name)
        outcome = run_source(source, installed_fields("k8s_audit"), RULES)
    assert outcome.messages == ["node", "person", "<NA>"]
