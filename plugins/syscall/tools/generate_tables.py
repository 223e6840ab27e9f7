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
        "native": {
            architecture: {str(entry["nr"]): entry["ppm_sc"] for entry in entries}
            for architecture, entries in reference["syscalls"].items()
        },
        "syscall_types": types_by_code(reference),
        "compat": {number: native for number, native in reference["ia32_to_x86_64"].items() if native >= 0},
        "errno": reference["errno"],
        "signals": reference["signals"],
        "capabilities": reference["capabilities"],
    }


def types_by_code(reference: dict[str, Any]) -> list[int]:
    """The type of the exit event of each system call by its code; 1, the generic event, where it has none."""
    types = [1] * len(reference["ppm_sc"])
    for entries in reference["syscalls"].values():
        for entry in entries:
            types[entry["ppm_sc"]] = entry["exit"] or 1
    return types


if __name__ == "__main__":
    TARGET.write_text(json.dumps(reduced(json.loads(Path(sys.argv[1]).read_text())), separators=(",", ":")))
