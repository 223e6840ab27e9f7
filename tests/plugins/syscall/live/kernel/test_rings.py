"""What programs ask for through io_uring is told as the calls would be that it stands for."""

from __future__ import annotations

import itertools
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.host import PluginHost
from tests.support.bpf_objects import needs_kernel
from tests.support.live_actor import Actor
from tests.support.live_ring import RING
from tests.support.live_watch import Row, Watch, is_of, row_of, rule_set, seen
from tests.support.syscall_events import one_rule

pytestmark = needs_kernel
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
RELEASE = tuple(map(int, re.findall(r"\d+", platform.release())[:2]))
needs_results = pytest.mark.skipif(RELEASE < (6, 0), reason="results of requests are known since Linux 6.0")

MANY = 1000
RULES = one_rule("evt.type in (open, openat, openat2, connect)", "%proc.cwd %fd.name")
SETTING = """
import resource
d = {directory!r}
def written(name):
    with open(d + "/" + name, "w") as made: made.write("x")
written("plain")
written("secret")
os.chmod("secret", 0)
os.symlink(d + "/plain", d + "/link")
os.mkdir(d + "/sub")
long = ["n" * 200] * 15
os.makedirs("/".join([d, *long]))
written("/".join([*long, "plain"]))
written("sub/inner")
sub = os.open(d + "/sub", os.O_RDONLY)
def closing(results):
    for each in results.values():
        if each >= 0: os.close(each)
    return results
server = socket.create_server(("127.0.0.1", 0)); port = server.getsockname()[1]
refusing = socket.socket(); refusing.bind(("127.0.0.1", 0)); refused = refusing.getsockname()[1]
def deaf():
    # A server whose queue is full: who connects to it is not answered.
    made = socket.socket(); made.bind(("127.0.0.1", 0)); made.listen(0)
    kept = [socket.socket() for _ in range(4)]
    for each in kept:
        each.setblocking(False)
        each.connect_ex(made.getsockname())
    return made, kept
"""
OPENED = (
    *("evt.rawres", "evt.res", "evt.failed", "evt.is_open_read", "evt.is_open_write", "evt.arg.mode"),
    *("fd.num", "fd.name", "fd.nameraw", "fd.ino", "fd.dev", "fd.typechar", "fs.path.name", "evt.arg.name"),
    *("proc.pid", "proc.name", "proc.cwd", "user.uid"),
)


class Stage:
    """All opens and connects of a process that has a ring."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.watch, self.actor = Watch(rule_set(RULES)), Actor(directory)
        self.has_rings = self.actor.does(RING)[1] >= 0
        self.sees_opening = not self.watch.leaves_out("on_opened")
        self.does(SETTING.format(directory=str(directory)))

    def does(self, code: str, *fields: str) -> tuple[list[Row], Any]:
        """(fields of each event of an action, what it has left in `result`)."""
        return seen(self.watch, self.actor, code, fields)

    def close(self) -> None:
        self.actor.close()
        self.watch.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    if not made.has_rings:
        made.close()
        pytest.skip("io_uring is turned off")
    yield made
    made.close()


OPENS = {
    "a file": 'd + "/plain"',
    "a file to be written": 'd + "/plain", os.O_RDWR | os.O_APPEND',
    "a new file": 'd + "/new", os.O_WRONLY | os.O_CREAT, 0o640',
    "a directory": 'd + "/sub", os.O_RDONLY | os.O_DIRECTORY',
    "a path alone": 'd + "/plain", os.O_PATH',
    "below a descriptor": '"inner", 0, 0, sub',
    "below the working directory": '"sub/../plain"',
    "what is not there": 'd + "/none"',
    "what is no directory": 'd + "/plain/none"',
    "a link that is not to be followed": 'd + "/link", os.O_NOFOLLOW',
    "a long path": '"./" * 1000 + "plain"',
    "what has a long path": '"/".join([d, *long, "plain"])',
    "no descriptor": '"inner", 0, 0, 999',
}


def both_ways(stage: Stage, arguments: str, before: str = "", after: str = "") -> tuple[list[Row], list[Row]]:
    """What is told of an open by a call, and through a ring."""
    stage.does(
        f"""
def way(path, access=0, mode=0, directory=-100): return path, access, mode, directory
path, access, mode, directory = way({arguments})
def by_call(): return call("openat", directory, path.encode(), access, mode)
def by_ring():
    ring.open(path, access, mode, directory)
    return ring.run()[0]
def closed(fd):
    if fd >= 0: os.close(fd)
    if access & os.O_CREAT: os.unlink(path)
