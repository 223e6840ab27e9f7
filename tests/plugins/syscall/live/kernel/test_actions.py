"""Every event that the packs need, produced by a small action in the running kernel, with its fields."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.bpf_objects import needs_kernel
from tests.support.live_actor import Actor, call_numbers
from tests.support.live_watch import Row, Watch, rule_set, seen
from tests.support.syscall_events import one_rule

pytestmark = needs_kernel
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

TYPES = """
    open openat openat2 creat open_by_handle_at execve execveat clone clone3 fork vfork connect accept accept4
    bind listen socket socketpair sendto sendmsg recvfrom recvmsg dup dup2 dup3 symlink symlinkat link linkat rename
    renameat renameat2 unlink unlinkat rmdir mkdir mkdirat chmod fchmod fchmodat setuid setgid setreuid setregid
    setresuid setresgid setsid setpgid setns unshare ptrace kill mount umount umount2 init_module finit_module
    memfd_create bpf userfaultfd prctl capset chroot chdir fchdir pidfd_open sysinfo getppid procexit
""".split()
FIELDS = "%proc.cwd %proc.env %proc.nchilds"
"""So that the kernel sends what they need."""

ROUNDS = int(os.environ.get("FALCOCORE_LIVE_ROUNDS", "2000"))
SEED = int(os.environ.get("FALCOCORE_LIVE_SEED", "0"))
GROUP = 20
"""Actions between two sentinels."""

START = """
d = {directory!r}
MAKES = "open openat openat2 creat open_by_handle_at socket accept accept4 dup dup2 dup3 memfd_create pidfd_open".split()
kept_call = call
def call(name, *args):
    found = kept_call(name, *args)
    if name in MAKES and found >= 0: os.close(found)
    return found
def p(name): return (d + "/" + name).encode()
def file(name, text=b"x"):
    with open(d + "/" + name, "wb") as made: made.write(text)
    return p(name)
def buffer(data): return ctypes.create_string_buffer(data, len(data))
def address4(host, port): return struct.pack("<H", 2) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)
def address6(host, port):
    packed = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("<H", 10) + struct.pack(">HI", port, 0) + packed + bytes(4)
def address_unix(path): return struct.pack("<H", 1) + path + bytes(1)
def connect(s, address): return call("connect", s.fileno(), buffer(address), len(address))
listener4 = socket.create_server(("127.0.0.1", 0)); port4 = listener4.getsockname()[1]
listener6 = socket.create_server(("::1", 0), family=socket.AF_INET6); port6 = listener6.getsockname()[1]
listener1 = socket.socket(socket.AF_UNIX); listener1.bind(d + "/listener"); listener1.listen()
def low_port(kind):
    # Below those that the kernel gives to clients.
    for port in range(20000 + os.getpid() % 5000, 32000):
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("127.0.0.1", port))
        except OSError:
            made.close()
            continue
        return made, port
udp, port_udp = low_port(socket.SOCK_DGRAM)
low = low_port(socket.SOCK_STREAM)[1]
listener = None
def listens():
    global listener
    if listener: listener.close()
    made = listener = socket.socket(); made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", low)); made.listen()
    return made
