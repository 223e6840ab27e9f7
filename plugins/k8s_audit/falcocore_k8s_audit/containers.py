"""Fields of the containers in the pod that a request asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from msgspec import Raw

from falcocore.api import Field
from falcocore_k8s_audit.event import AuditEvent, Path
from falcocore_k8s_audit.raw import text
from falcocore_k8s_audit.reading import (
    EACH,
    POD_SPEC,
    REQUEST,
    GetTexts,
    indexed,
    indexed_texts_at,
    length,
    paths,
    scalar,
    text_at,
)

_LISTS = (("containers", ""), ("initContainers", "init "), ("ephemeralContainers", "ephemeral "))
_SETTINGS = (
    ("privileged", ("privileged",), "Whether each {} is privileged, where it says so."),
    (
        "allow_privilege_escalation",
        ("allowPrivilegeEscalation",),
        "Whether each {} may gain privileges, where it says so.",
    ),
    ("read_only_fs", ("readOnlyRootFilesystem",), "Whether each {}'s root is read-only, where it says so."),
    ("run_as_user", ("runAsUser",), "The user id of each {} that sets one itself."),
    ("run_as_group", ("runAsGroup",), "The group id of each {} that sets one itself."),
    ("proc_mount", ("procMount",), "The kind of /proc of each {} that sets one."),
    ("add_capabilities", ("capabilities", "add", EACH), "Every capability that is added to a {}."),
)

Container = tuple[AuditEvent, Path]


def _find(container: Container, *below: str) -> Raw | None:
    event, path = container
    return event.find((*path, *below))


def _required(read: Callable[[str], str], key: str, container: Container) -> list[str] | None:
    raw = _find(container, key)
    return None if raw is None else [read(text(raw))]


def _repository(image: str) -> str:
    """An image without digest and tag; the port of its registry is no tag."""
    name = image.partition("@")[0]
    tag = name.rfind(":")
    return name if tag <= name.rfind("/") else name[:tag]


def _joined(key: str, container: Container) -> list[str] | None:
    event, path = container
    words = event.open((*path, key))
    if not isinstance(words, list) or not words:
        return []
    if not all(bytes(word).startswith(b'"') for word in words):
        return None
    return [" ".join(map(text, words))]


def _host_ports(container: Container) -> list[str]:
    event, path = container
    found = []
    for port in paths(event, (*path, "ports", EACH)):
        raw = event.find((*port, "hostPort")) or event.find((*port, "containerPort"))
        if raw is not None:
            found.append(text(raw))
    return found


def _effective(setting: str, container: Container) -> list[str]:
    event, _ = container
    raw = _find(container, "securityContext", setting) or event.find((*POD_SPEC, "securityContext", setting))
    return ["0" if raw is None else text(raw)]


def _from_each(
    containers: Path, read: Callable[[Container], list[str] | None], index: int | None
) -> GetTexts:
    """All that `read` finds in the containers; nothing at all where it gives None for one of them."""

    def get(event: AuditEvent) -> list[str] | None:
        found: list[str] = []
        for path in paths(event, (*containers, EACH), index):
            values = read((event, path))
            if values is None:
                return None
            found += values
        return found

    return get


_first_image = text_at(*POD_SPEC, "containers", "0", "image")


def _first_repository(event: AuditEvent) -> str | None:
    image = _first_image(event)
    return None if image is None else _repository(image)


def _any_privileged(event: AuditEvent) -> str | None:
    if isinstance(event.open(("requestObject",)), list):
        return "false"  # A patch: what it changes does not stand at these paths, and Falco says so.
    if length(event, (*POD_SPEC, "containers")) is None:
        return None
    settings = (*POD_SPEC, "containers", EACH, "securityContext", "privileged")
    found = (event.find(path) for path in paths(event, settings))
    return "true" if any(raw is not None and text(raw) == "true" for raw in found) else "false"


def container_fields() -> Iterator[Field]:
    """The same fields for each of the three lists of containers, and the old ones of the first list."""
    for key, adjective in _LISTS:
        yield from _fields_of_list(key, f"{adjective}container")
    yield scalar("ka.req.container.image", "The image of the first container.", _first_image, REQUEST)
    yield scalar(
        "ka.req.container.image.repository",
        "The image of the first container without tag and digest.",
        _first_repository,
        REQUEST,
    )
    yield scalar(
        "ka.req.container.privileged",
        "Whether any container is privileged: true or false.",
        _any_privileged,
        REQUEST,
    )
    yield scalar(
        "ka.req.container.host_network",
        "Whether the pod uses the host's network; the old name of ka.req.pod.host_network.",
        text_at(*POD_SPEC, "hostNetwork"),
        REQUEST,
    )


def _fields_of_list(key: str, noun: str) -> Iterator[Field]:
    containers = (*POD_SPEC, key)
    readers: list[tuple[str, Callable[[Container], list[str] | None], str]] = [
        ("name", partial(_required, str, "name"), f"The name of each {noun}."),
        ("image", partial(_required, str, "image"), f"The image of each {noun}."),
        (
            "image.repository",
            partial(_required, _repository, "image"),
            f"The image of each {noun} without tag and digest.",
        ),
        ("command", partial(_joined, "command"), f"The command of each {noun}, its words joined by blanks."),
        ("args", partial(_joined, "args"), f"The arguments of each {noun}, joined by blanks."),
        (
            "eff_run_as_user",
            partial(_effective, "runAsUser"),
            f"The user id that each {noun} runs with: its own, the pod's, or 0.",
        ),
        (
            "eff_run_as_group",
            partial(_effective, "runAsGroup"),
            f"The group id that each {noun} runs with: its own, the pod's, or 0.",
        ),
    ]
    if key != "ephemeralContainers":  # These may not have ports.
        readers.append(
            ("host_port", _host_ports, f"The host port of each port of a {noun}, else its container port.")
        )
    prefix = f"ka.req.pod.{key}"
    for suffix, read, doc in readers:
        yield indexed(f"{prefix}.{suffix}", doc, partial(_from_each, containers, read), REQUEST)
    for suffix, setting, doc in _SETTINGS:
        path = (*containers, EACH, "securityContext", *setting)
        yield indexed(f"{prefix}.{suffix}", doc.format(noun), indexed_texts_at(*path), REQUEST)