"""
    )
    called, _ = stage.does(f"{before}\nclosed(by_call())\n{after}", *OPENED)
    asked, _ = stage.does(f"{before}\nclosed(by_ring())\n{after}", *OPENED)
    return called, asked


@needs_results
@pytest.mark.parametrize("way", OPENS)
def test_an_open_is_told_as_that_by_a_call(stage: Stage, way: str) -> None:
    called, asked = both_ways(stage, OPENS[way])
    for row in (*called, *asked):  # A new file is another one each time.
        row.pop("fd.ino" if way == "a new file" else "", None)
    assert len(called) == 1
    assert asked == called


@needs_results
@needs_root
def test_an_open_that_is_not_allowed(stage: Stage) -> None:
    called, asked = both_ways(stage, 'd + "/secret"', "os.seteuid(65534)", "os.seteuid(0)")
    told = [(row["evt.res"], row["evt.failed"], row["user.uid"]) for row in asked]
    assert told == [("EACCES", "true", "65534")]
    assert asked == called


@needs_results
def test_an_open_through_a_link_is_told_by_the_file(stage: Stage) -> None:
    called, asked = both_ways(stage, 'd + "/link"')
    # Where the kernel tells of it only afterwards, it may be another file by then: both are told.
    first = [] if stage.sees_opening else [f"{stage.directory}/link"]
    assert [row["fd.name"] for row in asked] == [*first, f"{stage.directory}/plain"]
    assert asked[-1:] == called


@needs_results
def test_openat2_with_its_structure(stage: Stage) -> None:
    rows, result = stage.does(
        'ring.open2("sub/inner", os.O_RDWR, 8, name=1)\nring.open2(d + "/sub/inner", 0, 8, name=2)\n'
        "result = closing(ring.run())",
        "evt.res", "evt.rawres", "fd.name", "evt.is_open_write", "evt.arg.resolve",
    )  # fmt: skip
    assert rows == [
        {"evt.type": "openat2", "evt.res": "SUCCESS", "evt.rawres": str(result["1"]),
         "fd.name": f"{stage.directory}/sub/inner", "evt.is_open_write": "true",
         "evt.arg.resolve": "RESOLVE_BENEATH"},
        {"evt.type": "openat2", "evt.res": "EXDEV", "evt.rawres": "-18",
         "fd.name": f"{stage.directory}/sub/inner", "evt.is_open_write": "false",
         "evt.arg.resolve": "RESOLVE_BENEATH"},
    ]  # fmt: skip


@needs_results
@pytest.mark.parametrize("place", ["1", "ANY_PLACE"])
def test_a_file_without_a_descriptor(stage: Stage, place: str) -> None:
    rows, result = stage.does(
        "direct = Ring()\ndirect.register_files([-1, -1, -1])\n"
        f'direct.open(d + "/link", place={place})\nresult = direct.run()\nos.close(direct.fd)',
        "evt.res", "evt.rawres", "fd.name", "fd.ino",
    )  # fmt: skip
    assert result == {"0": 0}
    name, ino = ("plain", os.stat(stage.directory / "plain").st_ino) if stage.sees_opening else ("link", 0)
    assert rows == [
        {"evt.type": "openat", "evt.res": "SUCCESS", "evt.rawres": "0",
         "fd.name": f"{stage.directory}/{name}", "fd.ino": str(ino)}
    ]  # fmt: skip


@needs_results
@needs_root
def test_a_ring_that_a_thread_of_the_kernel_serves(stage: Stage) -> None:
    rows, result = stage.does(
        'polled = Ring(8, SQPOLL)\npolled.open(d + "/plain", name=1)\npolled.open(d + "/none", name=2)\n'
        "result = polled.run()\nos.close(result[1])\nos.close(polled.fd)",
        "evt.rawres", "fs.path.name", "proc.pid",
    )  # fmt: skip
    told = {"evt.type": "openat", "proc.pid": str(stage.actor.pid)}
    assert rows == [
        {**told, "evt.rawres": str(result["1"]), "fs.path.name": f"{stage.directory}/plain"},
        {**told, "evt.rawres": "-2", "fs.path.name": f"{stage.directory}/none"},
    ]


@needs_results
def test_opens_that_other_threads_do_are_of_who_asks(stage: Stage) -> None:
    rows, result = stage.does(
        'for number in range(4): ring.open("plain", name=number, flags=ASYNC)\n'
        'ring.open("none", name=4, flags=ASYNC)\nresult = closing(ring.run())',
        "evt.rawres", "thread.tid", "proc.name",
    )  # fmt: skip
    assert sorted(row["evt.rawres"] for row in rows) == sorted(map(str, result.values()))
    assert len({value for value in result.values() if value >= 0}) == 4
    assert {row["thread.tid"] for row in rows} == {str(stage.actor.pid)}


@needs_results
def test_many_in_one_go_are_told_once_each_with_their_own_result(stage: Stage) -> None:
    rows, result = stage.does(
        f"""
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
many = Ring(1024)
for number in range({MANY}):
    many.open(f"{{d}}/many-{{number}}", os.O_CREAT if number % 2 else 0, 0o600, name=number)
