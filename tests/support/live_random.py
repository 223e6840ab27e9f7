"""Random rules about system calls, and random actions of which some are what a rule is about."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random

from tests.support.live_actor import call_numbers

NAMES = [
    "a",
    "b.txt",
    ".hidden",
    "id_rsa",
    "shadow",
    "a-name-that-is-longer-than-most-names-of-files-are-and-than-64-bytes",
]
DIRECTORIES = ["", "sub", "sub/deep", "sub/.ssh", "/".join(["level"] * 40)]

CONFINED = """
d = {directory!r}
os.chmod(d, 0o777)
keep_to(d)
"""
SETTING = """
import shutil
os.chdir(d)
for each in os.listdir(d):
    if os.path.isdir(each) and not os.path.islink(each): shutil.rmtree(each)
    elif not each.startswith("sentinel"): os.unlink(each)
for each in {directories!r}:
    os.makedirs(d + "/" + each, exist_ok=True)
    for name in {names!r}:
        with open(d + "/" + each + "/" + name, "w") as made: made.write("x")
for name, to in [("link", "sub/deep/a"), ("links", "sub"), ("away", "/etc"), ("loop", "loop")]:
    if not os.path.lexists(d + "/" + name): os.symlink(to, d + "/" + name)
subdirectory = d + "/sub"
subfd = os.open(subdirectory, os.O_RDONLY)
def buffer(data): return ctypes.create_string_buffer(data, len(data))
def opens(name, *args):
    found = call(name, *args)
    if found >= 0: os.close(found)
def quiet():
    for fd in range(3): os.dup2(os.open("/dev/null", os.O_RDWR), fd)
def argv(*texts): return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
def as_user(uid, act): child(lambda: (os.setresgid(uid, uid, uid), os.setresuid(uid, uid, uid), act()))
def connects(address, kind=1):
    s = socket.socket(struct.unpack("<H", address[:2])[0], kind)
    s.setblocking(False)
    call("connect", s.fileno(), buffer(address), len(address))
    s.close()
def renamed(): call("prctl", 15, b"fake")
def sends(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        call("sendto", s.fileno(), b"x", 1, 0, buffer(address), len(address))
def messages(address):
    name, data = buffer(address), buffer(b"x")
    vector = buffer(struct.pack("<QQ", ctypes.addressof(data), 1))
    parts = ctypes.addressof(name), len(address), ctypes.addressof(vector), 1, 0, 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        call("sendmsg", s.fileno(), buffer(struct.pack("<QIxxxxQQQQi", *parts)), 0)
def ip4(host, port): return struct.pack("<H", 2) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)
def ip6(host, port):
    return struct.pack("<H", 10) + struct.pack(">HI", port, 0) + socket.inet_pton(10, host) + bytes(4)
