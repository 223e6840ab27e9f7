"""The JSON Schema (draft 2020-12) of test files, made from the structs that read them."""

from __future__ import annotations

from typing import Any

import msgspec

from falcocore.ruletest.model import CaseFile


def case_file_schema() -> dict[str, Any]:
    """The schema, with what the structs can't say."""
    schema = msgspec.json.schema(CaseFile)
    given = schema["$defs"]["Given"]
    given["oneOf"] = [{"required": [key]} for key in ("event", "base", "file")]
    for definition in schema["$defs"].values():
        definition["description"] = " ".join(definition["description"].split())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tests of rules for falcocore",
        **schema,
    }
