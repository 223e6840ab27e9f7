"""Alerts for real programs: one for each alert, or one that stays; what they fail with, and how they end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from falcocore.api import ConfigError, OutputError
from falcocore.testing import configured, deliver, sample_alert
from falcocore_outputs.program import ProgramOutput
from tests.support.small_alerts import alert

KEEP_ALIVE = pytest.mark.parametrize("keep_alive", [False, True])
SAFETY_S = 60.0
LATE_S = 0.7
"""How long a program is waited for that will never end: long enough for it to start on a busy machine."""


@pytest.fixture(autouse=True)
def _no_children_left() -> Iterator[None]:
    """No test leaves a process or a zombie behind."""
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which programs run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output(program: str, *, keep_alive: bool = False, **options: Any) -> ProgramOutput:
    return configured(ProgramOutput, {"program": program, "keep_alive": keep_alive, **options})


def error_of(program: str, *, keep_alive: bool = False, **options: Any) -> OutputError:
    """What sending one alert raises."""
    made = output(program, keep_alive=keep_alive, **options)
    (attempt,) = deliver(made, [sample_alert()], attempts=1).attempts
    assert attempt.error is not None
    return attempt.error


def run(program: str, steps: Callable[[ProgramOutput], Awaitable[None]], **options: Any) -> None:
    """Take steps with an output that stays."""

    async def all_steps() -> None:
        made = output(program, keep_alive=True, **options)
        made.open()
        try:
            await steps(made)
        finally:
            await made.aclose()
            made.close()

    asyncio.run(all_steps())


async def happens(what: Callable[[], bool]) -> None:
    """Wait for what another process does, which tells nobody."""
    deadline = time.monotonic() + SAFETY_S
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


def runs(pid: int) -> bool:
    """Whether a process is there, and no zombie that another one has to reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@KEEP_ALIVE
def test_each_alert_is_a_line_for_the_shell_command(folder: Path, keep_alive: bool) -> None:
    lines = ["one", 'zwei "ä"', "three"]
    made = output("tr a-z A-Z | cat >> out", keep_alive=keep_alive)
    given = [alert(line) for line in lines]
    delivery = deliver(made, given, group_size=2)
    assert delivery.delivered == given
    assert (folder / "out").read_text("utf-8") == 'ONE\nZWEI "ä"\nTHREE\n'


@pytest.mark.parametrize(("keep_alive", "processes"), [(False, 3), (True, 1)])
def test_number_of_processes(folder: Path, keep_alive: bool, processes: int) -> None:
    made = output("echo started >> count; cat >> out", keep_alive=keep_alive)
    deliver(made, [sample_alert(number) for number in range(3)])
    assert (folder / "count").read_text("utf-8") == "started\n" * processes
    assert (folder / "out").read_text("utf-8").count("\n") == 3


@pytest.mark.parametrize(("keep_alive", "size"), [(False, 1), (True, 100)])
def test_how_many_alerts_are_taken_at_a_time(keep_alive: bool, size: int) -> None:
    assert output("cat", keep_alive=keep_alive).max_batch == size


@KEEP_ALIVE
def test_large_alert_arrives_whole(folder: Path, keep_alive: bool) -> None:
    line = "x" * 3_000_000
    deliver(output("cat > out", keep_alive=keep_alive), [alert(line)])
    assert (folder / "out").read_text("utf-8") == f"{line}\n"


def test_one_process_ends_before_the_next_alert(folder: Path) -> None:
    deliver(output("cat >> out; sleep 0.02; echo end >> out"), [alert("one"), alert("two")])
    assert (folder / "out").read_text("utf-8") == "one\nend\ntwo\nend\n"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("exit 3", "the program exited with status 3"),
        ("cat > /dev/null; exit 3", "the program exited with status 3"),
        ("cat > /dev/null; echo no >&2; echo room >&2; exit 1", "the program exited with status 1: no room"),
        ("kill -TERM $$", "the program was ended by SIGTERM"),
        ("no-such-program 2>/dev/null", "the program exited with status 127"),
    ],
)
def test_exit_status_of_a_program_for_each_alert_is_seen(program: str, said: str) -> None:
    assert error_of(program).message == said