def unix(path): return struct.pack("<H", 1) + path + bytes(1)
"""

_OUTPUT = (
    "%evt.type %evt.res %fd.name %fd.nameraw %fd.num %proc.name %proc.pname %proc.cmdline %user.uid %evt.args"
)
MOST_BYTES = 200
"""Of a text in a rule."""
_FLAGS = [
    "0",
    "1",
    "2",
    "3",
    "0o1101",
    "0o102",
    "0o2001",
    "0o200000",
    "0o10000000",
    "0o101",
    "0o400000",
    "0o2000000",
]


def confined(directory: str) -> str:
    """What an actor has to run before anything else here: actions have paths of the machine in them."""
    return CONFINED.format(directory=directory)


def setting() -> str:
    """What an actor runs before any action, to have the files that they are about."""
    return SETTING.format(directories=DIRECTORIES, names=NAMES)


def _is_possible(code: str) -> bool:
    """Whether this architecture has the calls that an action makes by their names."""
    return all(name in call_numbers() for name in re.findall(r'(?:call|opens)\("(\w+)"', code))


class Chooser:
    """Makes rules and actions about files in one directory and below /etc."""

    def __init__(self, seed: int, directory: str) -> None:
        self._random = Random(seed)
        self._directory = directory

    def _path(self) -> str:
        pick = self._random.choice
        inside = "/".join(filter(None, (pick(DIRECTORIES), pick([*NAMES, "none", ""]))))
        whole = f"{self._directory}/{inside}"
        return pick(
            [
                whole, whole, whole, inside, inside, f"./{inside}", f"sub/../{inside}",
                f"sub/deep/../../{inside}",
                f"{self._directory}//{inside}", f"{self._directory}/./{inside}", f"{whole}/", f"{whole}/.",
                f"{self._directory}/links/../{inside}", "link", "links/deep/b.txt", "links/a",
                "away/passwd", "loop",
                "/etc/passwd", "/etc/hostname", "/etc/shadow", "/etc", "/etc/", "/etc/none",
                "/etc/../etc/hosts", "/",
                "/etc/pam.d/other", "/etc/security", "/proc/self/status", "/proc/self/ns/mnt",
                "/proc/self/fd/0",
                "/proc/self/cwd/a", "/proc/self/root/etc/passwd", "/dev/null", "/none/at/all", "..", ".", "",
                "a" * 300, "/usr/bin/env", "/tmp", f"{whole}/..", f"/../{whole}", "/proc/self/exe",
                "/dev/shm",
            ]
        )  # fmt: skip

    def action(self) -> str:
        """A piece of Python for an actor that was given the setting."""
        pick = self._random.choice
        path, other = (repr(self._path().encode()) for _ in range(2))
        own, mine = (repr(f"{self._directory}/{pick(DIRECTORIES)}/{pick(NAMES)}".encode()) for _ in range(2))
        flags = pick(_FLAGS)
        port = pick([22, 80, 443, 4444, 9999])
        openings = [
            f'opens("openat", -100, {path}, {flags}, 0o644)',
            f'opens("openat", -100, {path}, {flags}, 0o644)',
            f'opens("openat", subfd, {path}, {flags}, 0o644)',
            f'opens("openat", 999, {path}, {flags}, 0o644)',
            f'opens("open", {path}, {flags}, 0o644)',
            f'opens("creat", {path}, 0o644)',
            f'opens("openat2", -100, {path}, buffer(struct.pack("<QQQ", {flags}, 0, 0)), 24)',
        ]
        others = [
            f'call("unlink", {own})',
            f'call("unlinkat", subfd, {own}, 0)',
            f'call("rename", {own}, {mine})',
            f'call("symlink", {path}, {own})',
            f'call("mkdir", {own}, 0o755)',
            f'call("chmod", {own}, 0o644)',
            f'call("link", {path}, b"/none/at/all")',
            f'connects(ip4("{pick(["127.0.0.1", "192.0.2.1", "10.1.2.3"])}", {port}), {pick([1, 2])})',
            f'connects(ip6("::1", {port}))',
            f'connects(unix({path}[:100]))',
            f'sends(ip4("127.0.0.1", {port}))',
            f'messages(ip4("127.0.0.1", {port}))',
            f'opens("socket", {pick([1, 2, 10, 16, 17])}, {pick([1, 2, 3])}, 0)',
            'opens("dup", subfd)',
            f'child(lambda: (quiet(), call("execve", {path}, argv(b"x", {other}), argv())))',
            f'subprocess.run([{pick(["/bin/true", "/bin/echo", "/usr/bin/env"])!r}, "--version", {path}],'
            " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)",
            f"os.chdir({pick(['d', 'subdirectory', repr('/etc')])})",
            f'child(lambda: (os.chdir("/etc"), opens("openat", -100, {path}, 0)))',
        ]  # fmt: skip
        openings, others = (list(filter(_is_possible, codes)) for codes in (openings, others))
        done = pick(openings) if self._random.random() < 0.6 else pick(others)
        if self._random.random() < 0.1:
            done = f"child(lambda: (renamed(), {done}))"
        if self._random.random() < 0.15 and "os.chdir(" not in done:
            done = f"as_user({pick([1, 1000, 65534])}, lambda: {done})"
        return done

    def rules(self, count: int) -> str:
        """The text of a rule file. In most of them rules are about few paths: much can be left out."""
        condition = self._narrow_condition if self._random.random() < 0.85 else self._condition
        texts = []
        for number in range(count):
            shown = _OUTPUT + (" %proc.cwd" if self._random.random() < 0.2 else "")
            rule = {"rule": f"R{number}", "desc": "d", "priority": "INFO"}
            texts.append({**rule, "condition": condition(), "output": shown})
        return json.dumps(texts)

    def _narrow_condition(self) -> str:
        pick = self._random.choice
        path = self._path()[:MOST_BYTES]
        path = path if len(path) > 4 else "/etc/passwd"
        at = self._random.randrange(4, len(path) + 1)
        name = pick([*NAMES, "passwd", "none", "null", "deep"])
        above = path.rpartition("/")[0] or "/none"
        types = pick(
            ["evt.type in (open, openat, openat2)", "evt.type = openat", "evt.type in (open, openat)"]
        )
        narrow = pick(
            [
                f"fd.name = {json.dumps(path)}", f"fd.name startswith {json.dumps(path[:at])}",
                f"fd.name endswith {json.dumps('/' + name)}", f"fd.name in ({json.dumps(path)}, /etc/none)",
                f"fd.directory = {json.dumps(above)}", f"fd.filename = {name}",
                f"fd.filename in ({name}, hosts)", f"fd.filename startswith {name[:3]}",
                f"fd.filename endswith {name[-3:]}",
                "fd.nameraw contains ../", "fd.name startswith /proc/self/", "fd.directory = /etc",
            ]
        )  # fmt: skip
        return " and ".join([types, narrow, *(self._part() for _ in range(pick([0, 0, 1, 2])))])

    def _condition(self) -> str:
        pick = self._random.choice
        types = pick(
            [
                "evt.type in (open, openat, openat2)", "evt.type = openat",
                "evt.type in (open, openat, openat2, creat)",
                "evt.type in (execve, execveat)", "evt.type = connect", "evt.type in (connect, socket, dup)",
                "evt.type in (connect, sendto, sendmsg)",
                "evt.type in (unlink, unlinkat, rename, mkdir)",
                "evt.type in (openat, connect, symlink, chmod, link)",
                "evt.type != close", "evt.type startswith open",
            ]
        )  # fmt: skip
        parts = [types, *(self._part() for _ in range(self._random.choice([0, 1, 1, 2, 2, 3])))]
        if self._random.random() < 0.1:
            parts = [f"({' and '.join(parts)})", self._part()]
            return " or ".join(parts)
        return " and ".join(parts)

    def _part(self) -> str:
        roll = self._random.random()
        if roll < 0.15:
            return f"({self._check()} or {self._check()})"
        if roll < 0.35:
            return f"not {self._check()}"
        if roll < 0.4:
            return f"not ({self._check()} and {self._check()})"
        return self._check()

    def _check(self) -> str:
        pick = self._random.choice
        makers: Sequence[Callable[[], str]] = [
            self._about_path, self._about_path, self._about_path, self._about_name, self._about_name,
            lambda: f"evt.is_open_read = {pick(['true', 'false'])}",
            lambda: f"evt.is_open_write = {pick(['true', 'false'])}",
            lambda: f"fd.typechar = {pick('fd4u6')}",
            lambda: f"fd.type {pick(['=', '!='])} {pick(['file', 'directory', 'ipv4', 'unix'])}",
            lambda: f"fd.num {pick(['>= 0', '= -1', '< 0', '> 2'])}",
            lambda: f"evt.res {pick(['= SUCCESS', '= ENOENT', 'startswith E', 'in (EACCES, EROFS)'])}",
            lambda: f"evt.rawres {pick(['>= 0', '< 0', '= -2', '> 0'])}",
            lambda: f"evt.failed = {pick(['true', 'false'])}",
            lambda: f"user.uid {pick(['= 0', '!= 0', '> 0', '= 1000', '< 100'])}",
            lambda: f"user.name {pick(['= root', '!= root', '= nobody', 'in (root, daemon)'])}",
            lambda: f"container.id {pick(['= host', '!= host'])}",
            lambda: f"proc.name {pick(['= true', 'startswith py', 'in (echo, env)', '!= env', 'exists'])}",
            lambda: f"proc.name {pick(['= fake', 'in (fake, python)', '= python', 'in (env, true)'])}",
            lambda: f"user.uid {pick(['in (1, 1000)', '>= 1000', '= 65534', 'in (0, 1)'])}",
            lambda: f"fd.{pick(['port', 'cport', 'lport', 'rport'])} {pick(['= 22', '< 1024', '!= 443'])}",
            lambda: f"proc.pname {pick(['startswith py', '= bash', 'exists', '= python', '!= python'])}",
            lambda: f"proc.aname {pick(['= bash', '= python', '= fake', 'in (sshd, pytest)', '= true'])}",
            lambda: f"proc.is_exe_{pick(['writable', 'from_memfd'])} = {pick(['true', 'false'])}",
            lambda: f"proc.cmdline contains {pick(['version', 'etc', 'sub'])}",
            lambda: f"proc.cwd {pick(['startswith /etc', 'endswith /sub/', '!= /', '= /etc/', '= /'])}",
            lambda: f"proc.cwd startswith {self._directory}{pick(['', '/', '/sub/', '/su'])}",
            lambda: f"proc.exe {pick(['startswith /', '= /bin/true', 'startswith /usr', '= x', '= env'])}",
            lambda: f"evt.arg.flags contains {pick(['O_CREAT', 'O_RDWR', 'O_TRUNC', 'O_DIRECTORY'])}",
            lambda: f"fs.path.name {pick(['startswith /etc', 'endswith a', 'contains sub', 'exists'])}",
            lambda: f"fd.sport {pick(['= 443', 'in (80, 4444)', '> 1000', 'exists'])}",
            lambda: f"fd.sip {pick(['= 127.0.0.1', '!= 127.0.0.1', '= 192.0.2.1'])}",
            lambda: f"fd.l4proto {pick(['= tcp', '!= tcp', '= udp'])}",
            lambda: f"fd.sockfamily {pick(['= ip', '= unix', 'exists'])}",
            lambda: "evt.is_open_create = true", lambda: "evt.arg.domain contains AF_INET",
            lambda: "proc.is_exe_writable = true", lambda: "proc.aname[2] exists",
        ]  # fmt: skip
        return pick(makers)()

    def _about_path(self) -> str:
        pick = self._random.choice
        path = self._path()[:MOST_BYTES] or "/"
        at = self._random.randrange(len(path) + 1)
        before, after = path[: at or 1], path[at:] or path
        above = path.rpartition("/")[0] or "/"
        quoted = json.dumps
        return pick(
            [
                f"fd.name = {quoted(path)}", f"fd.name startswith {quoted(before)}",
                f"fd.name endswith {quoted(after)}",
                f"fd.name contains {quoted(after)}", f"fd.name in ({quoted(path)}, /etc/passwd)",
                f"fd.name startswith {quoted(self._directory)}", "fd.name startswith /etc/",
                "fd.name startswith /proc",
                f"fd.name glob {quoted(above + '/*')}", f"fd.name != {quoted(path)}", "fd.name glob *.txt",
                f"fd.directory = {quoted(above)}", f"fd.directory in ({quoted(above)}, /etc, /)",
                f"fd.directory startswith {quoted(before)}", "fd.directory = /etc",
                f"fd.name pmatch ({quoted(above)})",
                "fd.nameraw contains ../", f"fd.nameraw = {quoted(path)}",
                f"fd.nameraw startswith {quoted(before)}",
                "fd.nameraw glob *../*../*", "fd.name exists", f"fd.name iglob {quoted(above + '/*')}",
                f"fd.name icontains {quoted(after)}", "fd.name regex '.*/(a|shadow|passwd)'",
            ]
        )  # fmt: skip

    def _about_name(self) -> str:
        pick = self._random.choice
        name = pick([*NAMES, "passwd", "none", "null", "mnt", "0", "deep"])
        part = name[: self._random.randrange(1, len(name) + 1)]
        return pick(
            [
                f"fd.filename = {name}", f"fd.filename in ({name}, passwd)", f"fd.filename startswith {part}",
                f"fd.filename endswith {name[-len(part):]}", f"fd.filename contains {part}",
                "fd.filename exists",
                f"fd.filename != {name}", f"fd.filename glob {part}*", f"fd.name endswith /{name}",
                f"fd.name contains /{name}",
            ]
        )  # fmt: skip
