"""One question after the other to whichever runtimes are there: the part that waits for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from falcocore_syscall.live.runtimes.docker import ask_docker
from falcocore_syscall.live.runtimes.errors import UnansweredError
from falcocore_syscall.live.runtimes.pauses import Pauses
from falcocore_syscall.live.runtimes.sockets import Api, Endpoint, RuntimeSocket, endpoints

log = logging.getLogger("falcocore.syscall")

PATIENCE_S = 2.0
"""How long a runtime may take for all that is asked about one container."""
RESTS = Pauses(1.0, 60.0)
"""How long a runtime that did not answer is left in peace."""


@dataclass(frozen=True, slots=True)
class Question:
    """A container, and the control groups in which it was seen."""

    container_id: str
    cgroups: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question."""

    question: Question
    text: bytes | None
    """The JSON that an event of a capture would carry; None where no runtime knows the container."""
    errors: int
    """Runtimes that gave no answer, or none of use."""


def ask(endpoint: Endpoint, container_id: str, until_s: float) -> bytes | None:
    """What a runtime tells of a container, as JSON; None where it does not know it.

    Raises:
        UnansweredError: it gave no answer up to this time of the monotonic clock, or none of use.
    """
    if endpoint.api is Api.DOCKER:
        data = ask_docker(endpoint.path, container_id, until_s)
    else:
        # h2 is loaded where there is somebody to speak it with.
        from falcocore_syscall.live.runtimes.cri import ask_cri

        data = ask_cri(endpoint.path, container_id, until_s)
    if data is None:
        return None
    if not str(data["full_id"]).startswith(container_id):
        # Docker and Podman also find containers by their names.
        return None
    return msgspec.json.encode({"container": data})


@dataclass(slots=True)
class _Trouble:
    times: int = 0
    rests_until_s: float = 0.0


class Interviewer:
    """Asks runtimes, and leaves those in peace for a while that don't answer.

    A runtime that hangs costs its patience once for each rest, which grows from a second to a minute.
    """

    def __init__(
        self,
        sockets: Sequence[RuntimeSocket],
        host_root: str,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sockets = sockets
        self._host_root = host_root
        self._patience_s = patience_s
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def find(self, question: Question) -> Answer:
        """Ask one runtime after the other, until one knows the container."""
        errors = 0
        for endpoint in endpoints(self._sockets, self._host_root, question.cgroups):
            trouble = self._troubles.get(endpoint.path)
            if trouble is not None and self._clock() < trouble.rests_until_s:
                continue
            try:
                text = ask(endpoint, question.container_id, time.monotonic() + self._patience_s)
            except Exception as error:
                if not isinstance(error, UnansweredError):
                    # An answer that nobody has thought of must not end the thread that asks.
                    log.debug("the container runtime at %s", endpoint.path, exc_info=True)
                errors += 1
                self._note(endpoint, error)
                continue
            if self._troubles.pop(endpoint.path, None):
                log.info("source syscall: the container runtime at %s answers again", endpoint.path)
            if text is not None:
                return Answer(question, text, errors)
        return Answer(question, None, errors)

    def _note(self, endpoint: Endpoint, error: Exception) -> None:
        trouble = self._troubles.setdefault(endpoint.path, _Trouble())
        if not trouble.times:
            log.warning(
                "source syscall: the container runtime at %s can't be asked: %s; fields container.* may lack",
                endpoint.path,
                error if isinstance(error, UnansweredError) else repr(error),
            )
        trouble.times += 1
        trouble.rests_until_s = self._clock() + RESTS.after(trouble.times)
