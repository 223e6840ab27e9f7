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
from tests.support.live_file_actions import NAMING, OPENING
from tests.support.live_process_actions import OF_ROOT, OTHERS, PROCESSES
from tests.support.live_setting import SETTING, Case
from tests.support.live_socket_actions import DESCRIPTORS, SOCKETS
from tests.support.live_watch import Row, Watch, rule_set, seen
from tests.support.syscall_events import one_rule

pytestmark = needs_kernel
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

TYPES = """
    open, openat, openat2, creat, open_by_handle_at, execve, execveat, clone, clone3, fork, vfork,
    connect, accept, accept4, bind, listen, socket, socketpair, sendto, sendmsg, recvfrom, recvmsg, dup,
    dup2, dup3, symlink, symlinkat, link, linkat, rename, renameat, renameat2, unlink, unlinkat, rmdir,
    mkdir, mkdirat, chmod, fchmod, fchmodat, setuid, setgid, setreuid, setregid, setresuid, setresgid,
    setsid, setpgid, setns, unshare, ptrace, kill, mount, umount, umount2, init_module, finit_module,
    memfd_create, bpf, userfaultfd, prctl, capset, chroot, chdir, fchdir, pidfd_open, sysinfo, getppid,
    procexit
"""
FIELDS = "%proc.cwd %proc.env %proc.nchilds"
"""So that the kernel sends what they need."""

ROUNDS = int(os.environ.get("FALCOCORE_LIVE_ROUNDS", "2000"))
SEED = int(os.environ.get("FALCOCORE_LIVE_SEED", "0"))
GROUP = 20
"""Actions between two sentinels."""

CASES = [*OPENING, *PROCESSES, *SOCKETS, *DESCRIPTORS, *NAMING, *OTHERS]


class Stage:
    """The actor, and what watches it."""

    def __init__(self, directory: Path) -> None:
        self.watch = Watch(rule_set(one_rule(f"evt.type in ({TYPES})", FIELDS)))
        self.actor = Actor(directory)
        self.numbers = itertools.count()
        rows, self.known = seen(
            self.watch, self.actor, SETTING.format(directory=str(directory)), ["proc.name", "user.name"]
        )
        # Before it runs its program it is called as the process that has made it.
        self.known |= {"d": str(directory), "pid": self.actor.pid, "comm": rows[-1]["proc.name"]}
        self.known["user"] = rows[-1]["user.name"]

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
    # The library's wrapper makes another call where there is no vfork.
    if case[2]["evt.type"] == "vfork" and "vfork" not in call_numbers():
        return False
    return all(word in call_numbers() for word in re.findall(r'call\("(\w+)"', case[1]))


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_an_action_is_seen_with_its_fields(stage: Stage, case: Case) -> None:
    if not is_possible(case):
        pytest.skip("this architecture has no such call")
    assert not seen_in(stage, [case])


@needs_root
@pytest.mark.parametrize("case", OF_ROOT, ids=[case[0] for case in OF_ROOT])
def test_an_action_of_root_is_seen_with_its_fields(stage: Stage, case: Case) -> None:
    assert not seen_in(stage, [case])


def test_none_of_many_random_actions_is_missed(stage: Stage) -> None:
    cases = [case for case in CASES if is_possible(case)]
    if os.geteuid() == 0:
        cases += OF_ROOT
    picks = random.Random(SEED)
    for start in range(0, ROUNDS, GROUP):
        missing = seen_in(stage, [picks.choice(cases) for _ in range(GROUP)])
        assert not missing, f"seed {SEED}, actions from {start}: {missing}"
