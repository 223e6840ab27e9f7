"""Fields of the three lists of containers of a pod, and the old fields of the first list."""

from __future__ import annotations

import pytest

from falcocore.types import Value
from tests.support.audit_fields import Document, Json, holds, spec, table, value_of

LISTS = ("containers", "initContainers", "ephemeralContainers")
SETTINGS = {
    "privileged": "privileged",
    "allow_privilege_escalation": "allowPrivilegeEscalation",
    "read_only_fs": "readOnlyRootFilesystem",
    "run_as_user": "runAsUser",
    "run_as_group": "runAsGroup",
    "proc_mount": "procMount",
}
ALWAYS_PRESENT = {"eff_run_as_user", "eff_run_as_group"}
NO_PORTS = ("ephemeralContainers", "host_port")
SUFFIXES = [
    field.name.removeprefix("ka.req.pod.containers.")
    for field in table()
    if field.name.startswith("ka.req.pod.containers.")
]


def in_every_list(
    rows: list[tuple[str, list[Json], Value]],
) -> list[tuple[str, str, list[Json], Value]]:
    return [
        (key, suffix, containers, value)
        for key in LISTS
        for suffix, containers, value in rows
        if (key, suffix.partition("[")[0]) != NO_PORTS
    ]


def secured(**context: Json) -> Document:
    return {"securityContext": context}


