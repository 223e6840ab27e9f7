"""Ways around what watches: each is seen."""

from __future__ import annotations

import errno
import itertools
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.host import PluginHost
from tests.support.bpf_objects import needs_kernel
from tests.support.live_actor import Actor, built
from tests.support.live_watch import Alert, Row, Watch, alerts_of, is_of, rule_set
from tests.support.syscall_events import one_rule, shown

pytestmark = needs_kernel
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

SECRET = "/etc/pam.d/other"
SENSITIVE = "Read sensitive file untrusted"
needs_secret = pytest.mark.skipif(not os.access(SECRET, os.R_OK), reason=f"there is no {SECRET}")
BURST = 500
THREADS, FILES = 8, 50

SETTING = """
d = {directory!r}
secret = {secret!r}
def p(name): return (d + "/" + name).encode()
def argv(*texts): return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
def read(path, *more): os.close(os.open(path, os.O_RDONLY, *more))
def own_mounts():
    must(call("unshare", 0x20000))
    must(call("mount", b"none", b"/", 0, 0x44000, 0))
"""
ALL = one_rule(
    "evt.type in (open, openat, openat2, connect, execve, execveat, procexit, clone, clone3, fork, vfork)",
    "%proc.cwd %proc.env",
)


class Stage:
    """The bundled rules with their push-down, and beside them all of the same calls."""

    def __init__(self, directory: Path) -> None:
        texts = [path.read_text() for path in PluginHost().pack("syscall").files]
        self.directory = directory
        self.rules, self.all = Watch(rule_set(*texts)), Watch(rule_set(ALL))
        self.actor = Actor(directory)
        self.does(SETTING.format(directory=str(directory), secret=SECRET))

    def does(self, code: str, *fields: str) -> tuple[list[Row], list[Alert], Any]:
        """(fields of each event of an action, the alerts of the bundled rules, what the action has left)."""
        sentinel = self.actor.begin(code)
        rows = [
            {name: shown(event, name) for name in ("evt.type", *fields)}
            for event in self.all.until(sentinel)
            if is_of(event, self.actor.pid)
        ]
        alerts = [
            alert
            for event in self.rules.until(sentinel)
            if is_of(event, self.actor.pid)
            for alert in self.rules.alerts(event)
        ]
        return rows, alerts, self.actor.answer()

    def close(self) -> None:
        """End all three."""
        self.actor.close()
        self.rules.close()
        self.all.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


def opened(rows: list[Row]) -> list[str]:
    return [row["fd.name"] for row in rows if row["evt.type"].startswith("open")]


READS = {
    "a symbolic link to the file": 'os.symlink(secret, d + "/soft")\nread(d + "/soft")',
    "a symbolic link to its directory": 'os.symlink("/etc/pam.d", d + "/dir")\nread(d + "/dir/other")',
    "a chain of symbolic links": """
os.symlink("/etc", d + "/e")
os.symlink("e/pam.d", d + "/f")
read(d + "/f/other")
""",
    "a relative path": 'os.chdir("/etc/pam.d")\nread("other")\nos.chdir(d)',
    "a relative path from above": 'os.chdir("/etc")\nread("pam.d/../pam.d/./other")\nos.chdir(d)',
    "the descriptor of a directory": """
directory = os.open("/etc/pam.d", os.O_PATH)
os.close(os.open("other", os.O_RDONLY, dir_fd=directory))
os.close(directory)
""",
    "openat2": 'os.close(call("openat2", -100, secret.encode(), struct.pack("<QQQ", 0, 0, 0), 24))',
    "the root of a process in /proc": 'read("/proc/self/root" + secret)',
    "the working directory in /proc": 'os.chdir("/etc/pam.d")\nread("/proc/self/cwd/other")\nos.chdir(d)',
    "a descriptor in /proc": """
first = os.open(secret, os.O_PATH)
read(f"/proc/self/fd/{first}")
os.close(first)
""",
    "a path of 4,000 bytes": 'read("/" + "./" * ((4000 - len(secret)) // 2) + secret[1:])',
    "many slashes": 'read("//" + secret.replace("/", "///"))',
    "another thread": "t = threading.Thread(target=read, args=(secret,))\nt.start()\nt.join()",
    "a process whose parent has ended": """
a, b = os.pipe()
def orphan():
    if os.fork() == 0:
        while os.getppid() == middle[0]: time.sleep(0.001)
        read(secret)
        os.close(b)
        os._exit(0)
middle = []
def parent():
    middle.append(os.getpid())
    orphan()
must(call("prctl", 36, 1, 0, 0, 0))
child(parent)
os.close(b)
os.read(a, 1)
os.close(a)
os.wait()
""",
}
"""Ways to read a file that a rule is about."""


