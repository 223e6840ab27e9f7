"""Writes the tables of the syscall plugin: `python plugins/syscall/tools/generate_tables.py events.json`.

events.json is the reference's: names, numbers and layouts of Falco's event table, flag tables and
conversions. What the plugin does not read of it is left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[1] / "falcocore_syscall"
TARGET = PLUGIN / "data" / "tables.json"


def reduced(reference: dict[str, Any]) -> dict[str, Any]:
    """What the plugin reads."""
    events = [
        {
            "name": event["name"],
            "category": event["category"],
            "source": event["source"],
            "flags": event["flags"],
            "params": event["params"],
            "fd_param": event.get("fd_param"),
        }
        for event in sorted(reference["events"], key=lambda event: event["type"])
    ]
    return {
        "commit": reference["meta"]["source"],
        "events": events,
        "conversions": reference["conversions"],
        "flag_tables": {
            name: [[flag["name"], flag["value"]] for flag in table]
            for name, table in reference["flag_tables"].items()
        },
        "dynamic_tables": reference["dynamic_tables"],
        "syscall_names": [entry["name"] for entry in sorted(reference["ppm_sc"], key=lambda e: e["id"])],
        "native_names": {str(entry["nr"]): entry["name"] for entry in reference["syscalls"]["x86_64"]},
        "errno": reference["errno"],
        "signals": reference["signals"],
        "capabilities": reference["capabilities"],
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(reduced(json.loads(Path(sys.argv[1]).read_text())), separators=(",", ":")))
