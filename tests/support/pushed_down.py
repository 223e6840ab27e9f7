"""Rules and system calls that reach every corner of the push-down, and what the kernel knows of these."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, product
from typing import Any

from hypothesis import strategies as st

from falcocore.host import PluginHost
from falcocore.lang.text import SourceFile
from falcocore.rules.loader import Catalogue, LoadSettings, load
from falcocore.ruleset import RuleSet
from falcocore_syscall.event import Event
from falcocore_syscall.fields.events import failed
from falcocore_syscall.live.pushdown.classes import CLASSES, CONTAINER, DIRECTORY, FAILED, ROOT
from falcocore_syscall.live.pushdown.lookups import MARKS
from falcocore_syscall.live.pushdown.plan import Plan, Told
from falcocore_syscall.state.fds import O_DIRECTORY, FdType
from falcocore_syscall.state.threads import Thread
from falcocore_syscall.tables import SYSCALL_NAMES
from tests.support.syscall_events import AT_FDCWD, Box, one_rule, sockaddr, tuple4

CATALOGUE = Catalogue({"syscall": PluginHost().fields_for("syscall")}, frozenset({"syscall"}))
HEX = "0123456789abcdef" * 4
CONTAINER_GROUP = f"memory=/docker/{HEX}\0".encode()
ROOT_ON_HOST, USER_ON_HOST, ROOT_IN_CONTAINER, USER_IN_CONTAINER = 11, 12, 13, 14
_FAMILIES = {FdType.UNIX: 1, FdType.IPV4: 2, FdType.IPV4_SERVER: 2, FdType.IPV6: 3, FdType.IPV6_SERVER: 3}
_AF_UNIX, _AF_INET, _AF_INET6, _AF_PACKET = 1, 2, 10, 17
_MAPPED = bytes(10) + b"\xff\xff"

TEXTS = [
    *("/etc/shadow", "/etc/", "/etc", "/", "", "/e", "/etc/ssh/sshd_config", "/etc/pam.d", "etc/shadow"),
    *("/home/u/.ssh/id_rsa", "/home/u", "/var/log/", "/dev/null", "/tmp/x", "shadow", "id_rsa", ".so", "a"),
    *("ssh/id_rsa", "/.ssh/", "x" * 70, "../", "x/"),
]
GLOBS = [
    "/etc/*",
    "*",
    "*/id_rsa",
    "/home/*/.ssh/*",
    "*.so",
    "/e?c/shadow",
    "[/]etc*",
    "/etc/shadow",
    r"/\etc/*",
    "*a*",
]
PATHS = [
    *("/etc/shadow", "/etc/passwd", "/etc", "/", "/etc/ssh/sshd_config", "/home/u/.ssh/id_rsa", "/var/log/a"),
    *("/dev/null", "/tmp/x", "/lib/x.so", "../etc/shadow", "/tmp/../etc/shadow", "id_rsa", "/etcetera", "a"),
    *("//etc//shadow", "/etc/./shadow", "/" + "x" * 70, "/etc/" + "d/" * 600, "/home/a.so/shadow", ""),
    *(
        "/averyveryverylongname/shadow",
        "/tmp/" + "y" * 60 + "id_rsa",
        "/etc/\udcff",
        "/tmp/../../etc/pam.d/x",
    ),
]
CALL_NAMES = (
    *("open", "openat", "openat2", "creat", "connect", "socket", "getppid", "gettid", "statx"),
    *("unlinkat", "mkdir", "read", "dup", "execve", "setuid"),
)
"""The calls that happen here."""
_PATH_FIELDS = ["fd.name", "fd.directory", "fd.filename", "fd.nameraw", "fs.path.name", "tolower(fd.name)"]
_NUMBERS = ["0", "1", "3", "5", "1000"]
_NAMES = ["open", "openat", "openat2", "creat", "connect", "socket", "getppid", "close", "unlinkat", "execve"]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _listed(texts: Iterable[str]) -> str:
    return "(" + ", ".join(map(_quoted, texts)) + ")"


_LISTS = [
    _listed(texts) for texts in (["/etc/shadow", "/"], ["/e", "/home/u", "shadow"], ["/etc/pam.d", "x/", ""])
]
_COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
_TEXT_OPERATORS = ["=", "!=", "startswith", "endswith", "contains", "icontains"]


def _every_check() -> Iterator[str]:
    for field in _PATH_FIELDS:
        yield from (f"{field} {operator} {_quoted(text)}" for operator in _TEXT_OPERATORS for text in TEXTS)
        for texts in _LISTS:
            yield f"{field} in {texts}"
            for modifier in ("anyof", "allof", "oneof"):
                yield from (f"{field} {operator} {modifier} {texts}" for operator in _TEXT_OPERATORS)
            if not field.startswith("tolower"):
                yield f"{field} pmatch {texts}"
        yield from (f"{field} {operator} {_quoted(glob)}" for operator in ("glob", "iglob") for glob in GLOBS)
    for name in _NAMES:
        yield from (f"evt.type = {name}", f"evt.type != {name}", f"evt.type in ({name}, openat)")
    for field in ("evt.rawres", "fd.num", "user.uid"):
        yield from (f"{field} {operator} {number}" for operator in _COMPARISONS for number in _NUMBERS)
    for value in ("SUCCESS", "ENOENT", "E"):
        yield from (f"evt.res {operator} {value}" for operator in ("=", "!=", "startswith"))
    for field in ("evt.is_open_read", "evt.is_open_write", "evt.failed"):
        yield from (f"{field} = true", f"{field} = false")
    yield from ("container.id = host", "container.id != host", "container.id in (host, 0123456789ab)")
    yield from ("container.id startswith h", "container.id exists", "user.uid = 0", "user.uid in (0, 1000)")
    yield from ("fd.typechar = f", "fd.typechar in (4, 6)", "fd.typechar = o", "fd.type in (file, directory)")
    yield from ("fd.type = unix", "fd.type exists", "fd.sockfamily = ip", "fd.sockfamily != unix")
    yield from ("evt.arg.flags contains O_DIRECTORY", "evt.arg.domain contains AF_INET", "fd.name exists")
    yield from ("evt.arg.domain exists", "evt.arg.domain = AF_INET6", "evt.res in (ENOENT, EPERM)")
    yield from (
        "evt.res exists",
        "evt.rawres = -2",
        "proc.name = cat",
        "evt.dir = <",
        "evt.is_io_read = true",
    )
    yield from ("syscall.type = getppid", "fd.num = -1", "evt.type startswith open", "evt.category = file")
    yield from ("fd.port = 443", "fd.sip = 1.2.3.4", "evt.num > 1", "fd.name = val(fd.nameraw)")
    for name in ("cat", "sh", "a program of many letters", ""):
        yield from (f'proc.name {operator} "{name}"' for operator in ("=", "!=", "startswith", "icontains"))
    yield from ('proc.name in (cat, "", sh)', "proc.name in (sh, dd)", "proc.name exists", "proc.pname = cat")
    for field in ("proc.pname", "proc.aname"):
        yield from (f"{field} {operator} {name}" for operator in ("=", "!=") for name in ("init", "x"))
        yield from (f"{field} in (cat, init)", f"{field} in (cat, x)", f"{field} exists")
    yield from ("proc.aname = cat", "proc.aname[1] = init", "proc.aname[2] = init")
    for mark in ("writable", "upper_layer", "from_memfd"):
        yield from (f"proc.is_exe_{mark} = true", f"proc.is_exe_{mark} != true", f"proc.is_exe_{mark} exists")
    for field in ("fd.sport", "fd.cport", "fd.lport", "fd.rport", "fd.port"):
        yield from (f"{field} {operator} {number}" for operator in _COMPARISONS for number in (443, 4000, 0))
        yield from (f"{field} in (22, 443)", f"{field} in (22, 80)", f"{field} exists")
    for field in ("proc.exe", "proc.cwd"):
        yield from (
            f'{field} {operator} "{text}"'
            for operator in ("=", "!=", "startswith", "endswith")
            for text in ("/", "cat", "c", "", "/srv", "/srv/", "/sr", "/root/", "./")
        )
        yield from (f'{field} in ("/", cat, /srv/)', f"{field} exists", f'{field} startswith anyof ("/", c)')
    yield from ("user.uid in (1000, 1001)", "user.uid in (1, 2)", "user.uid >= 4294967295")
    yield from ("fd.nameraw glob *../*../*", "evt.type.is.openat = 1")


EVERY_CHECK = list(_every_check())

CONDITIONS: st.SearchStrategy[str] = st.recursive(
    st.sampled_from(EVERY_CHECK),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.builds(
            lambda word, parts: word.join(f"({part})" for part in parts),
            st.sampled_from([" and ", " or "]),
            st.lists(inner, min_size=2, max_size=4),
        ),
    ),
    max_leaves=6,
)


def rules_of(*conditions: str) -> RuleSet:
    """Rules with these conditions, and no output to speak of."""
    files = [
        SourceFile(f"r{number}.yaml", one_rule(condition, "x").replace('"R"', f'"R{number}"'))
        for number, condition in enumerate(conditions)
    ]
    loaded = load(files, CATALOGUE, LoadSettings(first=False))
    assert not loaded.errors, loaded.errors
    return loaded.rule_sets["syscall"]


@dataclass(frozen=True)
class Seen:
    """What the kernel knows of a call: the classes that it may be of, and what it finds there."""

    name: str
    classes: tuple[int, ...]
    told: Told

    def passes(self, plan: Plan) -> bool:
        """True where a plan sends it."""
        return any(plan.passes(self.name, number, self.told) for number in self.classes)


class PushedBox(Box):
    """A machine with four processes: of root and a user, on the host and in a container."""

    def __init__(self) -> None:
        super().__init__()
        for tid, uid, groups in (
            (ROOT_ON_HOST, 0, b""),
            (USER_ON_HOST, 1000, b""),
            (ROOT_IN_CONTAINER, 0, CONTAINER_GROUP),
            (USER_IN_CONTAINER, 1000, CONTAINER_GROUP),
        ):
            self.starts(tid, 1, "cat", uid=uid, cgroups=groups)
            for fd, family in ((5, _AF_INET), (6, _AF_INET6), (7, _AF_UNIX)):
                self.happens("socket", tid, fd=fd, domain=family, type=1, proto=0, flags=0)
            self.opens("/srv/file", 8, tid)

    def seen(self, name: str, event: Event) -> Seen:
        """What the kernel knows of an event that has been applied."""
        thread = event.thread
        assert thread is not None
        number = (FAILED if failed(event) else 0) | (CONTAINER if thread.container_id else 0)
        number |= ROOT if thread.uid == 0 else 0
        return Seen(name, (number,), _told(self, thread))


def _told(box: PushedBox, thread: Thread) -> Told:
    main = thread.main or thread
    directory = main.cwd.encode("utf-8", "surrogateescape").rstrip(b"/") or b"/"
    return Told(
        user=thread.uid,
        program=thread.comm.encode(),
        exe=thread.exe.encode(),
        directory=directory,
        above=tuple(each.comm.encode() for each in box.machine.threads.ancestors(thread)),
        marks=frozenset(mark for mark in MARKS if getattr(thread, mark)),
    )


def _open(
    box: PushedBox, tid: int, name: str, path: str, fd: int, flags: int, dirfd: int
) -> tuple[Event, Seen]:
    raw = path.encode("utf-8", "surrogateescape")
    given: dict[str, Any] = {"fd": fd, "name": raw + b"\0", "flags": flags, "dirfd": dirfd}
    if name in ("open", "creat"):
        del given["dirfd"]
    if name == "creat":
        del given["flags"]
    event = box.happens(name, tid, **given)
    known = box.seen(name, event)
    number = known.classes[0] | flags & 3 | (DIRECTORY if flags & O_DIRECTORY else 0)
    numbers = tuple(number & ~3 | access for access in range(4)) if name == "creat" else (number,)
    entry = event.find_fd()
    resolved = None if entry is None else entry.name.encode("utf-8", "surrogateescape")
    if resolved is not None and b"TOO_LONG" in resolved:
        resolved = raw.rstrip(b"/")  # What the field shows is not where the kernel has come to.
    return event, replace(known, classes=numbers, told=replace(known.told, path=resolved, raw=raw))


def _connect(box: PushedBox, tid: int, fd: int, res: int, mapped: bool) -> tuple[Event, Seen]:
    thread = box.machine.threads[tid]
    entry = thread.fds.get(fd)
    pair = tuple4("10.0.0.1", 4000, "1.2.3.4", 443)
    if fd == 7:
        pair = b"\x01" + struct.pack("<QQ", 1, 2) + b"/run/x\0"
    elif fd == 6:
        end = _MAPPED if mapped else b"\x20\x01" + bytes(10)
        pair = (
            b"\x0a"
            + end
            + b"\x0a\0\0\1"
            + struct.pack("<H", 4000)
            + end
            + b"\1\2\3\4"
            + struct.pack("<H", 443)
        )
    event = box.happens("connect", tid, res=res, tuple=pair, fd=fd, addr=sockaddr("1.2.3.4", 443))
    known = box.seen("connect", event)
    family = None if entry is None else _FAMILIES.get(entry.type)
    if fd not in (5, 6, 7):
        return event, replace(known, classes=tuple(range(CLASSES)))
    assert family is not None
    told = replace(known.told, ports=(0, 4000, 443))  # 0 where there is no connection yet.
    return event, replace(known, classes=(known.classes[0] | {5: 2, 6: 3, 7: 1}[fd],), told=told)


def _socket(box: PushedBox, tid: int, fd: int, domain: int) -> tuple[Event, Seen]:
    event = box.happens("socket", tid, fd=fd, domain=domain, type=1, proto=0, flags=0)
    known = box.seen("socket", event)
    family = {_AF_UNIX: 1, _AF_INET: 2, _AF_INET6: 3}.get(domain, 0)
    return event, replace(known, classes=(known.classes[0] | family,))


def _dup(box: PushedBox, tid: int, old: int, res: int) -> tuple[Event, Seen]:
    entry = box.machine.threads[tid].fds.get(old)
    event = box.happens("dup", tid, res=res, oldfd=old)
    known = box.seen("dup", event)
    if entry is None or (old == 8 and entry.type is not FdType.FILE):  # Nothing was told of it before.
        return event, replace(known, classes=tuple(range(CLASSES)))
    family = {5: 2, 6: 3, 7: 1}.get(old, 0) if res >= 0 else 0
    return event, replace(known, classes=(known.classes[0] | family,))


def _generic(box: PushedBox, tid: int, name: str, bad: bool) -> tuple[Event, Seen]:
    event = box.happens(1, tid, ID=SYSCALL_NAMES.index(name))
    known = box.seen(name, event)
    return event, replace(known, classes=(known.classes[0] | (FAILED if bad else 0),))


def _plain(box: PushedBox, tid: int, name: str, res: int) -> tuple[Event, Seen]:
    arguments: dict[str, dict[str, Any]] = {
        "unlinkat": {"dirfd": AT_FDCWD, "name": "/etc/shadow", "flags": 0},
        "mkdir": {"path": "/etc/x", "mode": 0},
        "read": {"fd": 8},
        "setuid": {"uid": 1000},
        "execve": {"exe": "x"},
    }
    res = -2 if name == "execve" else res
    event = box.happens(name, tid, res=res, **arguments[name])
    return event, box.seen(name, event)


_tids = st.sampled_from([ROOT_ON_HOST, USER_ON_HOST, ROOT_IN_CONTAINER, USER_IN_CONTAINER])
_results = st.sampled_from([0, 3, -2, -1, -115])
CALLS: st.SearchStrategy[tuple[Any, tuple[Any, ...]]] = st.one_of(
    st.tuples(
        st.just(_open),
        st.tuples(
            _tids,
            st.sampled_from(["open", "openat", "openat2", "creat"]),
            st.sampled_from(PATHS),
            st.sampled_from([3, 3, 3, 9, -2, -13]),
            st.builds(
                lambda access, more: access | more, st.integers(0, 3), st.sampled_from([0, O_DIRECTORY, 4])
            ),
            st.sampled_from([AT_FDCWD, 8, 77]),
        ),
    ),
    st.tuples(
        st.just(_connect), st.tuples(_tids, st.sampled_from([5, 6, 7, 8, 99]), _results, st.booleans())
    ),
    st.tuples(
        st.just(_socket),
        st.tuples(
            _tids, st.sampled_from([20, -1]), st.sampled_from([_AF_UNIX, _AF_INET, _AF_INET6, _AF_PACKET])
        ),
    ),
    st.tuples(st.just(_dup), st.tuples(_tids, st.sampled_from([5, 6, 7, 8, 99]), _results)),
    st.tuples(
        st.just(_generic), st.tuples(_tids, st.sampled_from(["getppid", "gettid", "statx"]), st.booleans())
    ),
    st.tuples(
        st.just(_plain),
        st.tuples(_tids, st.sampled_from(["unlinkat", "mkdir", "read", "setuid", "execve"]), _results),
    ),
)
"""What happens: a function of the machine, and its other arguments; it returns the event and what is seen."""


def every_call() -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Calls of every sort, as CALLS has them, by turns of each process."""
    tids = cycle([ROOT_ON_HOST, USER_ON_HOST, ROOT_IN_CONTAINER, USER_IN_CONTAINER, USER_IN_CONTAINER])
    opens = product(["open", "openat", "openat2", "creat"], PATHS, [3, -2], [1, 2, 3 | O_DIRECTORY])
    for name, path, fd, flags in opens:
        yield _open, (next(tids), name, path, fd, flags, AT_FDCWD)
    for path in PATHS:
        yield _open, (next(tids), "openat", path, 3, 1, 8)
    for fd, result, mapped in product([5, 6, 7, 8, 99], [0, -2, -115], [False, True]):
        yield _connect, (next(tids), fd, result, mapped)
    for fd, domain in product([20, -1], [_AF_UNIX, _AF_INET, _AF_INET6, _AF_PACKET]):
        yield _socket, (next(tids), fd, domain)
    for old, result in product([5, 6, 7, 8, 99], [0, 21, -9]):
        yield _dup, (next(tids), old, result)
    for name, bad in product(["getppid", "gettid"], [False, True]):
        yield _generic, (next(tids), name, bad)
    for name, result in product(["unlinkat", "mkdir", "read", "execve", "setuid"], [0, -2]):
        yield _plain, (next(tids), name, result)