def test_only_the_end_of_what_a_program_says_is_shown() -> None:
    program = "cat > /dev/null; yes 0123456789 | head -100000 >&2; printf 'bad \\033 end' >&2; exit 1"
    message = error_of(program).message
    assert message.endswith("bad \ufffd end")
    assert len(message) < 2100


@pytest.mark.parametrize("program", ["true", "exec <&-; sleep 0.01", "head -c 1 > /dev/null"])
def test_program_for_each_alert_need_not_read_it(program: str) -> None:
    given = [alert("one"), alert("x" * 3_000_000)]
    assert deliver(output(program), given).delivered == given


def test_command_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "falcocore")
    for keep_alive in (False, True):
        error = error_of("exit 3; curl -H 'Authorization: hunter2'", keep_alive=keep_alive)
        assert "hunter2" not in f"{error}{caplog.text}"


def test_what_a_program_has_left_running_holds_nothing_up(folder: Path) -> None:
    """A grandchild that has its standard streams, and outlives it."""
    made = output("sleep 1000 & echo $! > pid; cat > out", timeout_s=SAFETY_S)
    assert len(deliver(made, [alert("one")]).delivered) == 1
    pid = int((folder / "pid").read_text("utf-8"))
    assert runs(pid)
    os.kill(pid, signal.SIGKILL)


@KEEP_ALIVE
@pytest.mark.parametrize(
    "program",
    [
        "echo $$ > pid; sleep 1000",
        "trap '' TERM; echo $$ > pid; while :; do sleep 1000; done",
        "exec <&-; echo $$ > pid; sleep 1000",
    ],
)
def test_program_that_does_not_read_or_end_is_killed(folder: Path, program: str, keep_alive: bool) -> None:
    error = error_of(program, keep_alive=keep_alive, timeout_s=LATE_S)
    late = "did not read" if keep_alive else "did not end"
    assert error.message == f"the program {late} within {LATE_S} s, and was killed"
    assert not runs(int((folder / "pid").read_text("utf-8")))


@KEEP_ALIVE
def test_process_group_is_killed_as_a_whole(folder: Path, keep_alive: bool) -> None:
    error_of("sleep 1000 & echo $! > pid; wait", keep_alive=keep_alive, timeout_s=LATE_S)
    pid = int((folder / "pid").read_text("utf-8"))
    asyncio.run(happens(lambda: not runs(pid)))


def test_torn_line_is_not_continued(folder: Path) -> None:
    """A process that has read half of a line and hangs is another one the next time."""
    big = "x" * 500_000
    program = "if [ -e again ]; then cat >> out; else touch again; head -c 1000 > torn; sleep 1000; fi"
    given = [alert(big), alert("last")]
    delivery = deliver(output(program, keep_alive=True, timeout_s=LATE_S), given)
    assert delivery.delivered == given
    assert (folder / "out").read_text("utf-8") == f"{big}\nlast\n"


def test_alerts_that_a_process_did_not_read_before_it_ended_are_sent_again(folder: Path) -> None:
    """They fit into its pipe, and would be lost with it."""
    program = "if [ -e again ]; then cat >> out; else touch again; sleep 0.05; echo oh >&2; exit 3; fi"
    given = [alert("one"), alert("two")]
    delivery = deliver(output(program, keep_alive=True), given, group_size=2)
    (failed, _) = delivery.attempts
    assert str(failed.error) == "the program exited with status 3: oh; it is started again"
    assert delivery.delivered == given
    assert (folder / "out").read_text("utf-8") == "one\ntwo\n"


def test_alerts_count_as_taken_when_they_are_read(folder: Path) -> None:
    async def steps(made: ProgramOutput) -> None:
        sending = asyncio.create_task(made.send([alert("one")]))
        await happens((folder / "ready").exists)
        assert not sending.done()
        (folder / "go").touch()
        await sending

    run("touch ready; until [ -e go ]; do sleep 0.01; done; cat > out", steps)


