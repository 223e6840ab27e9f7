"""In which ways a condition may hold, as far as the kernel can tell."""

from __future__ import annotations

import pytest

from falcocore_syscall.live.pushdown.atoms import Atom, Part
from falcocore_syscall.live.pushdown.classes import EVERY, NONE, OPEN_VERDICT, Kind
from falcocore_syscall.live.pushdown.demand import MOST_TERMS, Demand, may_hold
from falcocore_syscall.live.pushdown.groups import MOST_GROUPS, Groups
from falcocore_syscall.live.pushdown.needs import NO_NEEDS, Names, Needs
from tests.support.pushed_down import rules_of


def demand_of(condition: str, kind: Kind) -> Demand:
    return may_hold(rules_of(condition).rules[0].condition, lambda _check: OPEN_VERDICT, kind)


def paths(*texts: str) -> Needs:
    return Needs(paths=frozenset(Atom(Part.PATH, text.encode()) for text in texts))


def named(text: str) -> Needs:
    return Needs(paths=frozenset({Atom(Part.NAME, text.encode())}))


def programs(*names: str, others: bool = False) -> Needs:
    return Needs(programs=Names(frozenset(name.encode() for name in names), others))


def directories(*atoms: Atom) -> Needs:
    return Needs(directories=frozenset(atoms))


def marked(*marks: str) -> Needs:
    return Needs(marks=frozenset(marks))


def both(*needs: Needs) -> Needs:
    one, *others = needs
    for other in others:
        made = one.both(other)
        assert made is not None
        one = made
    return one


CAT = programs("cat")
CLIMBING = Needs(climbs=True)


@pytest.mark.parametrize(
    ("condition", "ways"),
    [
        ("fd.name = /a and proc.name = cat", {both(paths("/a"), CAT)}),
        ("fd.name = /a or proc.name = cat", {paths("/a"), CAT}),
        ("fd.name = /a or fd.name = /b", {paths("/a", "/b")}),
        ("fd.name startswith /etc/ and fd.name = /etc/shadow", {paths("/etc/shadow")}),
        ("fd.name in (/a, /b, /c) and fd.filename = id_rsa", {named("id_rsa")}),
        ("not fd.name = /a", {NO_NEEDS}),
        ("not (fd.name = /a or proc.name = cat)", {programs("cat", others=True)}),
        ("not not fd.name = /a", {paths("/a")}),
        ("not (not fd.name = /a or not proc.name = cat)", {both(paths("/a"), CAT)}),
        ("fd.name = /a and fd.nameraw contains ../", {both(paths("/a"), CLIMBING)}),
        ("proc.name = cat and (fd.name = /a or fd.name = /b)", {both(paths("/a", "/b"), CAT)}),
        ("proc.name in (a, b) and proc.name in (b, c)", {programs("b")}),
        ("proc.name in (a, b) and not proc.name in (b, c)", {programs("a")}),
        ("proc.name = a and proc.name = b", set()),
        ("proc.name != a or proc.name = a", {NO_NEEDS}),
        ("proc.name != a and proc.name != b", {programs("a", "b", others=True)}),
        ("proc.name startswith a", {NO_NEEDS}),
        ("proc.pname = a", {Needs(parents=Names(frozenset({b"a"})))}),
        ("proc.pname != a", {Needs(parents=Names(frozenset({b"a"}), others=True))}),
        ("not proc.pname = a", {Needs(parents=Names(frozenset({b"a"}), others=True))}),
        ("proc.aname in (a, b)", {Needs(ancestors=Names(frozenset({b"a", b"b"})))}),
        ("proc.aname = a and proc.aname in (b, c)", {Needs(ancestors=Names(frozenset({b"a"})))}),
        ("proc.aname != a", {NO_NEEDS}),  # Another one may have that name.
        ("not proc.aname = a", {NO_NEEDS}),
        ("proc.aname[2] = a", {NO_NEEDS}),
        ("proc.is_exe_from_memfd = true", {marked("exe_from_memfd")}),
        ("proc.is_exe_from_memfd != false", {marked("exe_from_memfd")}),
        ("not proc.is_exe_from_memfd = false", {marked("exe_from_memfd")}),
        ("not proc.is_exe_from_memfd = true", {NO_NEEDS}),
        (
            "proc.is_exe_writable = true and proc.is_exe_upper_layer = true",
            {marked("exe_writable", "exe_upper_layer")},
        ),
        ("proc.exe startswith /dev/shm/", {Needs(exes=frozenset({Atom(Part.PREFIX, b"/dev/shm/")}))}),
        ("proc.exe endswith sh", {NO_NEEDS}),
        ("not proc.exe startswith /dev/shm/", {NO_NEEDS}),
        ("proc.cwd = /tmp/", {directories(Atom(Part.PATH, b"/tmp"))}),
        ("proc.cwd = /", {directories(Atom(Part.PATH, b"/"))}),
        ("proc.cwd startswith /tmp/", {directories(Atom(Part.PATH, b"/tmp"), Atom(Part.PREFIX, b"/tmp/"))}),
        ("proc.cwd startswith /tm", {directories(Atom(Part.PREFIX, b"/tm"))}),
        ("proc.cwd startswith /", {NO_NEEDS}),
        ("user.uid = 1000", {Needs(users=((1000, 1000),))}),
        ("user.uid in (5, 6, 9)", {Needs(users=((5, 6), (9, 9)))}),
        ("user.uid >= 1000 and not user.uid = 65534", {Needs(users=((1000, 65533), (65535, 0xFFFFFFFF)))}),
        ("user.uid < 5 and user.uid > 7", set()),
        ("user.uid >= 0", {NO_NEEDS}),
        ("user.uid < 1000 or user.uid > 5", {NO_NEEDS}),
        ("fd.sport = 22", {NO_NEEDS}),
    ],
)
def test_ways_of_an_open(condition: str, ways: set[Needs]) -> None:
    assert demand_of(condition, Kind.OPEN).terms == dict.fromkeys(ways, EVERY)