@needs_secret
@pytest.mark.parametrize("way", READS)
def test_a_sensitive_file_is_seen_however_it_is_opened(stage: Stage, way: str) -> None:
    rows, alerts, _ = stage.does(READS[way], "fd.name")
    assert SECRET in opened(rows)
    assert SENSITIVE in dict(alerts)


OTHER_NAMES = {
    "process": 'child(lambda: (call("prctl", 15, b"fake\\0"), read(d + "/secret")))',
    "thread": """
def act():
    call("prctl", 15, b"fake\\0")
    read(d + "/secret")
it = threading.Thread(target=act); it.start(); it.join()
""",
    "child of it": """
def act():
    call("prctl", 15, b"fake\\0")
    child(lambda: read(d + "/secret"))
child(act)
""",
    "by /proc": """
def act():
    with open("/proc/self/comm", "w") as file: file.write("fake")
    read(d + "/secret")
child(act)
""",
}


@pytest.mark.parametrize("way", OTHER_NAMES)
def test_a_process_by_another_name_is_known_as_its_program(stage: Stage, way: str) -> None:
    """The kernel leaves calls out by the name of the program, and not by what it calls itself."""
    (stage.directory / "secret").touch()
    name = Path(f"/proc/{stage.actor.pid}/comm").read_text().strip()
    texts = [
        one_rule(f"evt.type = openat and fd.filename = secret and {check}", "x").replace(
            '"R"', f'"R{number}"'
        )
        for number, check in enumerate((f"proc.name = {name}", "proc.name != fake", "proc.name in (fake, x)"))
    ]
    watch = Watch(rule_set(*texts))
    try:
        (alerts,) = alerts_of((watch,), stage.actor, OTHER_NAMES[way])
    finally:
        watch.close()
    assert [rule for rule, _ in alerts] == ["R0", "R1"]


def test_a_file_that_rules_want_for_several_reasons_is_seen(stage: Stage) -> None:
    """What is not enough for one rule, such as the name of a file, does not end the search for others."""
    (stage.directory / "secret").touch()
    opened = "evt.type = openat and"
    checks = (
        "fd.filename = secret and fd.nameraw contains ../",
        "fd.filename = secret and proc.name = nobody",
        f"fd.directory = {stage.directory}",
        "fd.filename = secret and proc.cwd startswith /none",
    )
    texts = [
        one_rule(f"{opened} {check}", "x").replace('"R"', f'"R{number}"')
        for number, check in enumerate(checks)
    ]
    watch = Watch(rule_set(*texts))
    try:
        (alerts,) = alerts_of((watch,), stage.actor, 'read(d + "/secret")')
    finally:
        watch.close()
    assert [rule for rule, _ in alerts] == ["R2"]


def test_a_program_is_told_from_others_in_the_kernel(stage: Stage) -> None:
    """A copy under another name, and who was there before: what they open does not come here at all."""
    text = one_rule("evt.type = openat and fd.filename = secret and proc.name = reader", "%proc.name")
    watch = Watch(rule_set(text))
    run = """
import shutil
(open(d + "/secret", "w")).close()
for name in ("reader", "other"):
    shutil.copy("/bin/cat", d + "/" + name)
    subprocess.run([d + "/" + name, d + "/secret"])
read(d + "/secret")
"""
    try:
        (alerts,) = alerts_of((watch,), stage.actor, run, names={"openat"})
    finally:
        watch.close()
    assert [output for _, output in alerts] == ["reader"]
    assert watch.drawn == 1