result = closing(many.run())
os.close(many.fd)
""",
        "evt.rawres", "fs.path.name",
    )  # fmt: skip
    assert len(result) == MANY
    assert {value < 0 for value in result.values()} == {True, False}
    assert sorted((row["fs.path.name"], row["evt.rawres"]) for row in rows) == sorted(
        (f"{stage.directory}/many-{number}", str(value)) for number, value in result.items()
    )


@needs_results
def test_files_that_get_the_same_descriptor_in_one_go(stage: Stage) -> None:
    """Neither is told instead of the other, whenever the kernel tells that they were opened."""
    rows, result = stage.does(
        """
free = os.open("/dev/null", os.O_RDONLY)
os.close(free)
ring.open(d + "/plain", name=1)
ring.ask(CLOSE, free, name=2)
ring.open(d + "/sub/inner", name=3)
result = free, ring.run()
os.close(free)
""",
        "fd.name",
    )
    free, found = result
    assert found == {"1": free, "2": 0, "3": free}
    plain, inner = f"{stage.directory}/plain", f"{stage.directory}/sub/inner"
    names = [row["fd.name"] for row in rows[1:]]
    assert names == ([plain, inner] if stage.sees_opening else [plain, inner, inner])


@needs_results
def test_an_open_whose_caller_wants_no_result(stage: Stage) -> None:
    rows, _ = stage.does(
        'ring.open(d + "/plain", flags=SILENT)\nring.ask(NOP)\nring.run(1)', "evt.rawres", "fd.name"
    )
    if not stage.sees_opening:
        rows += first_of(stage, 1, "evt.rawres", "fd.name")
    assert [row["fd.name"] for row in rows] == [f"{stage.directory}/plain"]
    assert (rows[0]["evt.rawres"] != "0") == stage.sees_opening


@needs_results
def test_linked_requests_that_fail_together(stage: Stage) -> None:
    rows, result = stage.does(
        'ring.open(d + "/none", name=1, flags=LINKED)\nring.open(d + "/plain", name=2)\nresult = ring.run()',
        "evt.res", "fs.path.name",
    )  # fmt: skip
    assert result == {"1": -2, "2": -125}
    assert sorted((row["evt.res"], row["fs.path.name"]) for row in rows) == [
        ("ECANCELED", f"{stage.directory}/plain"),
        ("ENOENT", f"{stage.directory}/none"),
    ]


@needs_results
def test_an_open_that_takes_long_is_told_when_it_is_asked_for_and_when_it_is_done(stage: Stage) -> None:
    rows, result = stage.does(
        'ring.delay(1.5, name=1, flags=CHAINED)\nring.open(d + "/link", os.O_RDWR, name=2)\n'
        "result = closing(ring.run())[2]",
        "evt.rawres", "fd.name", "evt.is_open_write",
    )  # fmt: skip
    told = {"evt.type": "openat", "evt.is_open_write": "true"}
    assert rows == [
        {**told, "evt.rawres": "0", "fd.name": f"{stage.directory}/link"},
        {**told, "evt.rawres": str(result), "fd.name": f"{stage.directory}/plain"},
    ]


@needs_results
def test_a_request_outlives_the_rules_under_which_it_was_made(stage: Stage) -> None:
    watch = Watch(rule_set(RULES))
    sentinel, _ = stage.actor.does(
        """
os.mkfifo("fifo")
patient = Ring()
patient.open("fifo", flags=ASYNC)
patient.run(0)
"""
    )
    rows = [row_of(event, ("evt.rawres", "fd.name")) for event in watch.until(sentinel)]
    watch.replace(rule_set(RULES))
    sentinel, fd = stage.actor.does(
        """
