"""The stream's side of asking container runtimes: it asks, goes on, and takes what was answered."""

from __future__ import annotations

import heapq
import os
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from falcocore_syscall.live.runtimes.pauses import Pauses
from falcocore_syscall.live.runtimes.questions import PATIENCE_S, Answer, Interviewer, Question
from falcocore_syscall.live.runtimes.sockets import DEFAULT_SOCKETS, HOST_ROOT, RuntimeSocket
from falcocore_syscall.state.containers import ID_LENGTH, Containers

QUESTIONS = 1024
"""Containers that wait to be asked for; more are asked for when their next event comes."""
REMEMBERED = 2048
"""Containers of which something is remembered, be it that nobody knows them; the oldest makes room."""
REFRESH_S = 300.0
"""A container that shows itself after this time is asked for again: its name or address may have changed."""
RETRIES = Pauses(0.25, 30.0)
"""How long a container that nobody knew is not asked for again."""
_OWN_RETRIES = 8
"""So often a container that nobody knew is asked for again by itself, which takes a minute.

It may have been seen before its runtime could tell of it, and never start another process.
"""
_NEVER = float("inf")
_ID = re.compile(r"[0-9a-f]{12,64}\Z")


@dataclass(frozen=True, slots=True)
class RuntimeStatistics:
    """What became of the questions so far."""

    asked: int
    answered: int
    unknown: int
    """Questions to which no runtime knew an answer."""
    errors: int
    """Times that a runtime gave no answer, or none of use."""
    put_off: int
    """Times that a container could not be asked for, because too many waited."""
    waiting: int
    """Questions that are not answered yet."""


@dataclass(slots=True)
class _Memory:
    again_s: float = _NEVER
    """From when on an event of the container has it asked for again; never, while it is asked for."""
    misses: int = 0


class Runtimes:
    """Metadata of containers from the sockets of their runtimes; never holds up who asks.

    All methods belong to one thread, that of the stream. Another one waits for the runtimes; it is started
    with the first question.
    """

    def __init__(
        self,
        sockets: Sequence[str] = DEFAULT_SOCKETS,
        *,
        host_root: str | None = None,
        patience_s: float = PATIENCE_S,
        questions: int = QUESTIONS,
        remembered: int = REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the sockets, `docker:PATH` or `cri:PATH`, `*` standing for part of a name.

        Args:
            host_root: stands before each path; None takes it from the variable HOST_ROOT.
            patience_s: how long a runtime may take for one container.
            questions: so many containers may wait.
            remembered: of so many containers something is remembered.
            clock: seconds that only grow, for pauses; called from both threads.

        Raises:
            ValueError: a socket is written in another way.
        """
        root = os.environ.get(HOST_ROOT, "") if host_root is None else host_root
        self._interviewer = Interviewer([RuntimeSocket.of(one) for one in sockets], root, patience_s, clock)
        self._has_sockets = bool(sockets)
        self._questions: queue.Queue[Question | None] = queue.Queue(questions)
        self._answers: deque[Answer] = deque()
        self._memories: dict[str, _Memory] = {}
        self._remembered = remembered
        self._forgotten: list[str] = []
        self._retries: list[tuple[float, str, bytes]] = []
        self._clock = clock
        self._thread: threading.Thread | None = None
        self._news = threading.Event()
        self._is_stopping = False
        self._asked = self._answered = self._unknown = self._errors = self._put_off = self._waiting = 0

    def ask(self, container_id: str, cgroups: bytes = b"") -> None:
        """Have a container asked for, unless that was done a short while ago.

        Args:
            container_id: its id, short or whole; what is not of hexadecimal digits no runtime here has given.
            cgroups: the control groups of a process in it: they tell which runtime is likely to know it.
        """
        short_id = container_id[:ID_LENGTH]
        memory = self._memories.get(short_id)
        if memory is not None:
            if memory.again_s == _NEVER or self._clock() < memory.again_s:
                return
        elif not self._has_sockets or not _ID.match(container_id):
            return
        try:
            self._questions.put_nowait(Question(container_id, cgroups))
        except queue.Full:
            self._put_off += 1
            return
        if memory is None:
            memory = self._remember(short_id)
        memory.again_s = _NEVER
        self._asked += 1
        self._waiting += 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="container runtimes", daemon=True)
            self._thread.start()

    def deliver(self, containers: Containers) -> list[bytes]:
        """Bring what was answered into the state.

        Returns:
            what was answered, as the JSON that events of captures carry.
        """
        for short_id in self._forgotten:
            containers.remove(short_id)
        self._forgotten.clear()
        texts = []
        while self._answers:
            answer = self._answers.popleft()
            self._take(answer)
            if answer.text is not None:
                containers.add_json(answer.text)
                texts.append(answer.text)
        while self._retries and self._retries[0][0] <= self._clock():
            _, container_id, cgroups = heapq.heappop(self._retries)
            self.ask(container_id, cgroups)
        return texts

    def wait(self, timeout_s: float) -> bool:
        """Until all that was asked is answered, or the time is over: True for the first.

        For the start, when the containers that run already are asked for, and none has been missed yet.
        """
        until_s = time.monotonic() + timeout_s
        while len(self._answers) < self._waiting:
            self._news.clear()
            if len(self._answers) >= self._waiting:
                break
            if not self._news.wait(max(0.0, until_s - time.monotonic())):
                return False
        return True

    def statistics(self) -> RuntimeStatistics:
        """What was asked and answered up to the last `deliver`."""
        return RuntimeStatistics(
            asked=self._asked,
            answered=self._answered,
            unknown=self._unknown,
            errors=self._errors,
            put_off=self._put_off,
            waiting=self._waiting,
        )

    def stop(self) -> None:
        """Ask no more; a question that is under way is not waited for."""
        self._is_stopping = True
        try:
            self._questions.put_nowait(None)
        except queue.Full:
            return

    def _take(self, answer: Answer) -> None:
        question = answer.question
        short_id = question.container_id[:ID_LENGTH]
        memory = self._memories.get(short_id) or self._remember(short_id)
        self._waiting -= 1
        self._errors += answer.errors
        if answer.text is not None:
            self._answered += 1
            memory.misses = 0
            memory.again_s = self._clock() + REFRESH_S
            return
        self._unknown += 1
        memory.misses += 1
        memory.again_s = self._clock() + RETRIES.after(memory.misses)
        if memory.misses <= _OWN_RETRIES:
            heapq.heappush(self._retries, (memory.again_s, question.container_id, question.cgroups))

    def _remember(self, short_id: str) -> _Memory:
        if len(self._memories) >= self._remembered:
            oldest = next(iter(self._memories))
            del self._memories[oldest]
            self._forgotten.append(oldest)
        memory = self._memories[short_id] = _Memory()
        return memory

    def _work(self) -> None:
        while (question := self._questions.get()) is not None and not self._is_stopping:
            self._answers.append(self._interviewer.find(question))
            self._news.set()