@needs_secret
@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is of x86")
def test_a_call_of_32_bits_is_seen(stage: Stage) -> None:
    program = built("int80.c", stage.directory, "-static", "-no-pie")
    rows, alerts, result = stage.does(
        f"result = subprocess.run([{str(program)!r}, secret], capture_output=True).stdout.decode()",
        "fd.name", "proc.name",
    )  # fmt: skip
    if result == "":
        pytest.skip("this kernel has no calls of 32 bits")
    assert {"evt.type": "open", "fd.name": SECRET, "proc.name": "int80"} in rows
    assert SENSITIVE in dict(alerts)


@needs_secret
def test_an_open_through_a_ring_is_seen(stage: Stage) -> None:
    program = built("ring.c", stage.directory)
    rows, alerts, (status, result) = stage.does(
        f"done = subprocess.run([{str(program)!r}, 'open', secret], capture_output=True)\n"
        "result = done.returncode, done.stdout.decode()",
        "fd.name", "proc.name",
    )  # fmt: skip
    if status == 77:
        pytest.skip("io_uring is turned off")
    assert int(result) >= 0
    assert {"evt.type": "openat", "fd.name": SECRET, "proc.name": "ring"} in rows
    assert SENSITIVE in dict(alerts)


def test_a_connection_through_a_ring_is_seen(stage: Stage) -> None:
    program = built("ring.c", stage.directory)
    rows, _, (status, result, port) = stage.does(
        "server = socket.create_server(('127.0.0.1', 0))\nport = server.getsockname()[1]\n"
        f"done = subprocess.run([{str(program)!r}, 'connect', str(port)], capture_output=True)\n"
        "result = done.returncode, done.stdout.decode(), port\nserver.close()",
        "fd.sip", "fd.sport", "proc.name",
    )  # fmt: skip
    if status == 77:
        pytest.skip("io_uring is turned off")
    assert result == "0"
    assert {"evt.type": "connect", "fd.sip": "127.0.0.1", "fd.sport": str(port), "proc.name": "ring"} in rows


@needs_root
@needs_secret
def test_a_bind_mount_is_seen_by_where_it_is(stage: Stage) -> None:
    inode = os.stat(SECRET).st_ino
    rows, _, _ = stage.does(
        """
os.mkdir(d + "/mounted")
def act():
    own_mounts()
    must(call("mount", b"/etc/pam.d", p("mounted"), 0, 0x1000, 0))
    read(d + "/mounted/other")
child(act)
""",
        "fd.name", "fd.ino",
    )  # fmt: skip
    assert {"evt.type": "openat", "fd.name": f"{stage.directory}/mounted/other", "fd.ino": str(inode)} in rows


@needs_root
@needs_secret
def test_a_bind_mount_over_another_place_is_seen(stage: Stage) -> None:
    rows, alerts, _ = stage.does(
        """
os.mkdir(d + "/own")
with open(d + "/own/other", "w") as made: made.write("x")
def act():
    own_mounts()
    must(call("mount", p("own"), b"/etc/pam.d", 0, 0x1000, 0))
    os.chdir("/etc/pam.d")
    read("other")
child(act)
""",
        "fd.name",
    )
    assert SECRET in opened(rows)
    assert SENSITIVE in dict(alerts)


@needs_root
def test_a_process_in_another_pid_namespace_is_seen(stage: Stage) -> None:
    rows, _, pids = stage.does(
        """
a, b = os.pipe()
def act():
    must(call("unshare", 0x20000000))
    pid = os.fork()
    if not pid:
        os.execv("/bin/true", ["true", "inside"])
    os.write(b, struct.pack("<i", pid))
    os.waitpid(pid, 0)
child(act)
result = struct.unpack("<i", os.read(a, 4))
""",
        "proc.name", "proc.args", "proc.pid", "proc.vpid", "proc.pname",
    )  # fmt: skip
    found = [row for row in rows if row["evt.type"] == "execve" and row["proc.args"] == "inside"]
    assert [(row["proc.pid"], row["proc.vpid"]) for row in found] == [(str(pids[0]), "1")]
    assert found[0]["proc.pname"].startswith("python")


