"""Actions with processes, and the fields of the events by which they are seen."""

from __future__ import annotations

from tests.support.live_setting import Case

PROCESSES: list[Case] = [
    (
        "execve",
        """
subprocess.run(["/bin/echo", "one", "two words"], stdout=subprocess.DEVNULL, env={"CANARY": "7"}, cwd=d)
""",
        {"evt.type": "execve", "proc.name": "echo", "proc.exe": "/bin/echo", "proc.args": "one two words",
         "proc.cmdline": "echo one two words", "proc.exepath": "/usr/bin/echo", "proc.cwd": "{d}/",
         "proc.pname": "{comm}", "proc.ppid": "{pid}", "proc.env": "CANARY=7", "evt.res": "SUCCESS",
         "user.name": "{user}", "proc.aname[1]": "{comm}", "proc.env[CANARY]": "7",
         "evt.arg.exe": "/bin/echo"},
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
]  # fmt: skip
"""Programs are started, processes made."""
OTHERS: list[Case] = [
    ("ptrace", 'call("ptrace", 16, 999999999, 0, 0)',
     {"evt.type": "ptrace", "evt.arg.request": "PTRACE_ATTACH", "evt.res": "ESRCH"}),
    ("kill", 'call("kill", os.getpid(), 0)', {"evt.type": "kill", "evt.arg.pid": "{comm}",
                                              "evt.rawarg.pid": "{pid}", "evt.arg.sig": "0"}),
    (
        "prctl",
        'call("prctl", 15, b"renamed", 0, 0, 0); call("getppid"); call("prctl", 15, b"{comm}", 0, 0, 0)',
        {"evt.type": "getppid", "proc.name": "{comm}", "thread.tid": "{pid}"},
    ),
    ("setsid", 'child(lambda: call("setsid"))', {"evt.type": "setsid", "proc.ppid": "{pid}",
                                                 "proc.is_sid_leader": "true"}),
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
"""What processes do to each other and to the machine."""
OF_ROOT: list[Case] = [
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
    ("setgid", 'child(lambda: call("setgid", 1))', {"evt.type": "setgid", "group.gid": "1",
                                                    "group.name": "daemon"}),
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
        'child(lambda: (call("chroot", p("sub")), call("openat", -100, b"/inner", 0)))',
        {"evt.type": "openat", "fd.name": "/inner", "evt.res": "SUCCESS"},
    ),
    ("chroot as an event", 'child(lambda: call("chroot", p("sub")))',
     {"evt.type": "chroot", "evt.arg.path": "{d}/sub"}),
]  # fmt: skip
"""What takes rights."""
