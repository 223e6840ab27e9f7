"""Actions with files, and the fields of the events by which they are seen."""

from __future__ import annotations

from tests.support.live_setting import Case

OPENING: list[Case] = [
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
         "evt.is_open_create": "true", "evt.arg.flags": r"/.*O_TRUNC\|O_CREAT\|O_RDWR.*/",
         "evt.arg.mode": "0640"},
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
        {"evt.type": "openat", "evt.res": "ENOENT", "fd.num": "-1", "fd.name": "{d}/none",
         "fd.typechar": "f"},
    ),
    (
        "openat",
        'call("openat", subfd, b"inner", os.O_RDONLY)',
        {"evt.type": "openat", "fd.name": "{d}/sub/inner", "fd.nameraw": "inner",
         "fs.path.name": "{d}/sub/inner",
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
        {"evt.type": "openat2", "fd.name": "{d}/sub/inner", "evt.is_open_write": "true",
         "evt.res": "SUCCESS"},
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
]  # fmt: skip
"""Files are opened."""
NAMING: list[Case] = [
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
        {"evt.type": "rename", "evt.arg.oldpath": "{d}/a", "evt.arg.newpath": "{d}/renamed",
         "evt.res": "SUCCESS"},
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
    ("mkdir", 'call("mkdir", p("dir{n}"), 0o755)', {"evt.type": "mkdir", "fs.path.name": "{d}/dir{n}",
                                                    "evt.arg.mode": "1ED"}),
    ("mkdirat", 'call("mkdirat", subfd, b"dir{n}", 0o755)', {"evt.type": "mkdirat",
     "fs.path.name": "{d}/sub/dir{n}"}),
    ("rmdir", 'os.makedirs(p("gone{n}")); call("rmdir", p("gone{n}"))', {"evt.type": "rmdir",
     "fs.path.name": "{d}/gone{n}"}),
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
]  # fmt: skip
"""Files are named, made and removed, and get rights."""