refusing = socket.socket(); refusing.bind(("127.0.0.1", 0)); port_refused = refusing.getsockname()[1]
os.mkdir(d + "/sub"); file("sub/inner"); subfd = os.open(d + "/sub", os.O_RDONLY)
result = dict(port4=port4, port6=port6, port_udp=port_udp, port_refused=port_refused, low=low, subfd=subfd)
"""

Case = tuple[str, str, Mapping[str, str]]
"""(name, what is done, fields of the event by which it is seen). Values may have names of `result` in braces;
those between slashes are patterns."""

CASES: list[Case] = [
    # Files are opened.
    (
        "open",
        'file("a"); call("open", p("a"), os.O_RDONLY)',
        {"evt.type": "open", "fd.name": "{d}/a", "fd.typechar": "f", "fd.num": r"/\d+/", "evt.res": "SUCCESS",
         "evt.is_open_read": "true", "evt.is_open_write": "false", "fd.filename": "a", "fd.directory": "{d}",
         "fs.path.name": "{d}/a"},
    ),
    (
        "open that creates",
        'call("open", p("b{n}"), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640)',
        {"evt.type": "open", "fd.name": "{d}/b{n}", "evt.is_open_write": "true", "evt.is_open_read": "true",
         "evt.is_open_create": "true", "evt.arg.flags": r"/.*O_TRUNC\|O_CREAT\|O_RDWR.*/", "evt.arg.mode": "0640"},
    ),
    (
        "open that fails",
        'call("open", p("none"), os.O_RDONLY)',
        {"evt.type": "open", "evt.res": "ENOENT", "evt.rawres": "-2", "fd.num": "-1", "fd.name": "{d}/none",
         "fd.typechar": "o", "evt.failed": "true"},
    ),
    (
        "openat that fails",
        'call("openat", -100, p("none"), os.O_RDONLY)',
        {"evt.type": "openat", "evt.res": "ENOENT", "fd.num": "-1", "fd.name": "{d}/none", "fd.typechar": "f"},
    ),
    (
        "openat",
        'call("openat", subfd, b"inner", os.O_RDONLY)',
        {"evt.type": "openat", "fd.name": "{d}/sub/inner", "fd.nameraw": "inner", "fs.path.name": "{d}/sub/inner",
         "fs.path.nameraw": "inner", "evt.res": "SUCCESS"},
    ),
    (
        "openat by a path that climbs",
        'call("openat", subfd, b"../sub/../sub/inner", os.O_RDONLY)',
        {"evt.type": "openat", "fd.name": "{d}/sub/inner", "fd.nameraw": "../sub/../sub/inner"},
    ),
    (
        "openat of a directory",
        'call("openat", -100, p("sub"), os.O_RDONLY | os.O_DIRECTORY)',
        {"evt.type": "openat", "fd.name": "{d}/sub", "fd.typechar": "d", "fd.type": "directory"},
    ),
    (
        "openat2",
        'call("openat2", -100, p("sub/inner"), buffer(struct.pack("<QQQ", os.O_WRONLY, 0, 0)), 24)',
        {"evt.type": "openat2", "fd.name": "{d}/sub/inner", "evt.is_open_write": "true", "evt.res": "SUCCESS"},
    ),
    (
        "creat",
        'call("creat", p("created{n}"), 0o600)',
        {"evt.type": "creat", "fd.name": "{d}/created{n}", "evt.arg.mode": "0600", "evt.res": "SUCCESS"},
    ),
    (
        "open_by_handle_at",
        """
file("handled")
handle, mount = buffer(struct.pack("<Ii", 120, 0) + bytes(120)), buffer(bytes(4))
call("name_to_handle_at", -100, p("handled"), handle, mount, 0)
root = os.open(d, os.O_RDONLY)
result = call("open_by_handle_at", root, handle, os.O_RDONLY)
""",
        {"evt.type": "open_by_handle_at", "fd.name": "{d}/handled", "evt.res": "SUCCESS"},
    ),
    # Programs are started, processes made.
    (
        "execve",
        'subprocess.run(["/bin/echo", "one", "two words"], stdout=subprocess.DEVNULL, env={"CANARY": "7"}, cwd=d)',
        {"evt.type": "execve", "proc.name": "echo", "proc.exe": "/bin/echo", "proc.args": "one two words",
         "proc.cmdline": "echo one two words", "proc.exepath": "/usr/bin/echo", "proc.cwd": "{d}/",
         "proc.pname": "{comm}", "proc.ppid": "{pid}", "proc.env": "CANARY=7", "evt.res": "SUCCESS",
         "user.name": "{user}", "proc.aname[1]": "{comm}", "proc.env[CANARY]": "7", "evt.arg.exe": "/bin/echo"},
    ),
    (
        "execve that fails",
        'child(lambda: call("execve", p("none"), (ctypes.c_char_p * 3)(b"none", b"x", None), None))',
        {"evt.type": "execve", "evt.res": "ENOENT", "proc.name": "{comm}", "evt.arg.filename": "{d}/none"},
    ),
    (
        "execveat",
        """