def test_process_that_ends_between_two_alerts_is_started_again(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    async def steps(made: ProgramOutput) -> None:
        for number in range(3):
            try:
                await made.send([alert(f"{number}")])
            except OutputError as error:  # its end was not known yet: the next attempt knows
                said.append(str(error))
                await made.send([alert(f"{number}")])
            (folder / f"end{number}").touch()
            pid = int((folder / "pid").read_text("utf-8"))
            await happens(lambda pid=pid: not runs(pid))  # type: ignore[misc]

    program = (
        "echo $$ > pid; read -r line; echo $line >> out; "
        "until [ -e end$line ]; do sleep 0.01; done; echo bye >&2; exit 4"
    )
    run(program, steps)
    assert (folder / "out").read_text("utf-8") == "0\n1\n2\n"
    end = "the program exited with status 4: bye"
    assert sorted([*said, *caplog.messages]) == [end, *[f"{end}; it is started again"] * 2]


def test_reopen_restarts_the_process(folder: Path) -> None:
    async def steps(made: ProgramOutput) -> None:
        await made.send([alert("one")])
        made.reopen()
        await made.send([alert("two")])
        await made.send([alert("three")])

    run("echo start >> out; cat >> out; echo end >> out", steps)
    assert (folder / "out").read_text("utf-8") == "start\none\nend\nstart\ntwo\nthree\nend\n"


def test_reopen_before_the_first_alert_starts_one_process(folder: Path) -> None:
    async def steps(made: ProgramOutput) -> None:
        made.reopen()
        await made.send([alert("one")])

    run("echo start >> out; cat >> out", steps)
    assert (folder / "out").read_text("utf-8") == "start\none\n"


def test_process_has_time_to_finish_at_the_end(folder: Path) -> None:
    deliver(output("cat > out; sleep 0.05; echo end >> out", keep_alive=True), [alert("one")])
    assert (folder / "out").read_text("utf-8") == "one\nend\n"


def test_process_that_does_not_finish_is_told_to_end(folder: Path) -> None:
    program = "trap 'echo told >> out; exit' TERM; cat > out; while :; do sleep 0.01; done"
    deliver(output(program, keep_alive=True, grace_s=0.1), [alert("one")])
    assert (folder / "out").read_text("utf-8") == "one\ntold\n"


def test_process_that_does_not_end_is_killed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    program = "trap '' TERM; sleep 1000 & echo $! > pid; cat > out; while :; do sleep 1000; done"
    deliver(output(program, keep_alive=True, grace_s=0.1), [alert("one")])
    assert (folder / "out").read_text("utf-8") == "one\n"
    pid = int((folder / "pid").read_text("utf-8"))
    asyncio.run(happens(lambda: not runs(pid)))
    assert caplog.messages == ["the program was ended by SIGKILL"]


@KEEP_ALIVE
def test_send_that_is_broken_off_leaves_no_process(folder: Path, keep_alive: bool) -> None:
    async def steps() -> None:
        made = output("echo $$ > new; mv new pid; sleep 1000", keep_alive=keep_alive)
        sending = asyncio.create_task(made.send([alert("one")]))
        await happens((folder / "pid").exists)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not runs(int((folder / "pid").read_text("utf-8")))
        await made.aclose()

    asyncio.run(steps())


def test_signals_for_the_terminal_do_not_reach_the_program(folder: Path) -> None:
    """Ctrl-C ends falcocore, which then lets the program finish."""
    deliver(output("cat /proc/$$/stat > stat; cat > out", keep_alive=True), [alert("one")])
    pid, _, _, _, group, session = (folder / "stat").read_text("utf-8").split()[:6]
    assert pid == group == session != str(os.getsid(0))


def test_conversation_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "falcocore")
    deliver(output("cat > /dev/null; echo hm >&2; printf well >&2"), [alert("one")])
    assert caplog.messages == ["> one", "< hm", "< well", "< exited with status 0: hm well"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"program": " "}, "`program` is empty"),
        ({"timeout_s": "0"}, "timeout_s is 0, it has to be more than 0"),
        ({"grace_s": "-1"}, "grace_s is -1, it has to be more than 0"),
        ({"timeout_s": "inf"}, "timeout_s is inf, it has to be more than 0"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(ProgramOutput, {"program": "cat", **options})
    assert said in caught.value.message
