"""What a description says about a process: the vocabulary of tests, in docs/rules.md for users."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

COMM_CHARS = 15
"""The most that a kernel keeps of a process's name."""
DEFAULT_AGE_S = 60.0

_Pid = Annotated[int, msgspec.Meta(ge=1)]
Told = TypeVar("Told", bound=msgspec.Struct)


class UserModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account; in short its name. Without `uid` root has 0, and others have numbers from 1000 on."""

    name: str
    uid: int | None = None


class ContainerModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A container; in short its image. Without an image nothing is known of it but its id."""

    id: str = ""
    image: str = ""
    name: str = ""
    privileged: bool = False
    namespace: str = ""
    pod: str = ""
    labels: dict[str, str] = {}


class ProcessModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A process; in short its command line.

    `cmdline` is what it was started with: the program, and its arguments with blanks between. What is not
    given otherwise follows from it: `name` (the last part of the program's path), `exe` and `exepath`.
    `parent` is a process, or several, the nearest first. `pid` lets a later event be of the same process.
    """

    cmdline: str = ""
    name: str = ""
    exe: str = ""
    exepath: str = ""
    args: list[str] | None = None
    pid: _Pid | None = None
    vpid: _Pid | None = None
    parent: Any = None
    user: Any = "root"
    loginuser: Any = None
    tty: Annotated[int, msgspec.Meta(ge=0)] = 0
    cwd: str = "/"
    env: dict[str, str] = {}
    capabilities: list[str] = []
    exe_flags: list[str] = []
    container: Any = None
    fds: dict[int, str] = {}
    age_s: Annotated[float, msgspec.Meta(ge=0)] = DEFAULT_AGE_S

    @property
    def is_reference(self) -> bool:
        """True where it stands for the process of an earlier event."""
        return not self.comm

    @property
    def program(self) -> str:
        """The first argument that it was started with."""
        return self.exe or (self.cmdline.split(" ")[0] if self.cmdline else self.name)

    @property
    def comm(self) -> str:
        """Its name, as far as a kernel keeps it."""
        return (self.name or self.program.rpartition("/")[2])[:COMM_CHARS]

    @property
    def path(self) -> str:
        """Where the program is."""
        return self.exepath or (self.program if self.program[:1] == "/" else f"/usr/bin/{self.comm}")

    @property
    def arguments(self) -> list[str]:
        """What follows the program."""
        return self.cmdline.split(" ")[1:] if self.args is None else self.args


def process_of(told: Any, where: str) -> ProcessModel:
    """Read a process.

    Raises:
        ValueError: it is none; the message says what is wrong at which place.
    """
    found = _struct(told, ProcessModel, where, "cmdline", "a command line, or a map")
    if not found.comm and (found.pid is None or found != ProcessModel(pid=found.pid)):
        raise ValueError(
            f"{where}: a process needs `cmdline` or `name`; `pid` alone stands for an earlier one"
        )
    return found


def parents_of(process: ProcessModel, where: str) -> list[ProcessModel]:
    """The processes above it, the nearest first.

    Raises:
        ValueError: one of them is none.
    """
    told = process.parent
    if told is None:
        return []
    listed = told if isinstance(told, list) else [told]
    chain = []
    for number, one in enumerate(listed):
        at = f"{where}.parent[{number}]" if isinstance(told, list) else f"{where}.parent"
        parent = process_of(one, at)
        chain += [parent, *parents_of(parent, at)]
    return chain


def user_of(told: Any, where: str) -> UserModel:
    """Read an account.

    Raises:
        ValueError: it is none.
    """
    return _struct(told, UserModel, where, "name", "a user's name, or a map of `name` and `uid`")


def container_of(told: Any, where: str) -> ContainerModel | None:
    """Read a container; None for the host.

    Raises:
        ValueError: it is none.
    """
    if told is None:
        return None
    found = _struct(told, ContainerModel, where, "image", "an image, or a map")
    if found.id.strip("0123456789abcdef") or len(found.id) not in (0, 12, 64):
        raise ValueError(f"{where}.id: a container's id has 12 or 64 digits 0-9 and a-f, not `{found.id}`")
    if not found.image and found != ContainerModel(id=found.id):
        raise ValueError(f"{where}: without `image` nothing but the `id` of a container is known")
    return found


def _struct(told: Any, kind: type[Told], where: str, short: str, what: str) -> Told:
    if isinstance(told, str):
        told = {short: told}
    if not isinstance(told, Mapping):
        raise ValueError(f"{where}: {what} is expected, not {told!r}")
    known = kind.__struct_fields__
    for key in told:
        if key not in known:
            raise ValueError(f"{where}: `{key}` is not known; {suggestion(str(key), known)}")
    try:
        return msgspec.convert(told, kind, strict=True, str_keys=True)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise ValueError(f"{where}{place.rstrip('`')}: {problem}") from None


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """What may have been meant; else what is said `otherwise`, or what there is."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return otherwise or f"there are {', '.join(known) or 'none'}"