echo = os.open("/bin/echo", os.O_PATH)
def act():
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    call("execveat", echo, b"", (ctypes.c_char_p * 3)(b"echo", b"at", None), None, 0x1000)
child(act)
""",
        {"evt.type": "execve", "proc.exepath": "/usr/bin/echo", "proc.args": "at", "evt.res": "SUCCESS"},
    ),
    (
        "execveat that fails",
        'child(lambda: call("execveat", subfd, b"inner", (ctypes.c_char_p * 2)(b"in", None), None, 0))',
        {"evt.type": "execveat", "evt.res": "EACCES", "proc.name": "{comm}"},
    ),
    (
        "clone",
        "child(lambda: None)",
        {"evt.type": "clone", "proc.pid": "{pid}", "evt.rawres": r"/[1-9]\d*/"},
    ),
    (
        "clone in the child",
        "child(lambda: None)",
        {"evt.type": "clone", "proc.ppid": "{pid}", "evt.rawres": "0", "proc.name": "{comm}"},
    ),
    (
        "fork",
        'pid = call("fork")\nif not pid: os._exit(3)\nos.waitpid(pid, 0)',
        {"evt.type": "fork", "proc.pid": "{pid}", "evt.rawres": r"/[1-9]\d*/"},
    ),
    (
        "vfork",
        'subprocess.run(["/bin/true"], cwd=d)',
        {"evt.type": "vfork", "proc.pid": "{pid}", "evt.rawres": r"/[1-9]\d*/"},
    ),
    (
        "clone3",
        """
