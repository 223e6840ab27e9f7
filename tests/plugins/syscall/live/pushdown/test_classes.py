"""What the class of a call says of the values of fields."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from falcocore.lang.bound import checks
from falcocore_syscall.live.pushdown.classes import (
    ACCESS,
    CONTAINER,
    DIRECTORY,
    EVERY,
    FAILED,
    NONE,
    ROOT,
    class_set,
)
from falcocore_syscall.live.pushdown.deciding import Checks
from tests.support.pushed_down import rules_of

Fits = Callable[[int], bool]


def everywhere(_number: int) -> bool:
    return True


def nowhere(_number: int) -> bool:
    return False


def failed(number: int) -> bool:
    return number & FAILED != 0


def worked(number: int) -> bool:
    return not failed(number)


def root(number: int) -> bool:
    return number & ROOT != 0


def user(number: int) -> bool:
    return not root(number)


def contained(number: int) -> bool:
    return number & CONTAINER != 0


def on_host(number: int) -> bool:
    return not contained(number)


def family(*numbers: int) -> Fits:
    return lambda number: number & ACCESS in numbers


def worked_on_directory(number: int) -> bool:
    return worked(number) and number & DIRECTORY != 0


def worked_on_file(number: int) -> bool:
    return worked(number) and number & DIRECTORY == 0


@pytest.mark.parametrize(
    ("call", "check", "holds", "fails"),
    [
        ("openat", "evt.type = openat", everywhere, nowhere),
        ("openat", "evt.type = open", nowhere, everywhere),
        ("openat", "evt.type in (open, openat)", everywhere, nowhere),
        ("openat", "evt.type startswith open", everywhere, nowhere),
        ("openat", "evt.type.is.openat = 1", everywhere, nowhere),
        ("openat", "evt.is_open_read = true", family(1, 3), family(0, 2)),
        ("openat", "evt.is_open_write = true", family(2, 3), family(0, 1)),
        ("creat", "evt.is_open_write = true", nowhere, everywhere),
        ("open_by_handle_at", "evt.is_open_write = true", nowhere, nowhere),
        ("read", "evt.is_open_read = false", everywhere, nowhere),
        ("openat", "evt.failed = true", failed, worked),
        ("unlink", "evt.failed = false", worked, failed),
        ("openat", "evt.rawres >= 0", worked, failed),
        ("openat", "evt.rawres = -2", nowhere, worked),
        ("openat", "evt.rawres != 3", failed, nowhere),
        ("openat", "evt.rawres in (-1, 3)", nowhere, nowhere),
        ("openat", "evt.rawres > -5000", everywhere, nowhere),
        ("openat", "evt.res = SUCCESS", worked, failed),
        ("openat", "evt.res != SUCCESS", failed, worked),
        ("openat", "evt.res = ENOENT", nowhere, worked),
        ("openat", "evt.res = nonsense", nowhere, everywhere),
        ("openat", "evt.res startswith E", nowhere, worked),  # Some errors have a number for a name.
        ("openat", "evt.res in (SUCCESS, ENOENT)", worked, nowhere),
        ("getppid", "evt.res = SUCCESS", nowhere, everywhere),
        ("getppid", "evt.rawres exists", nowhere, everywhere),
        ("getppid", "fd.name exists", nowhere, everywhere),
        ("getppid", "evt.type = getppid", everywhere, nowhere),
        ("getppid", "proc.name = cat", nowhere, nowhere),
        ("pread64", "evt.type = pread", everywhere, nowhere),
        ("pread64", "evt.is_io_read = true", everywhere, nowhere),
        ("openat", "fd.num >= 0", worked, failed),
        ("openat", "fd.num = -1", failed, worked),
        ("openat", "fd.typechar = f", lambda n: failed(n) or worked_on_file(n), worked_on_directory),
        ("open", "fd.typechar = f", worked_on_file, lambda n: failed(n) or worked_on_directory(n)),
        ("open", "fd.typechar = o", failed, worked),
        ("openat", "fd.type = directory", worked_on_directory, lambda n: failed(n) or worked_on_file(n)),
        ("creat", "fd.type = file", worked, failed),
        ("openat", "fd.type exists", worked, failed),
        ("openat", "fd.sockfamily != ip", nowhere, everywhere),
        ("openat", "fd.name = /x", nowhere, nowhere),
        ("openat", "tolower(evt.type) = openat", nowhere, nowhere),
        ("openat", "user.uid = 0", root, user),
        ("openat", "user.uid != 0", user, root),
        ("openat", "user.uid > 0", user, root),
        ("openat", "user.uid = 1000", nowhere, root),
        ("openat", "container.id = host", on_host, contained),
        ("openat", "container.id != host", contained, on_host),
        ("openat", "container.id = 0123456789ab", nowhere, on_host),
        ("openat", "container.id in (host, 0123456789ab)", on_host, nowhere),
        ("openat", "container.id startswith h", on_host, nowhere),
        ("openat", "container.id exists", everywhere, nowhere),
        ("openat", "evt.num = 0", nowhere, everywhere),
        ("connect", "fd.typechar = u", nowhere, family(2, 3)),
        ("connect", "fd.typechar in (4, 6)", nowhere, family(1)),
        ("connect", "fd.sockfamily = ip", nowhere, family(1)),
        ("connect", "fd.type = ipv4", nowhere, family(1)),
        ("socket", "evt.arg.domain = AF_INET6", family(3), family(1, 2)),
        ("socket", "evt.arg.domain contains AF_PACKET", nowhere, family(1, 2, 3)),
        ("socket", "fd.typechar = u", nowhere, lambda n: worked(n) and n & ACCESS in (2, 3)),
    ],
)
def test_what_a_class_says_of_a_check(call: str, check: str, holds: Fits, fails: Fits) -> None:
    (found,) = checks(rules_of(check).rules[0].condition)
    verdict = Checks([found]).of_call(call).decide(found)
    assert hex(verdict.holds) == hex(class_set(holds))
    assert hex(verdict.fails) == hex(class_set(fails))


def test_sets_of_classes_are_numbers_of_64_bits() -> None:
    assert class_set(everywhere) == EVERY == 2**64 - 1
    assert class_set(nowhere) == NONE == 0
    assert class_set(lambda number: number in (0, 5)) == 0b100001
