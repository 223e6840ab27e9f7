"""`falcocore schema config`: it takes what falcocore takes, and shows what falcocore would warn of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from falcocore.config.keys import KNOWN
from falcocore.config.loader import load_config
from falcocore.config.settings import read_settings
from tests.support.command_line import falcocore
from tests.support.demo_distribution import demo_site
from tests.support.every_falco_key import EVERY_KEY
from tests.support.json_schema import problems
from tests.support.plugin_site import Site

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with demo_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def schema(capsys: Capture) -> dict[str, Any]:
    assert falcocore("schema", "config") == 0
    output = capsys.readouterr()
    assert output.err == ""
    found: dict[str, Any] = json.loads(output.out)
    return found


def test_it_is_a_schema_of_every_known_key(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(KNOWN)
    assert all(inner["description"] for inner in schema["properties"].values())


@pytest.mark.parametrize(
    "text",
    [
        EVERY_KEY,
        "",
        "rules_files:\nrules:\npriority:\njson_output:\nfile_output:\n",
        "priority: WARNING",
        "priority: Informational",
        "log_level: ${LEVEL}",
        "rules_files: one.yaml",
        "json_output: 'on'",
        "json_output: ${JSON}",
        "config_files: [a.yaml, {path: b.yaml, strategy: override}]",
        "append_output: [{match: {tags: one}, extra_fields: [evt.time, {n: '%evt.num'}]}]",
        "sources: [{name: demo, options: {separator: ';', limit: 3}}, {name: quiet}]",
        "sources: [{name: demo, options: {limit: '${LIMIT}'}}]",
        "sources: [{name: k8s_audit, target: '-', instance: b, restart: true, options: {cluster: 7}}]",
        "outputs: {a: {type: file, options: {filename: x, keep_alive: no}}, stdout: {}, rate: 1}",
        "outputs: {file: {options: {filename: x}}}",
        "outputs: {file: {type: stdout}}",
    ],
)
def test_what_falcocore_takes_fits(text: str, schema: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text, "utf-8")
    environment = {"LEVEL": "debug", "JSON": "true", "LIMIT": "3"}
    read_settings(load_config(file, [], pytest.fail, environment), lambda _: None, environment)
    assert problems(yaml.safe_load(text), schema, schema) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jsn_output: true", [".jsn_output: false"]),
        ("engine: {kmod: {buf_size: 1}}", [".engine.kmod.buf_size: false"]),
        ("rules: [{enable: {rul: x}}]", [".rules[0].enable.rul: false"]),
        ("json_output: perhaps", [".json_output: anyOf"]),
        ("json_output: [true]", [".json_output: anyOf"]),
        ("rules_files: {a: b}", [".rules_files: anyOf"]),
        ("priority: loud", [".priority: anyOf"]),
        ("log_level: warn", [".log_level: anyOf"]),
        ("rule_matching: some", [".rule_matching: anyOf"]),
        ("config_files: [{strategy: append}]", [".config_files[0]: anyOf"]),
        ("file_output: alerts.log", [".file_output: type"]),
        ("sources: demo", [".sources: type"]),
        ("sources: [{target: x}]", [".sources[0]: required"]),
        ("sources: [{name: dmo}]", [".sources[0].name: anyOf"]),
        ("sources: [{name: demo, options: {limt: 3}}]", [".sources[0].options.limt: false"]),
        ("sources: [{name: demo, options: {limit: few}}]", [".sources[0].options.limit: anyOf"]),
        ("sources: [{name: quiet, options: {limit: 3}}]", [".sources[0].options.limit: false"]),
        ("outputs: {a: {options: {}}}", [".outputs.a: required"]),
        ("outputs: {a: {type: fil}}", [".outputs.a.type: anyOf"]),
        ("outputs: {a: {type: file}}", [".outputs.a: required"]),
        ("outputs: {a: {type: file, options: {keep_alive: true}}}", [".outputs.a.options: required"]),
        ("outputs: {file: {options: {filename: x, y: z}}}", [".outputs.file.options.y: false"]),
        ("outputs: {file: {}}", [".outputs.file: required"]),
        (
            "outputs: {file: {type: stdout, options: {filename: x}}}",
            [".outputs.file.options.filename: false"],
        ),
        ("[a]", [": type"]),
    ],
)
def test_what_falcocore_complains_of_does_not_fit(
    text: str, found: list[str], schema: dict[str, Any]
) -> None:
    assert problems(yaml.safe_load(text), schema, schema) == found


@pytest.mark.parametrize("key", ["priority", "log_level", "rule_matching"])
def test_the_words_that_are_offered_are_taken(key: str, schema: dict[str, Any]) -> None:
    words = schema["properties"][key]["anyOf"][0]["enum"]
    assert len(words) > 1
    for word in words:
        read_settings({key: word}, pytest.fail)


def test_options_have_their_type_default_and_doc(schema: dict[str, Any]) -> None:
    options = schema["$defs"]["source.demo"]["properties"]
    assert options["separator"]["description"] == "between words"
    assert options["separator"]["default"] == ","
    assert options["limit"]["anyOf"][0] == {"type": "integer"}
    assert options["limit"]["default"] == 99
    file = schema["$defs"]["output.file"]
    assert file["required"] == ["filename"]
    assert "default" not in file["properties"]["filename"]


def test_types_of_plugins_are_kept_apart(site: Site, capsys: Capture) -> None:
    module = (
        "import msgspec\nfrom pathlib import Path\n"
        "class Peer(msgspec.Struct):\n    {field}: int\n"
        "class Made(Source):\n    name = '{name}'\n"
        "    def __init__(self, *, peers: list[Peer] = [], folder: Path = Path('/x')): pass\n"
        "@hookimpl\ndef register_sources(registry):\n    registry.add(Made)\n"
    )
    for name in ("one", "two"):
        text = module.format(field=f"port_{name}", name=name)
        site.install(f"made-{name}", {f"source.{name}": f"made_{name}"}, **{f"made_{name}": text})
    assert falcocore("schema", "config") == 0
    schema = json.loads(capsys.readouterr().out)
    for text, fits in (
        ("sources: [{name: one, options: {peers: [{port_one: 1}], folder: /y}}]", True),
        ("sources: [{name: two, options: {peers: [{port_two: 1}]}}]", True),
        ("sources: [{name: two, options: {peers: [{port_one: 1}]}}]", False),
    ):
        assert (problems(yaml.safe_load(text), schema, schema) == []) is fits
    assert schema["$defs"]["source.one"]["properties"]["folder"]["default"] == "/x"


def test_the_configuration_that_init_writes_fits(schema: dict[str, Any], tmp_path: Path) -> None:
    assert falcocore("init", str(tmp_path)) == 0
    config = yaml.safe_load((tmp_path / "falcocore.yaml").read_text("utf-8"))
    assert problems(config, schema, schema) == []


def test_a_broken_plugin_is_named(site: Site, capsys: Capture) -> None:
    site.install("broken", {"source.broken": "no_such_module"})
    assert falcocore("schema", "config") == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "plugin source.broken of broken 1.0 can't be imported" in output.err
