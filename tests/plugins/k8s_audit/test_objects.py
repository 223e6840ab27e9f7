"""Fields of pods, volumes, services and config maps."""

from __future__ import annotations

import pytest

from falcocore.types import Value
from tests.support.audit_fields import Document, Json, holds, request, spec, value_of

POD_SCALARS = {
    "ka.req.pod.host_ipc": ("hostIPC",),
    "ka.req.pod.host_network": ("hostNetwork",),
    "ka.req.container.host_network": ("hostNetwork",),
    "ka.req.pod.host_pid": ("hostPID",),
    "ka.req.pod.run_as_user": ("securityContext", "runAsUser"),
    "ka.req.pod.run_as_group": ("securityContext", "runAsGroup"),
    "ka.req.pod.fs_group": ("securityContext", "fsGroup"),
    "ka.req.service.type": ("type",),
}


@pytest.mark.parametrize(("field", "path"), POD_SCALARS.items())
@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (1000, "1000"), (0, "0"), ("NodePort", "NodePort"), ("", ""), (None, "null")],
)
def test_scalar_of_the_spec(field: str, path: tuple[str, ...], value: Json, text: str) -> None:
    inner = value
    for key in reversed(path):
        inner = {key: inner}
    assert value_of(spec(**inner), field) == text


@pytest.mark.parametrize("field", POD_SCALARS)
@pytest.mark.parametrize(
    "document",
    [
        {},
        request(),
        spec(),
        spec(securityContext={}),
        spec(securityContext=[]),
        request(spec="hostNetwork"),
        {"requestObject": "hostNetwork"},
        # A patch: what it changes does not stand at these paths.
        {"requestObject": [{"op": "add", "path": "/spec/hostNetwork", "value": True}]},
    ],
)
def test_scalar_of_the_spec_is_absent_without_its_part(field: str, document: Document) -> None:
    assert value_of(document, field) is None


@pytest.mark.parametrize(
    ("groups", "value"),
    [([1, 2000], ["1", "2000"]), ([7], ["7"]), ([], None), (5, None), ({"0": 5}, None)],
)
def test_supplemental_groups_are_the_elements_of_an_array(groups: Json, value: Value) -> None:
    document = spec(securityContext={"supplementalGroups": groups})
    assert value_of(document, "ka.req.pod.supplemental_groups") == value


VOLUMES = [
    {"name": "etc", "hostPath": {"path": "/etc", "type": ""}},
    {"name": "data", "emptyDir": {}},
    {"name": "flex", "flexVolume": {"driver": "lvm", "fsType": "ext4"}},
    {"secret": {"secretName": "s"}, "name": "two", "hostPath": {"path": "/proc"}},
]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        # Volumes of another kind are left out.
        ("ka.req.pod.volumes.hostpath", ["/etc", "/proc"]),
        ("ka.req.pod.volumes.hostpath[0]", ["/etc"]),
        ("ka.req.pod.volumes.hostpath[1]", None),
        ("ka.req.pod.volumes.hostpath[3]", ["/proc"]),
        ("ka.req.pod.volumes.hostpath[4]", None),
        ("ka.req.pod.volumes.flexvolume_driver", ["lvm"]),
        ("ka.req.pod.volumes.flexvolume_driver[2]", ["lvm"]),
        ("ka.req.pod.volumes.flexvolume_driver[0]", None),
        # Every key but the name is a type, in the document's order.
        ("ka.req.pod.volumes.volume_type", ["hostPath", "emptyDir", "flexVolume", "secret", "hostPath"]),
        ("ka.req.pod.volumes.volume_type[1]", ["emptyDir"]),
        ("ka.req.pod.volumes.volume_type[3]", ["secret", "hostPath"]),
        ("ka.req.pod.volumes.volume_type[4]", None),
    ],
)
def test_volumes_of_a_pod(field: str, value: Value) -> None:
    assert value_of(spec(volumes=VOLUMES), field) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("/etc", "true"),
        ("/proc", "true"),
        ("/et", "false"),
        ("/etc/", "false"),
        ("/var", "false"),
        ("", "false"),
        # A star at the end stands for any rest, and nowhere else.
        ("/et*", "true"),
        ("/etc*", "true"),
        ("/etc/*", "false"),
        ("*", "true"),
        ("/*c", "false"),
        ("/e?c", "false"),
    ],
)
def test_host_path_is_compared_with_the_key(key: str, value: str) -> None:
    assert value_of(spec(volumes=VOLUMES), f'ka.req.volume.hostpath["{key}"]') == value


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (spec(volumes=[]), "false"),
        (spec(volumes=[{"name": "data", "emptyDir": {}}]), "false"),
        (spec(volumes=["/etc", {"hostPath": "/etc"}, {"path": "/etc"}, None]), "false"),
        (spec(volumes=[{"hostPath": {"path": "/etc*"}}]), "true"),
        (spec(), None),
        (spec(volumes={"hostPath": {"path": "/etc"}}), None),
        ({"requestObject": [{"op": "add"}]}, None),
        ({}, None),
    ],
)
def test_host_path_of_no_volumes(document: Document, value: Value) -> None:
    assert value_of(document, "ka.req.volume.hostpath[/etc*]") == value