NAMED = [{"name": "web", "image": "nginx:1"}, {"name": "db", "image": "mysql"}]
NAMELESS = [{}, {"name": "db", "image": "mysql"}]
PORTS = [
    {"ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 443}, {"name": "none"}, 7]},
    {},
    {"ports": [{"hostPort": 0}, {"containerPort": 53, "protocol": "UDP"}]},
    {"ports": {"hostPort": 1}},
]
COMMANDS = ("command", "args")
WORDS = [["sh", "-c", "id -u"], ["ls"]]
CAPABILITIES = [
    secured(capabilities={"add": ["NET_ADMIN", "SYS_TIME"], "drop": ["ALL"]}),
    {},
    secured(capabilities={"add": "SYS_ADMIN"}),
    secured(capabilities={"add": ["SYS_PTRACE"]}),
]


@pytest.mark.parametrize(
    ("key", "suffix", "containers", "value"),
    in_every_list(
        [
            ("name", NAMED, ["web", "db"]),
            ("name[0]", NAMED, ["web"]),
            ("name[1]", NAMED, ["db"]),
            ("name[2]", NAMED, None),
            ("image", NAMED, ["nginx:1", "mysql"]),
            ("image[1]", NAMED, ["mysql"]),
            ("image.repository", NAMED, ["nginx", "mysql"]),
            ("image.repository[0]", NAMED, ["nginx"]),
            # One container without a name or an image, and nothing is known of any.
            ("name", NAMELESS, None),
            ("image", NAMELESS, None),
            ("image.repository", NAMELESS, None),
            ("name", [*NAMED, "no container"], None),
            ("name[1]", NAMELESS, ["db"]),
            ("image.repository[1]", NAMELESS, ["mysql"]),
            ("image[0]", NAMELESS, None),
            # Words are joined by blanks; who has none is left out.
            *((word, [{word: WORDS[0]}, {}, {word: WORDS[1]}], ["sh -c id -u", "ls"]) for word in COMMANDS),
            *((f"{word}[2]", [{}, {}, {word: WORDS[1]}], ["ls"]) for word in COMMANDS),
            *((f"{word}[0]", [{}, {word: WORDS[1]}], None) for word in COMMANDS),
            *((word, [{}, {"name": "x"}], None) for word in COMMANDS),
            *((word, [{word: "ls"}, {word: WORDS[1]}], ["ls"]) for word in COMMANDS),
            # One word that is no text, and the whole field is absent.
            *((word, [{word: ["sleep", 5]}, {word: WORDS[1]}], None) for word in COMMANDS),
            *((f"{word}[1]", [{word: ["sleep", 5]}, {word: WORDS[1]}], ["ls"]) for word in COMMANDS),
            ("args", [{"command": ["sh"]}], None),
            ("command", [{"args": ["-c"]}], None),
            # The host's port, else the container's; flattened, and an index picks the container.
            ("host_port", PORTS, ["8080", "443", "0", "53"]),
            ("host_port[0]", PORTS, ["8080", "443"]),
            ("host_port[2]", PORTS, ["0", "53"]),
            ("host_port[1]", PORTS, None),
            ("host_port[3]", PORTS, None),
            ("add_capabilities", CAPABILITIES, ["NET_ADMIN", "SYS_TIME", "SYS_PTRACE"]),
            ("add_capabilities[0]", CAPABILITIES, ["NET_ADMIN", "SYS_TIME"]),
            ("add_capabilities[3]", CAPABILITIES, ["SYS_PTRACE"]),
            ("add_capabilities[2]", CAPABILITIES, None),
            ("add_capabilities", [secured(capabilities={"drop": ["ALL"]})], None),
        ]
    ),
)
def test_value_of_each_container(key: str, suffix: str, containers: list[Json], value: Value) -> None:
    assert value_of(spec(**{key: containers}), f"ka.req.pod.{key}.{suffix}") == value


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize(("suffix", "setting"), SETTINGS.items())
@pytest.mark.parametrize(
    ("index", "values"), [("", ["true", "7", "null"]), ("[0]", ["true"]), ("[1]", None), ("[3]", ["7"])]
)
def test_setting_of_each_container_that_has_it(
    key: str, suffix: str, setting: str, index: str, values: Value
) -> None:
    containers = [secured(**{setting: True}), {}, secured(other=1), secured(**{setting: 7})]
    containers += [{"securityContext": setting}, {setting: True}, secured(**{setting: None})]
    assert value_of(spec(**{key: containers}), f"ka.req.pod.{key}.{suffix}{index}") == values


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize(("suffix", "setting"), [("user", "runAsUser"), ("group", "runAsGroup")])
@pytest.mark.parametrize(
    ("of_pod", "index", "values"),
    [
        # Its own, else the pod's, else root's.
        (1000, "", ["5", "1000", "1000", "0"]),
        (None, "", ["5", "0", "0", "0"]),
        (1000, "[0]", ["5"]),
        (1000, "[1]", ["1000"]),
        (None, "[1]", ["0"]),
        (1000, "[4]", None),
    ],
)
def test_effective_ids_look_at_the_container_then_at_the_pod(
    key: str, suffix: str, setting: str, of_pod: int | None, index: str, values: Value
) -> None:
    containers = [secured(**{setting: 5}), {setting: 6}, secured(other=1), secured(**{setting: 0})]
    pod = {setting: 7, "securityContext": {} if of_pod is None else {setting: of_pod}}
    document = spec(**pod, **{key: containers})
    assert value_of(document, f"ka.req.pod.{key}.eff_run_as_{suffix}{index}") == values


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("nginx", "nginx"),
        ("nginx:1.27", "nginx"),
        ("falcosecurity/falco:latest", "falcosecurity/falco"),
        ("docker.io/falcosecurity/falco", "docker.io/falcosecurity/falco"),
        # The port of a registry is no tag.
        ("host:5000/a/b", "host:5000/a/b"),
        ("host:5000/a/b:1", "host:5000/a/b"),
        ("localhost:5000/a", "localhost:5000/a"),
        ("nginx@sha256:0123abcd", "nginx"),
        ("nginx:1.27@sha256:0123abcd", "nginx"),
        ("host:5000/a/b:1@sha256:0123abcd", "host:5000/a/b"),
        ("host:5000/a/b@sha256:0123abcd", "host:5000/a/b"),
        ("", ""),
    ],
)
def test_repository_is_the_image_without_tag_and_digest(image: str, repository: str) -> None:
    document = spec(**{key: [{"image": image}] for key in LISTS})
    for key in LISTS:
        assert value_of(document, f"ka.req.pod.{key}.image.repository") == [repository]
    assert value_of(document, "ka.req.container.image.repository") == repository


