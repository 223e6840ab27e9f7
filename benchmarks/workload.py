"""Events and rules to measure with: the shared ones where they are, else the project's own."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
GENERATOR = SHARED / "tools" / "mkworkload.py"
CONFORMANCE = SHARED / "conformance"
UPSTREAM = CONFORMANCE / "k8s_audit" / "rules" / "plugin-0.18.0" / "k8s_audit_rules.yaml"
BUNDLED = ROOT / "rules" / "falcocore_rules" / "k8s_audit_rules.yaml"


def rule_file() -> Path:
    """Upstream's 48 rules where they are, else the bundled pack."""
    return UPSTREAM if UPSTREAM.exists() else BUNDLED


def newest_rule_files() -> list[Path]:
    """Upstream's four newest rule files where they are, else the bundled pack."""
    return [*sorted((CONFORMANCE / "upstream-rules").glob("*.yaml")), rule_file()]


def audit_lines(count: int) -> list[bytes]:
    """Audit events as JSON lines: mostly benign, some of which rules match."""
    if GENERATOR.exists():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "workload.jsonl"
            subprocess.run([sys.executable, GENERATOR, str(count), str(path)], check=True)
            return path.read_bytes().splitlines()
    return _own_lines(count)


def strange_lines(lines: list[bytes]) -> list[bytes]:
    """The same events, each with a verb and a resource that no other one has."""
    return [
        re.sub(rb'"(verb|resource)":"[^"]*"', rb'"\1":"new%d"' % number, line)
        for number, line in enumerate(lines)
    ]


def _own_lines(count: int, seed: int = 20260701) -> list[bytes]:
    """Reads of leases by nodes with bodies as the kube-apiserver writes them, and one in 33 suspicious."""
    draw = random.Random(seed)
    return [_event(draw, number, suspicious=draw.random() < 0.03) for number in range(count)]


def _event(draw: random.Random, number: int, *, suspicious: bool) -> bytes:
    node = f"ip-10-0-{draw.randrange(256)}-{draw.randrange(256)}.internal"
    resource, verb = ("configmaps", "create") if suspicious else ("leases", "update")
    second = f"{number // 60000 % 60:02d}:{number // 1000 % 60:02d}.{number % 1000:03d}"
    body = {
        "kind": "Lease",
        "metadata": {
            "name": node,
            "uid": f"{draw.getrandbits(64):x}",
            "managedFields": [{"manager": "kubelet"}] * 40,
        },
        "data": {"password": "x"} if suspicious else {},
    }
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": f"{number:032x}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/{resource}/{node}",
        "verb": verb,
        "user": {"username": f"system:node:{node}", "groups": ["system:nodes", "system:authenticated"]},
        "sourceIPs": ["10.0.0.1"],
        "userAgent": "kubelet/v1.33.1",
        "objectRef": {"resource": resource, "namespace": "kube-node-lease", "name": node, "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestObject": body,
        "responseObject": body,
        "requestReceivedTimestamp": "2026-07-01T00:00:00.000000Z",
        "stageTimestamp": f"2026-07-01T00:{second}000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }
    return json.dumps(event, separators=(",", ":")).encode()