@pytest.mark.parametrize("suffix", ["hostpath", "flexvolume_driver", "volume_type"])
@pytest.mark.parametrize("volumes", [[], {}, "x", None, ["x", 5, None, []], [{"name": "only"}]])
def test_volumes_that_are_none_are_absent(suffix: str, volumes: Json) -> None:
    assert value_of(spec(volumes=volumes), f"ka.req.pod.volumes.{suffix}") is None


PORTS = [{"port": 80, "nodePort": 30080}, {"port": 443}]


@pytest.mark.parametrize("index", ["", "[0]", "[1]", "[7]"])
def test_ports_of_a_service_are_one_text_whatever_the_index(index: str) -> None:
    text = '[{"port":80,"nodePort":30080},{"port":443}]'
    assert value_of(spec(ports=PORTS), f"ka.req.service.ports{index}") == [text]


@pytest.mark.parametrize("ports", [[], {}, {"port": 80}, "80", 80, None])
def test_ports_that_are_no_array_with_elements_are_absent(ports: Json) -> None:
    assert value_of(spec(ports=ports), "ka.req.service.ports") is None


@pytest.mark.parametrize(
    ("document", "field", "value"),
    [
        # The name is the target's, not the body's.
        (
            {"objectRef": {"name": "target"}, "requestObject": {"metadata": {"name": "body"}}},
            "ka.req.configmap.name",
            "target",
        ),
        (request(metadata={"name": "body"}), "ka.req.configmap.name", None),
        # The document's order and escapes stay, blanks go, binary data is no part of it.
        (
            request(data={"z": "1\n", "a": {"y": 2, "x": [3]}}, binaryData={"b": "cGFzc3dvcmQ="}),
            "ka.req.configmap.obj",
            '{"z":"1\\n","a":{"y":2,"x":[3]}}',
        ),
        (request(binaryData={"b": "cGFzc3dvcmQ="}), "ka.req.configmap.obj", None),
        (request(data={}), "ka.req.configmap.obj", "{}"),
        (request(data="plain"), "ka.req.configmap.obj", "plain"),
        ({"requestObject": [{"data": {"a": "b"}}]}, "ka.req.configmap.obj", None),
    ],
)
def test_config_map(document: Document, field: str, value: Value) -> None:
    assert value_of(document, field) == value


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ka.req.pod.volumes.hostpath intersects (/proc, /root)", True),
        ("ka.req.pod.volumes.hostpath intersects (/pro, /root)", False),
        ("ka.req.pod.volumes.hostpath in (/etc, /proc)", True),
        # `in` asks for every value.
        ("ka.req.pod.volumes.hostpath in (/etc, /root)", False),
        ("ka.req.volume.hostpath[/et*] = true", True),
        ("ka.req.pod.host_network intersects (true)", False),
    ],
)
def test_conditions_on_volumes(condition: str, expected: bool) -> None:
    assert holds(condition, spec(volumes=VOLUMES)) is expected