@pytest.mark.parametrize(
    ("condition", "needs"),
    [
        ("fd.sport = 22", Needs(ports=((22, 22),))),
        ("fd.port in (22, 23, 80)", Needs(ports=((22, 23), (80, 80)))),
        ("fd.sport = 22 and fd.cport > 1000", Needs(ports=((22, 22),))),  # Each may be another port.
        ("fd.sport = 22 or fd.rport < 10", Needs(ports=((0, 9), (22, 22)))),
        ("not fd.sport = 22", NO_NEEDS),  # There may be none.
        ("fd.port != 22", Needs(ports=((0, 21), (23, 65535)))),
        ("fd.name = /a", NO_NEEDS),
    ],
)
def test_needs_of_a_connect(condition: str, needs: Needs) -> None:
    assert demand_of(condition, Kind.SOCKET).terms == {needs: EVERY}


def test_a_condition_with_very_many_ways_is_simplified() -> None:
    ways = " or ".join(f"(fd.name = /{n} and proc.name = p{n} and user.uid = {n})" for n in range(100))
    demand = demand_of(ways, Kind.OPEN)
    assert len(demand.terms) <= MOST_TERMS
    assert demand.anything == NONE
    (needs,) = demand.terms
    assert needs.users == ((0, 99),)


def test_needs_beyond_the_number_of_groups_share_them() -> None:
    """Groups that ask for the same things are put together, and ask for no more than their parts did."""
    wanted = {both(paths(f"/{n}"), programs(f"p{n}")): EVERY for n in range(500)}
    wanted |= {Needs(users=((n, n),)): EVERY for n in range(100)} | {NO_NEEDS: EVERY}
    groups = Groups.of(wanted)
    assert len(groups.needs) <= MOST_GROUPS
    for needs, number in groups.numbers.items():
        shared = groups.needs[number]
        assert shared.asked == needs.asked
        assert shared.either(needs) == shared
    assert groups.needs[groups.numbers[NO_NEEDS]] == NO_NEEDS


def test_few_needs_have_a_group_each() -> None:
    wanted = {programs(f"p{n}"): EVERY for n in range(MOST_GROUPS)}
    assert set(Groups.of(wanted).needs) == set(wanted)