def test_no_process_of_a_burst_is_missed(stage: Stage) -> None:
    rows, _, pids = stage.does(
        f"""
result = []
for number in range({BURST}):
    pid = os.fork()
    if not pid:
        try: os.execv("/bin/true", ["true", str(number)])
        finally: os._exit(1)
    result.append(pid)
for pid in result: os.waitpid(pid, 0)
""",
        "proc.name", "proc.args", "proc.pid", "proc.ppid", "proc.pname", "proc.exepath",
    )  # fmt: skip
    started = [row for row in rows if row["evt.type"] == "execve"]
    assert sorted((row["proc.args"], row["proc.pid"]) for row in started) == sorted(
        (str(number), str(pid)) for number, pid in enumerate(pids)
    )
    assert {row["proc.ppid"] for row in started} == {str(stage.actor.pid)}
    assert {row["proc.pname"] for row in started} == {started[0]["proc.pname"]}
    assert {row["proc.exepath"] for row in started} == {os.path.realpath("/bin/true")}
    ended = [row["proc.pid"] for row in rows if row["evt.type"] == "procexit"]
    assert sorted(ended) == sorted(map(str, pids))


def test_grandchildren_of_a_burst_know_their_ancestors(stage: Stage) -> None:
    rows, _, pairs = stage.does(
        f"""
result = []
for number in range({BURST // 10}):
    a, b = os.pipe()
    pid = os.fork()
    if not pid:
        inner = os.fork()
        if not inner:
            try: os.execv("/bin/true", ["true", str(number)])
            finally: os._exit(1)
        os.write(b, struct.pack("<i", inner))
        os.waitpid(inner, 0)
        os._exit(0)
    os.close(b)
    result.append([pid, struct.unpack("<i", os.read(a, 4))[0]])
    os.close(a)
    os.waitpid(pid, 0)
""",
        "proc.args", "proc.pid", "proc.ppid", "proc.apid[2]",
    )  # fmt: skip
    started = [row for row in rows if row["evt.type"] == "execve"]
    assert [[int(row["proc.ppid"]), int(row["proc.pid"])] for row in started] == pairs
    assert {row["proc.apid[2]"] for row in started} == {str(stage.actor.pid)}


def test_every_file_of_many_threads_is_seen(stage: Stage) -> None:
    rows, _, _ = stage.does(
        f"""
def work(number):
    for each in range({FILES}): touch(d + f"/thread-{{number}}-{{each}}")
made = [threading.Thread(target=work, args=(number,)) for number in range({THREADS})]
for thread in made: thread.start()
for thread in made: thread.join()
""",
        "fd.name", "proc.pid", "proc.name",
    )  # fmt: skip
    found = [row for row in rows if "/thread-" in row.get("fd.name", "")]
    wanted = itertools.product(range(THREADS), range(FILES))
    assert sorted(row["fd.name"] for row in found) == sorted(
        f"{stage.directory}/thread-{number}-{each}" for number, each in wanted
    )
    assert {row["proc.pid"] for row in found} == {str(stage.actor.pid)}
    assert len({row["proc.name"] for row in found}) == 1


def test_threads_that_take_turns_in_changing_directory_know_where_they_are(stage: Stage) -> None:
    rows, _, _ = stage.does(
        """
os.makedirs(d + "/one", exist_ok=True)
os.makedirs(d + "/two", exist_ok=True)
def turn(directory, name):
    def act():
        os.chdir(directory)
        touch(name)
    return act
def another(act):
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
for number in range(3):
    turn(d + "/one", f"turn-{number}-a")()
    another(turn(d + "/two", f"turn-{number}-b"))
    os.chdir(d + "/one")
    touch(f"turn-{number}-c")
os.chdir(d)
""",
        "fd.name", "proc.cwd",
    )  # fmt: skip
    found = [(row["proc.cwd"], row["fd.name"]) for row in rows if "/turn-" in row.get("fd.name", "")]
    one, two = f"{stage.directory}/one/", f"{stage.directory}/two/"
    assert found == [
        (where, f"{where}turn-{number}-{letter}")
        for number in range(3)
        for letter, where in (("a", one), ("b", two), ("c", one))
    ]