pid = call("clone3", buffer(struct.pack("<8Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)), 64)
if not pid: os._exit(0)
os.waitpid(pid, 0)
""",
        {"evt.type": "clone3", "proc.pid": "{pid}", "evt.rawres": r"/[1-9]\d*/"},
    ),
    (
        "procexit",
        "child(lambda: os._exit(7))",
        {"evt.type": "procexit", "proc.ppid": "{pid}", "evt.arg.ret": "7", "proc.name": "{comm}"},
    ),
    # Sockets.
    (
        "socket",
        'call("socket", 2, 1, 6)',
        {"evt.type": "socket", "evt.arg.domain": "AF_INET", "evt.arg.type": "1", "evt.arg.proto": "6"},
    ),
    (
        "connect",
        's = socket.socket(); connect(s, address4("127.0.0.1", port4))',
        {"evt.type": "connect", "fd.sip": "127.0.0.1", "fd.sport": "{port4}", "fd.rport": "{port4}",
         "fd.name": r"/127\.0\.0\.1:\d+->127\.0\.0\.1:{port4}/", "fd.l4proto": "tcp", "fd.typechar": "4",
         "evt.res": "SUCCESS", "fd.type": "ipv4", "fd.cip": "127.0.0.1", "fd.lport": r"/[1-9]\d+/"},
    ),
    (
        "connect to an IPv6 address",
        's = socket.socket(socket.AF_INET6); connect(s, address6("::1", port6))',
        {"evt.type": "connect", "fd.sip": "::1", "fd.sport": "{port6}", "fd.typechar": "6", "fd.l4proto": "tcp",
         "fd.name": r"/::1:\d+->::1:{port6}/", "fd.type": "ipv6"},
    ),
    (
        "connect to a unix socket",
        's = socket.socket(socket.AF_UNIX); connect(s, address_unix(p("listener")))',
        {"evt.type": "connect", "fd.typechar": "u", "fd.type": "unix",
         "fd.name": "/.*{d}/listener/", "evt.res": "SUCCESS"},
    ),
    (
        "connect that is refused",
        's = socket.socket(); connect(s, address4("127.0.0.1", port_refused))',
        {"evt.type": "connect", "evt.res": "ECONNREFUSED", "fd.sip": "<NA>",
         "evt.arg.addr": "127.0.0.1:{port_refused}"},
    ),
    (
        "connect in progress",
        's = socket.socket(); s.setblocking(False); connect(s, address4("192.0.2.1", 4444))',
        {"evt.type": "connect", "evt.res": "/EINPROGRESS|ENETUNREACH/", "fd.sip": "192.0.2.1", "fd.sport": "4444",
         "fd.l4proto": "tcp"},
    ),
    (
        "connect of datagrams",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); connect(s, address4("127.0.0.1", port_udp))',
        {"evt.type": "connect", "fd.l4proto": "udp", "fd.sport": "{port_udp}", "fd.connected": "true"},
    ),
    (
        "bind",
        's = socket.socket(); a = address4("127.0.0.1", 0); call("bind", s.fileno(), buffer(a), len(a))',
        {"evt.type": "bind", "evt.res": "SUCCESS", "fd.typechar": "4"},
    ),
    (
        "listen",
        's = socket.socket(); s.bind(("127.0.0.1", 0)); call("listen", s.fileno(), 5)',
        {"evt.type": "listen", "evt.arg.backlog": "5", "evt.res": "SUCCESS", "fd.l4proto": "tcp"},
    ),
    (
        "accept",
        'l = listens(); s = socket.socket(); connect(s, address4("127.0.0.1", low)); call("accept", l.fileno(), 0, 0)',
        {"evt.type": "accept", "fd.sport": "{low}", "fd.rport": "{low}", "fd.sip": "127.0.0.1",
         "fd.is_server": "true", "fd.l4proto": "tcp"},
    ),
    (
        "accept4",
        'l = listens(); s = socket.socket(); connect(s, address4("127.0.0.1", low)); call("accept4", l.fileno(), 0, 0, 0)',
        {"evt.type": "accept4", "fd.sport": "{low}", "fd.cip": "127.0.0.1", "fd.is_server": "true"},
    ),
    (
        "sendto of an unconnected socket",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a = address4("127.0.0.1", port_udp)\n'
        'call("sendto", s.fileno(), b"ping", 4, 0, buffer(a), len(a)); udp.recv(9)',
        {"evt.type": "sendto", "fd.l4proto": "udp", "fd.sport": "{port_udp}", "fd.sip": "127.0.0.1",
         "evt.buffer": "ping", "fd.name_changed": "true", "evt.rawres": "4"},
    ),
    (
        "sendto of a connected socket",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", port_udp))\n'
        'call("sendto", s.fileno(), b"pong", 4, 0, 0, 0); udp.recv(9)',
        {"evt.type": "sendto", "fd.sport": "{port_udp}", "evt.buffer": "pong", "fd.connected": "true",
         "fd.name_changed": "false"},
    ),
    (
        "sendmsg",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
        's.sendmsg([b"one", b"two"], [], 0, ("127.0.0.1", port_udp)); udp.recv(9)',
        {"evt.type": "sendmsg", "fd.sport": "{port_udp}", "fd.l4proto": "udp", "evt.buffer": "onetwo",
         "fd.name_changed": "true", "evt.arg.size": "6"},
    ),
    (
        "recvfrom",
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); mine = s.getsockname()[1]\n'
        's.sendto(b"data", ("127.0.0.1", port_udp)); udp.recvfrom(9)',
        {"evt.type": "recvfrom", "evt.buffer": "data", "fd.l4proto": "udp", "fd.sport": "{port_udp}",
         "fd.cip": "127.0.0.1", "fd.cport": r"/[1-9]\d+/"},
    ),
    (
        "recvmsg",
        'udp.sendto(b"more", ("127.0.0.1", port_udp)); udp.recvmsg(9)',
        {"evt.type": "recvmsg", "evt.buffer": "more", "fd.l4proto": "udp"},
    ),
    # Descriptors.
    (
        "dup",
        'listens(); s = socket.socket(); connect(s, address4("127.0.0.1", low)); call("dup", s.fileno())',
        {"evt.type": "dup", "fd.type": "ipv4", "fd.sport": "{low}"},
    ),
    (
        "dup2",
        'spare = os.open("/dev/null", os.O_RDONLY); call("dup2", subfd, spare)',
        {"evt.type": "dup2", "fd.name": "{d}/sub", "evt.rawres": r"/\d+/", "evt.arg.oldfd": "<d>{d}/sub"},
    ),
    (
        "dup3",
        'spare = os.open("/dev/null", os.O_RDONLY); call("dup3", subfd, spare, os.O_CLOEXEC)',
        {"evt.type": "dup3", "fd.name": "{d}/sub"},
    ),
    (
        "memfd_create",
        'call("memfd_create", b"secret", 0)',
        {"evt.type": "memfd_create", "fd.type": "memfd", "fd.name": "secret", "evt.res": "SUCCESS"},
    ),
    ("pidfd_open", 'call("pidfd_open", os.getpid(), 0)', {"evt.type": "pidfd_open", "fd.type": "pidfd"}),
    ("userfaultfd", 'call("userfaultfd", 1)', {"evt.type": "userfaultfd", "evt.res": "/SUCCESS|EPERM/"}),
    ("bpf", 'call("bpf", 999, 0, 0)', {"evt.type": "bpf", "evt.arg.cmd": "999", "evt.res": "EINVAL"}),
    # Names of files.
    (
        "symlink",
        'call("symlink", b"/etc/shadow", p("soft{n}"))',
        {"evt.type": "symlink", "evt.arg.target": "/etc/shadow", "evt.arg.linkpath": "{d}/soft{n}",
         "fs.path.source": "{d}/soft{n}", "fs.path.target": "/etc/shadow"},
    ),
    (
        "symlinkat",
        'call("symlinkat", b"inner", subfd, b"soft{n}")',
        {"evt.type": "symlinkat", "evt.arg.target": "inner", "fs.path.source": "{d}/sub/soft{n}"},
    ),
    (
        "link",
        'file("a"); call("link", p("a"), p("hard{n}"))',
        {"evt.type": "link", "evt.arg.oldpath": "{d}/a", "evt.arg.newpath": "{d}/hard{n}"},
    ),
    (
        "linkat",
        'call("linkat", subfd, b"inner", subfd, b"hard{n}", 0)',
        {"evt.type": "linkat", "evt.arg.oldpath": "{d}/sub/inner", "evt.arg.newpath": "{d}/sub/hard{n}",
         "fs.path.source": "{d}/sub/hard{n}", "fs.path.target": "{d}/sub/inner"},
    ),
    (
        "rename",
        'file("a"); call("rename", p("a"), p("renamed"))',
        {"evt.type": "rename", "evt.arg.oldpath": "{d}/a", "evt.arg.newpath": "{d}/renamed", "evt.res": "SUCCESS"},
    ),
    (
        "renameat",
        'file("sub/r1"); call("renameat", subfd, b"r1", subfd, b"r2")',
        {"evt.type": "renameat", "evt.arg.oldpath": "{d}/sub/r1", "fs.path.target": "{d}/sub/r2"},
    ),
    (
        "renameat2",
        'file("sub/r1"); call("renameat2", subfd, b"r1", -100, p("r3"), 0)',
        {"evt.type": "renameat2", "evt.arg.oldpath": "{d}/sub/r1", "evt.arg.newpath": "{d}/r3"},
    ),
    (
        "unlink",
        'file("gone"); call("unlink", p("gone"))',
        {"evt.type": "unlink", "fs.path.name": "{d}/gone", "evt.arg.path": "{d}/gone", "evt.res": "SUCCESS"},
    ),
    (
        "unlinkat",
        'file("sub/gone"); call("unlinkat", subfd, b"gone", 0)',
        {"evt.type": "unlinkat", "fs.path.name": "{d}/sub/gone", "evt.arg.name": "/.*gone.*/"},
    ),
    ("mkdir", 'call("mkdir", p("dir{n}"), 0o755)', {"evt.type": "mkdir", "fs.path.name": "{d}/dir{n}", "evt.arg.mode": "1ED"}),
    ("mkdirat", 'call("mkdirat", subfd, b"dir{n}", 0o755)', {"evt.type": "mkdirat", "fs.path.name": "{d}/sub/dir{n}"}),
    ("rmdir", 'os.makedirs(p("gone{n}")); call("rmdir", p("gone{n}"))', {"evt.type": "rmdir", "fs.path.name": "{d}/gone{n}"}),
    (
        "chmod",
        'file("a"); call("chmod", p("a"), 0o4755)',
        {"evt.type": "chmod", "evt.arg.filename": "{d}/a", "fs.path.name": "{d}/a",
         "evt.arg.mode": "/.*S_ISUID.*/"},
    ),
    (
        "fchmod",
        'call("fchmod", subfd, 0o700)',
        {"evt.type": "fchmod", "fd.name": "{d}/sub", "evt.arg.mode": "/.*S_IXUSR.*/"},
    ),
    (
        "fchmodat",
        'call("fchmodat", subfd, b"inner", 0o600)',
        {"evt.type": "fchmodat", "evt.arg.filename": "{d}/sub/inner", "fs.path.name": "{d}/sub/inner"},
    ),
    ("chdir", 'call("chdir", p("sub")); os.chdir(d)', {"evt.type": "chdir", "evt.arg.path": "{d}/sub"}),
    (
        "fchdir",
        'call("fchdir", subfd); file("sub/by-cwd"); call("open", b"by-cwd", 0); os.chdir(d)',
        {"evt.type": "open", "fd.name": "{d}/sub/by-cwd", "proc.cwd": "{d}/sub/"},
    ),
    # Others.
    ("ptrace", 'call("ptrace", 16, 999999999, 0, 0)',
     {"evt.type": "ptrace", "evt.arg.request": "PTRACE_ATTACH", "evt.res": "ESRCH"}),
    ("kill", 'call("kill", os.getpid(), 0)', {"evt.type": "kill", "evt.arg.pid": "{comm}", "evt.rawarg.pid": "{pid}", "evt.arg.sig": "0"}),
    (
        "prctl",
        'call("prctl", 15, b"renamed-actor", 0, 0, 0); call("getppid"); call("prctl", 15, b"{comm}", 0, 0, 0)',
        {"evt.type": "getppid", "proc.name": "{comm}", "thread.tid": "{pid}"},
    ),
    ("setsid", 'child(lambda: call("setsid"))', {"evt.type": "setsid", "proc.ppid": "{pid}", "proc.is_sid_leader": "true"}),
    ("sysinfo, which has no type of its own", 'call("sysinfo", buffer(bytes(256)))',
     {"evt.type": "sysinfo", "proc.name": "{comm}"}),
    ("finit_module", 'call("finit_module", subfd, b"", 0)',
     {"evt.type": "finit_module", "evt.res": "/E.*/", "thread.cap_effective": "/.*/"}),
    ("init_module", 'call("init_module", buffer(b"garbage"), 7, b"")',
     {"evt.type": "init_module", "evt.res": "/E.*/"}),
    ("mount that fails", 'call("mount", b"none", b"/nowhere", b"tmpfs", 0, 0)',
     {"evt.type": "mount", "evt.res": "/ENOENT|EPERM/", "evt.arg.dir": "/nowhere", "evt.arg.type": "tmpfs"}),
    ("umount2 that fails", 'call("umount2", b"/nowhere", 0)',
     {"evt.type": "umount2", "evt.res": "/ENOENT|EPERM/"}),
]  # fmt: skip

ROOT_CASES: list[Case] = [
    (
        "setuid",
        'child(lambda: (call("setuid", 65534), call("getppid")))',
        {"evt.type": "getppid", "user.uid": "65534", "user.name": "nobody", "thread.cap_effective": ""},
    ),
    (
        "setuid as an argument",
        'child(lambda: call("setuid", 65534))',
        {"evt.type": "setuid", "evt.arg.uid": "nobody", "evt.res": "SUCCESS"},
    ),
    (
        "setresuid",
        'child(lambda: call("setresuid", 1, 1, 1))',
        {"evt.type": "setresuid", "user.uid": "1", "user.name": "daemon", "evt.arg.ruid": "daemon"},
    ),
    ("setreuid", 'child(lambda: call("setreuid", 1, 1))', {"evt.type": "setreuid", "user.uid": "1"}),
    ("setgid", 'child(lambda: call("setgid", 1))', {"evt.type": "setgid", "group.gid": "1", "group.name": "daemon"}),
    ("setregid", 'child(lambda: call("setregid", 1, 1))', {"evt.type": "setregid", "group.gid": "1"}),
    ("setresgid", 'child(lambda: call("setresgid", 1, 1, 1))', {"evt.type": "setresgid", "group.gid": "1"}),
    (
        "capset",
        """
child(lambda: call("capset", buffer(struct.pack("<Ii", 0x20080522, 0)),
                   buffer(struct.pack("<6I", 1 << 21, 1 << 21, 0, 0, 0, 0))))
""",
        {"evt.type": "capset", "thread.cap_effective": "CAP_SYS_ADMIN", "evt.arg.cap_effective": "200000"},
    ),
    ("unshare", 'child(lambda: call("unshare", 0x20000))',
     {"evt.type": "unshare", "evt.arg.flags": "CLONE_NEWNS", "evt.res": "SUCCESS"}),
    ("setns", 'ns = os.open("/proc/self/ns/mnt", os.O_RDONLY); child(lambda: call("setns", ns, 0))',
     {"evt.type": "setns", "evt.res": "SUCCESS", "fd.name": ""}),
    ("a file that is in no directory", 'os.open("/proc/self/ns/mnt", os.O_RDONLY)',
     {"evt.type": "openat", "fd.name": "/proc/self/ns/mnt", "evt.res": "SUCCESS"}),
    (
        "mount",
        """
os.makedirs(d + "/mnt", exist_ok=True)
def act():
    call("unshare", 0x20000)
    call("mount", b"none", b"/", 0, 0x44000, 0)
    call("mount", b"source", p("mnt"), b"tmpfs", 0, 0)
    file("mnt/on-it")
    call("umount2", p("mnt"), 2)
child(act)
""",
        {"evt.type": "mount", "evt.res": "SUCCESS", "evt.arg.dev": "source", "evt.arg.dir": "{d}/mnt",
         "evt.arg.type": "tmpfs"},
    ),
    (
        "umount2",
        'child(lambda: (call("unshare", 0x20000), call("mount", b"none", b"/", 0, 0x44000, 0),'
        ' call("mount", b"s", p("sub"), b"tmpfs", 0, 0), call("umount2", p("sub"), 2)))',
        {"evt.type": "umount2", "evt.res": "SUCCESS", "evt.arg.name": "{d}/sub"},
    ),
    (
        "chroot",
        'child(lambda: (call("chroot", p("sub")), call("open", b"/inner", 0)))',
        {"evt.type": "open", "fd.name": "/inner", "evt.res": "SUCCESS"},
    ),
    ("chroot as an event", 'child(lambda: call("chroot", p("sub")))',
     {"evt.type": "chroot", "evt.arg.path": "{d}/sub"}),
]  # fmt: skip


class Stage:
    """The actor, and what watches it."""

    def __init__(self, directory: Path) -> None:
        types = ", ".join(kind for kind in TYPES)
        self.watch = Watch(rule_set(one_rule(f"evt.type in ({types})", FIELDS)))
        self.actor = Actor(directory)
        self.numbers = itertools.count()
        rows, self.known = seen(
            self.watch, self.actor, START.format(directory=str(directory)), ["proc.name", "user.name"]
        )
        self.known |= {"d": str(directory), "pid": self.actor.pid, "comm": rows[0]["proc.name"]}
        self.known["user"] = rows[0]["user.name"]

    def told(self, text: str, number: int) -> str:
        """A text with what only this run knows, for the so many-th action."""
        known = {**self.known, "n": number}
        return re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], found[0])), text)

    def fits(self, row: Row, expected: Mapping[str, str], number: int) -> bool:
        """True where an event has these values."""
        for name, value in expected.items():
            wanted = self.told(value, number)
            if wanted[:1] == "/" and wanted[-1:] == "/" and len(wanted) > 1 and not value.startswith("{"):
                if not re.fullmatch(wanted[1:-1], row[name], re.DOTALL):
                    return False
            elif row[name] != wanted:
                return False
        return True

    def close(self) -> None:
        """End both."""
        self.actor.close()
        self.watch.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("stage"))
    yield made
    made.close()


def seen_in(stage: Stage, cases: Sequence[Case]) -> list[str]:
    """Do all of that, one after the other; what was not seen as often as it was done."""
    numbers = [next(stage.numbers) for _ in cases]
    code = "\n".join(stage.told(case[1], number) for case, number in zip(cases, numbers, strict=True))
    fields = sorted({name for case in cases for name in case[2]} - {"evt.type"})
    rows, _ = seen(stage.watch, stage.actor, code, fields)
    missing = []
    for case, number in zip(cases, numbers, strict=True):
        name, _, expected = case
        found = next((row for row in rows if stage.fits(row, expected, number)), None)
        if found is None:
            near = [row for row in rows if row["evt.type"] == expected["evt.type"]] or rows
            told = [{field: row[field] for field in expected} for row in near]
            missing.append(f"{name}: wanted {dict(expected)}, seen {told}")
        else:
            rows.remove(found)
    return missing


def is_possible(case: Case) -> bool:
    return all(word in call_numbers() for word in re.findall(r'call\("(\w+)"', case[1]))


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_an_action_is_seen_with_its_fields(stage: Stage, case: Case) -> None:
    if not is_possible(case):
        pytest.skip("this architecture has no such call")
    assert not seen_in(stage, [case])


@needs_root
@pytest.mark.parametrize("case", ROOT_CASES, ids=[case[0] for case in ROOT_CASES])
def test_an_action_of_root_is_seen_with_its_fields(stage: Stage, case: Case) -> None:
    assert not seen_in(stage, [case])


def test_none_of_many_random_actions_is_missed(stage: Stage) -> None:
    cases = [case for case in CASES if is_possible(case)]
    if os.geteuid() == 0:
        cases += ROOT_CASES
    picks = random.Random(SEED)
    for start in range(0, ROUNDS, GROUP):
        missing = seen_in(stage, [picks.choice(cases) for _ in range(GROUP)])
        assert not missing, f"seed {SEED}, actions from {start}: {missing}"
