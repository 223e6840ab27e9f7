"""The engine is killed again and again while its receivers fail: no acknowledged alert is lost.

`FALCOCORE_CRASH_ROUNDS` says how often it is killed; `FALCOCORE_CRASH_SEED` repeats what was random, as far
as the machine does.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.support.falcocore_process import WEBHOOK, Running
from tests.support.flaky_receiver import Arrival, FlakyReceiver, flaky_receiver
from tests.support.numbered_events import NumberedEvents, posting
from tests.support.webhook_harness import RULES

ROUNDS = int(os.environ.get("FALCOCORE_CRASH_ROUNDS", "6"))
SEED = int(os.environ.get("FALCOCORE_CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
LIFE_S = (0.05, 1.5)
"""For how long the engine lives after it has begun to listen."""
CATCH_UP_S = 60.0 + 2 * ROUNDS


def number_of(arrival: Arrival) -> int:
    return int(arrival.line.rpartition(" ")[2])


def firsts(arrivals: list[Arrival]) -> list[int]:
    """The numbers of first copies, in order."""
    return list(dict.fromkeys(map(number_of, arrivals)))


def check(receiver: FlakyReceiver, acknowledged: list[int]) -> None:
    first = firsts(receiver.arrivals)
    assert set(acknowledged) <= set(first), f"lost: {sorted(set(acknowledged) - set(first))}"
    assert first == sorted(first)
    ids: dict[int, set[str]] = {}
    for arrival in receiver.arrivals:
        ids.setdefault(number_of(arrival), set()).add(arrival.id)
    assert {number for number, of_one in ids.items() if len(of_one) > 1} == set()
    assert len({next(iter(of_one)) for of_one in ids.values()}) == len(ids)


def live_and_be_killed(arguments: list[str], client: NumberedEvents, life_s: float) -> None:
    with Running(*arguments) as running:
        client.url = running.url()
        time.sleep(life_s)
        running.end(signal.SIGKILL)


@pytest.mark.timeout(240 + 10 * ROUNDS)
def test_no_acknowledged_alert_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write(f"FALCOCORE_CRASH_SEED={SEED}\n")
    chance = random.Random(SEED)
    (tmp_path / "rules.yaml").write_text(RULES)
    with flaky_receiver(SEED + 1, 0.2) as batched, flaky_receiver(SEED + 2, 0.03) as single:
        outputs = {
            "batched": {
                "type": "http",
                "options": {"url": batched.url, "body": "lines", "batch_size": 20, "timeout_s": 0.5},
            },
            "single": {"type": "http", "options": {"url": single.url, "timeout_s": 0.5}},
        }
        keys = {"outbox": {"path": str(tmp_path / "state")}, "outputs": outputs}
        (tmp_path / "falcocore.yaml").write_text(yaml.safe_dump(keys))
        arguments = ["run", "-c", f"{tmp_path}/falcocore.yaml", "--source", WEBHOOK]
        arguments += ["-r", f"{tmp_path}/rules.yaml"]
        with posting(SEED + 3) as client:
            for _ in range(ROUNDS):
                live_and_be_killed(arguments, client, chance.uniform(*LIFE_S))
        last = client.acknowledged[-1]
        batched.trouble = single.trouble = 0.0
        with Running(*arguments) as running:
            running.url()
            for receiver in (batched, single):
                receiver.wait_for(lambda arrivals: number_of(arrivals[-1]) >= last, CATCH_UP_S)
            ended = running.end()
        assert ended.status == 0
        check(batched, client.acknowledged)
        check(single, client.acknowledged)
    if "FALCOCORE_CRASH_ROUNDS" in os.environ:
        with capsys.disabled():
            sys.stdout.write(figures(client, {"batched": batched, "single": single}))


def figures(client: NumberedEvents, receivers: dict[str, FlakyReceiver]) -> str:
    lines = [
        f"\nseed {SEED}: {ROUNDS} kills, {client.sent} events, {len(client.acknowledged)} acknowledged, "
        f"{client.given_up} lists without an answer"
    ]
    for name, receiver in receivers.items():
        seconds = len(receiver.arrivals) - len(firsts(receiver.arrivals))
        lost = len(set(client.acknowledged) - set(firsts(receiver.arrivals)))
        lines.append(
            f"{name}: {len(receiver.arrivals)} alerts, {seconds} second copies, {lost} lost, "
            f"{receiver.troubles} failed requests, {receiver.restarts} restarts"
        )
    return "\n".join([*lines, ""])