@pytest.mark.parametrize(
    "field",
    [f"ka.req.pod.{key}.{suffix}" for key in LISTS for suffix in SUFFIXES if (key, suffix) != NO_PORTS],
)
@pytest.mark.parametrize("containers", [None, [], {}, {"name": "web"}, "web", 5])
def test_fields_of_no_containers_are_absent(field: str, containers: Json) -> None:
    key = field.split(".")[3]
    assert value_of(spec(**{key: containers}), field) is None
    assert value_of(spec(), field) is None
    assert value_of({"requestObject": [{"spec": {key: [{"name": "web"}]}}]}, field) is None


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("containers", [["web"], [None], [5, []]])
def test_containers_that_are_no_objects_have_no_values(suffix: str, containers: Json) -> None:
    expected = ["0"] * len(containers) if suffix in ALWAYS_PRESENT else None
    assert value_of(spec(containers=containers), f"ka.req.pod.containers.{suffix}") == expected


@pytest.mark.parametrize("key", LISTS)
def test_lists_of_containers_are_apart(key: str) -> None:
    document = spec(**{key: [{"name": "web", **secured(privileged=True)}]})
    for other in LISTS:
        expected = (["web"], ["true"]) if other == key else (None, None)
        found = [value_of(document, f"ka.req.pod.{other}.{suffix}") for suffix in ("name", "privileged")]
        assert tuple(found) == expected


@pytest.mark.parametrize(
    ("containers", "image"),
    [
        ([{"image": "a/b:1"}, {"image": "c"}], "a/b:1"),
        ([{"name": "x"}, {"image": "c"}], None),
        ([], None),
        ("c", None),
    ],
)
def test_old_image_field_is_that_of_the_first_container(containers: Json, image: Value) -> None:
    assert value_of(spec(containers=containers), "ka.req.container.image") == image


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (spec(containers=[secured(privileged=True)]), "true"),
        (spec(containers=[{}, secured(privileged=False), secured(privileged=True)]), "true"),
        (spec(containers=[secured(privileged=False)]), "false"),
        (spec(containers=[{"privileged": True}, "x"]), "false"),
        (spec(containers=[]), "false"),
        (spec(initContainers=[secured(privileged=True)]), None),
        (spec(containers={"0": secured(privileged=True)}), None),
        (spec(), None),
        ({}, None),
        ({"requestObject": {}}, None),
        ({"requestObject": "privileged"}, None),
        # The body of a patch is an array of operations.
        ({"requestObject": [{"op": "replace", "path": "/spec/containers/0/image", "value": "x"}]}, "false"),
        ({"requestObject": []}, "false"),
    ],
)
def test_old_privileged_field_speaks_of_any_container(document: Document, value: Value) -> None:
    assert value_of(document, "ka.req.container.privileged") == value


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ka.req.pod.containers.add_capabilities intersects (SYS_TIME, CHOWN)", True),
        ("ka.req.pod.containers.add_capabilities intersects (ALL)", False),
        # A list is `in` where each of its values is, and never where there is none.
        ("ka.req.pod.containers.image.repository in (host:5000/a, nginx)", True),
        ("ka.req.pod.containers.image.repository in (nginx)", False),
        ("not ka.req.pod.containers.image.repository in (nginx)", True),
        ("ka.req.pod.initContainers.image.repository in (nginx)", False),
        ("ka.req.pod.initContainers.image exists", False),
        ("ka.req.pod.containers.eff_run_as_user intersects (0)", True),
    ],
)
def test_conditions_on_containers(condition: str, expected: bool) -> None:
    containers = [{"image": "nginx:1", **CAPABILITIES[0]}, {"image": "host:5000/a:2"}]
    assert holds(condition, spec(containers=containers)) is expected