writer = os.open("fifo", os.O_WRONLY)
result = patient.run(1)[0]
for fd in (writer, result, patient.fd): os.close(fd)
"""
    )
    rows += [row_of(event, ("evt.rawres", "fd.name")) for event in watch.until(sentinel)]
    watch.close()
    stage.does("")
    told = [row["evt.rawres"] for row in rows if row["fd.name"] == f"{stage.directory}/fifo"]
    assert str(fd) in told


SECRET = "/etc/pam.d/other"
READS = {
    "itself": ('ring.open("/etc/pam.d/other")', True),
    "a link to it": ('os.symlink("/etc/pam.d/other", d + "/other")\nring.open(d + "/other")', True),
    "itself in vain": ('ring.open("/etc/pam.d/other", os.O_DIRECTORY)', False),
    "itself to write": ('ring.open("/etc/pam.d/other", os.O_WRONLY)', False),
}


@needs_results
@needs_root
@pytest.mark.skipif(not os.access(SECRET, os.R_OK), reason=f"there is no {SECRET}")
@pytest.mark.parametrize("way", READS)
def test_bundled_rules_match_as_for_a_call(stage: Stage, way: str) -> None:
    code, matches = READS[way]
    watch = Watch(rule_set(*(path.read_text() for path in PluginHost().pack("syscall").files)))
    sentinel, result = stage.actor.does(f"{code}\nresult = closing(ring.run())[0]")
    found = [name for event in watch.until(sentinel) for name, _ in watch.alerts(event)
             if is_of(event, stage.actor.pid)]  # fmt: skip
    watch.close()
    stage.does("")
    assert ("Read sensitive file untrusted" in found) == matches
    assert (result >= 0) == (matches or "O_WRONLY" in code)


CONNECTED = ("evt.rawres", "evt.res", "fd.num", "fd.sip", "fd.sport", "fd.name", "fd.l4proto", "evt.arg.addr")
CONNECTS = {"works": "port", "is refused": "refused"}


@needs_results
@pytest.mark.parametrize("end", CONNECTS)
def test_a_connect_is_told_as_that_by_a_call(stage: Stage, end: str) -> None:
    rows, _ = stage.does(
        f"""
def by_call(): s.connect_ex(("127.0.0.1", {CONNECTS[end]}))
def by_ring():
    ring.connect(s, address4({CONNECTS[end]}))
    ring.run()
for way in by_call, by_ring:
    s = socket.socket()
    way()
    s.close()
""",
        *CONNECTED,
    )
    called, asked = rows
    for row in rows:
        row["fd.name"] = re.sub(r":\d+->", ":CLIENT->", row["fd.name"])
        if end == "is refused":  # A socket that was not waited with has kept whom it has asked.
            row["fd.name"] = row["fd.sip"] = row["fd.sport"] = row["fd.l4proto"] = ""
    assert asked == called
    assert called["evt.res"] == ("SUCCESS" if end == "works" else "ECONNREFUSED")


@needs_results
def test_a_connect_of_a_registered_socket(stage: Stage) -> None:
    rows, result = stage.does(
        "s = socket.socket()\nheld = Ring()\nheld.register_files([s.fileno()])\n"
        "held.connect(0, address4(port), flags=FIXED)\nresult = [port, held.run()[0]]\n"
        "os.close(held.fd)\ns.close()",
        *CONNECTED,
    )  # fmt: skip
    port, found = result
    assert found == 0
    [row] = rows
    assert (row["evt.res"], row["fd.sip"], row["fd.sport"]) == ("SUCCESS", "127.0.0.1", str(port))
    assert re.fullmatch(rf"127\.0\.0\.1:[1-9]\d*->127\.0\.0\.1:{port}", row["fd.name"])


UNANSWERED = """
silent, kept = deaf()
s = socket.socket()
waiting = Ring()
waiting.connect(s, address4(silent.getsockname()[1]))
waiting.run(0)
result = s.fileno(), silent.getsockname()[1]
"""


def test_a_connect_that_is_not_answered_is_told_after_a_while(stage: Stage) -> None:
    rows, result = stage.does(UNANSWERED, *CONNECTED)
    fd, port = map(str, result)
    [row] = [row for row in rows if row["fd.num"] == fd] or first_of(stage, 1, *CONNECTED)
    assert (row["evt.res"], row["fd.sip"], row["fd.sport"]) == ("SUCCESS", "127.0.0.1", port)
    stage.does("os.close(waiting.fd)\ns.close()")


def test_a_connect_that_is_not_answered_is_told_at_the_end(stage: Stage) -> None:
    watch = Watch(rule_set(RULES))
    sentinel, result = stage.actor.does(UNANSWERED)
    told = [row_of(event, CONNECTED) for event in (*watch.until(sentinel), *watch.rest())]
    assert (*map(str, result), "SUCCESS") in {
        (row["fd.num"], row["fd.sport"], row["evt.res"]) for row in told
    }
    stage.does("os.close(waiting.fd)\ns.close()")


def test_what_a_process_has_asked_for_is_told_before_its_end(stage: Stage) -> None:
    rows, result = stage.does(
        "def act():\n    waiting.connect(s, address)\n    waiting.run(0)\n"
        "silent, kept = deaf()\ns, waiting = socket.socket(), Ring()\n"
        "address = address4(silent.getsockname()[1])\nresult = child(act), silent.getsockname()[1]",
        "proc.pid", "fd.sport",
    )  # fmt: skip
    pid, port = map(str, result)
    assert [row["fd.sport"] for row in rows if row["proc.pid"] == pid] == [port]


def first_of(stage: Stage, count: int, *fields: str) -> list[Row]:
    """The next events of the actor, which come without its doing anything."""
    found = (row_of(event, fields) for event in stage.watch.more() if is_of(event, stage.actor.pid))
    return list(itertools.islice(found, count))