def test_arguments_longer_than_a_page_are_seen(stage: Stage) -> None:
    rows, _, _ = stage.does(
        'subprocess.run(["/bin/true", "first", *["x" * 100] * 1000, "last"])', "proc.args", "proc.cmdline"
    )
    [row] = [row for row in rows if row["evt.type"] == "execve"]
    assert row["proc.cmdline"].startswith("true first xxx")
    assert len(row["proc.args"]) >= 4000


def test_failing_programs_with_many_arguments_are_seen(stage: Stage) -> None:
    rows, _, _ = stage.does(
        'child(lambda: call("execve", p("none"), argv(*[b"y" * 100] * 300), None))', "evt.res", "evt.args"
    )
    [row] = [row for row in rows if row["evt.type"] == "execve"]
    assert row["evt.res"] == "ENOENT"
    assert "y" * 100 in row["evt.args"]


def test_names_that_are_not_utf_8_are_seen(stage: Stage) -> None:
    rows, _, _ = stage.does(
        r"""
name = d.encode() + b"/\xff\xfe id_rsa \x01"
os.close(os.open(name, os.O_RDONLY | os.O_CREAT))
program = d.encode() + b"/\xe9xec"
os.symlink("/bin/true", program)
subprocess.run([program, b"\xe9"])
""",
        "fd.name", "proc.exe", "proc.args", "proc.name",
    )  # fmt: skip
    assert any("id_rsa" in name and name.startswith(f"{stage.directory}/") for name in opened(rows))
    [row] = [row for row in rows if row["evt.type"] == "execve"]
    assert row["proc.exe"].encode("utf-8", "surrogateescape") == f"{stage.directory}/".encode() + b"\xe9xec"
    assert row["proc.args"].encode("utf-8", "surrogateescape") == b"\xe9"


@pytest.mark.parametrize("levels", [60, 300])
def test_files_in_deep_directories_are_seen(stage: Stage, levels: int) -> None:
    rows, _, _ = stage.does(
        f"""
for level in range({levels}):
    os.makedirs("deep", exist_ok=True)
    os.chdir("deep")
touch("id_rsa")
os.chdir(d)
""",
        "fd.name", "fd.filename", "fd.nameraw",
    )  # fmt: skip
    found = [row for row in rows if row.get("fd.nameraw") == "id_rsa"]
    assert [row["fd.filename"] for row in found] == ["id_rsa"]
    whole = f"{stage.directory}{'/deep' * levels}/id_rsa"
    assert found[0]["fd.name"] == whole if levels <= 60 else found[0]["fd.name"].endswith("/deep/deep/id_rsa")


def test_what_has_no_room_in_a_record_is_counted(tmp_path: Path) -> None:
    actor = Actor(tmp_path)
    watch = Watch(rule_set(one_rule("evt.type = renameat2", "%evt.arg.newpath %proc.cwd")))
    sentinel, result = actor.does(
        """
while len(os.getcwd()) < 4080:
    name = "n" * min(100, 4080 - len(os.getcwd()))
    os.mkdir(name)
    os.chdir(name)
here = os.open(".", os.O_PATH)
old, new = (ctypes.c_char_p(letter * 4090) for letter in (b"o", b"p"))
result = call("renameat2", here, old, here, new, 0)
"""
    )
    results = [event.result for event in watch.until(sentinel) if event.name == "renameat2"]
    assert results == [result] == [-errno.ENAMETOOLONG]
    assert watch.figure("records cut short") == 1
    watch.close()
    actor.close()


def test_a_long_absolute_path_is_seen_whole(stage: Stage) -> None:
    name = "n" * 200
    rows, _, _ = stage.does(
        f"""
at = d
while len(at) < 3500:
    at += "/" + {name!r}
    os.mkdir(at)
touch(at + "/id_rsa")
result = at
""",
        "fd.name", "fd.filename",
    )  # fmt: skip
    assert any(row.get("fd.filename") == "id_rsa" for row in rows)


@needs_root
def test_a_changed_root_is_seen_with_paths_below_it(stage: Stage) -> None:
    rows, _, _ = stage.does(
        """
os.makedirs(d + "/root/etc", exist_ok=True)
touch(d + "/root/etc/shadow")
child(lambda: (os.chroot(d + "/root"), os.chdir("/"), read("etc/shadow")))
""",
        "fd.name",
    )
    assert "/etc/shadow" in opened(rows)
