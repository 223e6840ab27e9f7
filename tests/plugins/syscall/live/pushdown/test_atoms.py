"""Which tests of a path follow from a check, and from a condition."""

from __future__ import annotations

import pytest

from falcocore.lang.bound import checks
from falcocore_syscall.live.pushdown.atoms import Atom, Part, is_plain, path_atoms
from falcocore_syscall.live.pushdown.classes import Verdict
from tests.support.pushed_down import rules_of

UNKNOWN = Verdict()


def prefix(text: str) -> Atom:
    return Atom(Part.PREFIX, text.encode())


def path(text: str) -> Atom:
    return Atom(Part.PATH, text.encode())


def name(text: str) -> Atom:
    return Atom(Part.NAME, text.encode())


def beginning(text: str) -> Atom:
    return Atom(Part.BEGINNING, text.encode())


def suffix(text: str) -> Atom:
    return Atom(Part.SUFFIX, text.encode())


def piece(text: str) -> Atom:
    return Atom(Part.PIECE, text.encode())


CLIMBS = Atom(Part.CLIMBS, b"../")


@pytest.mark.parametrize(
    ("check", "atoms"),
    [
        ("fd.name = /etc/shadow", {path("/etc/shadow")}),
        ("fd.name in (/a, /b)", {path("/a"), path("/b")}),
        ("fd.name = anyof (/a, /b)", {path("/a"), path("/b")}),
        ("fd.name startswith /etc/", {prefix("/etc/")}),
        ("fd.name startswith allof (/etc/, /e)", {prefix("/etc/"), prefix("/e")}),
        ("fd.name startswith /", None),
        ('fd.name startswith ""', None),
        ("fd.name endswith .so", {suffix(".so")}),
        ("fd.name endswith /.ssh/id_rsa", {name("id_rsa")}),
        ("fd.name endswith /.ssh/", None),
        ("fd.name contains shadow", {piece("shadow")}),
        ("fd.name contains /", None),
        ("fd.name icontains shadow", None),
        ("fd.name != /etc/shadow", None),
        ("fd.name exists", None),
        ("fd.name regex /etc/.*", None),
        ("fd.name iglob /etc/*", None),
        ("tolower(fd.name) = /etc/shadow", None),
        ("fd.name = val(fd.nameraw)", None),
        ("fd.name pmatch (/etc, /a/b/)", {path("/etc"), prefix("/etc/"), path("/a/b"), prefix("/a/b/")}),
        ("fd.name pmatch (/home/*/.ssh)", {prefix("/home/")}),
        ("fd.name pmatch (/a, /*)", None),
        ("fd.name pmatch (/)", None),
        ("fd.name glob /home/*/.ssh/*", {prefix("/home/")}),
        ("fd.name glob /home/?/x", {prefix("/home/")}),
        ("fd.name glob /etc/shadow", {path("/etc/shadow")}),
        ("fd.name glob /a.b+c*", {prefix("/a.b+c")}),
        (r'fd.name glob "/a\\*b*"', {prefix("/a*b")}),
        ("fd.name glob */.ssh/id_rsa", {name("id_rsa")}),
        ("fd.name glob *.so", {suffix(".so")}),
        ("fd.name glob *.s?", None),
        ("fd.name glob *a*", None),
        ('fd.name glob "*[.]so"', None),
        ("fd.directory = /etc", {path("/etc"), prefix("/etc/")}),
        ("fd.directory = /", None),
        ("fd.directory startswith /etc/cron", {prefix("/etc/cron")}),
        ("fd.directory endswith cron.d", None),
        ("fd.directory contains cron", {piece("cron")}),
        ("fd.directory pmatch (/etc)", {path("/etc"), prefix("/etc/")}),
        ("fd.filename = id_rsa", {name("id_rsa")}),
        ("fd.filename = /", None),
        ("fd.filename in (a, b)", {name("a"), name("b")}),
        ("fd.filename endswith .so", {suffix(".so")}),
        ("fd.filename startswith id_", {beginning("id_")}),
        ("fd.filename startswith a/b", None),
        ("fd.filename glob a*long", {suffix("long")}),
        ("fd.filename contains id_", {piece("id_")}),
        ("fd.filename glob *.so", {suffix(".so")}),
        ("fd.filename glob id_rsa", {name("id_rsa")}),
        ("fd.filename glob id_*", {beginning("id_")}),
        ("fd.nameraw contains ../", {CLIMBS}),
        ("fd.nameraw glob *../*../*", {CLIMBS}),
        ("fd.nameraw startswith ../a", {CLIMBS}),
        ("fd.nameraw contains ..", None),
        ("fd.nameraw = /etc/shadow", None),
        ("fs.path.name = /etc/shadow", None),
        ("evt.arg.name = /etc/shadow", None),
        ("proc.name = cat", None),
    ],
)
def test_atoms_of_a_check(check: str, atoms: set[Atom] | None) -> None:
    (found,) = checks(rules_of(check).rules[0].condition)
    made = path_atoms(found)
    assert (None if made is None else set(made)) == atoms


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        *((b"/etc/shadow", True), (b"/a.b/..c", False), (b"/a/.ssh", False), (b"/", False), (b"/a/", False)),
        *((b"/a//b", False), (b"a/b", False), (b"", False), (b"/a..b", True)),
    ],
)
def test_whether_a_path_is_plain(raw: bytes, plain: bool) -> None:
    assert is_plain(raw) is plain
