"""The event source `syscall`: this machine is watched, or a capture replayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from falcocore.api import Batch, Circumstances, Finding, Progress, Sent, Source
from falcocore_syscall.live.drops import DropPolicy

if TYPE_CHECKING:
    from falcocore.toolkit import RuleSet
    from falcocore_syscall.event import Event
    from falcocore_syscall.live.watching import Watching
    from falcocore_syscall.reading import Reading


class SyscallSource(Source):
    """System calls of this Linux machine, or of a .scap capture of Falco or sysdig.

    Without a target the machine is watched as it runs, which needs root or the capabilities CAP_BPF and
    CAP_PERFMON. The target is a capture: a file, plain or gzip, or `-` for standard input.
    """

    name: ClassVar[str] = "syscall"
    needs_rights: ClassVar[bool] = True

    def __init__(
        self,
        target: Annotated[
            str | None, "a .scap capture, or - for standard input; none for this machine"
        ] = None,
        *,
        resolve_names: Annotated[bool, "look up the host names that rules compare fd.*.name with"] = True,
        buffer_mb: Annotated[
            int, "memory for events that wait, in MiB, a power of two; not for captures"
        ] = 8,
        push_down: Annotated[
            bool, "have the kernel reject what no rule can match; off only to compare; not for captures"
        ] = True,
        drops: Annotated[DropPolicy, "what is done when events were lost: Falco's syscall_event_drops"] = (
            DropPolicy()  # noqa: B008 - it can't be changed
        ),
        container_sockets: Annotated[
            list[str] | None,
            "sockets of container runtimes, such as docker:/run/docker.sock; none: all known",
        ] = None,
    ) -> None:
        self._mode: Reading | Watching
        if target is None:
            from falcocore_syscall.live.watching import Watching

            self._mode = Watching(
                buffer_mb << 20,
                drops,
                container_sockets=container_sockets,
                resolves_names=resolve_names,
                pushes_down=push_down,
            )
        else:
            from falcocore_syscall.reading import Reading

            self._mode = Reading(target, resolves_names=resolve_names)

    def prepare(self, rules: RuleSet) -> None:
        """Find out which events and host names the rules need."""
        self._mode.prepare(rules)

    def open(self) -> None:
        """Find the capture, or begin to watch.

        Raises:
            SourceError: it can't be read or watched; the message says what is missing.
        """
        self._mode.open()

    def batches(self) -> Iterator[Batch]:
        """Yield a batch for each piece of the capture, or for what has happened since the last one.

        Raises:
            SourceError: the capture is damaged; what stands before the damage was yielded.
        """
        return self._mode.batches()

    def stop(self) -> None:
        """End after the batch that is being worked on."""
        self._mode.stop()

    @classmethod
    def events_from(cls, descriptions: Iterable[Any]) -> Iterator[Event]:
        """Events of tests; a description is a process and the system call that it makes.

        The words are those of docs/rules.md: `{proc: {cmdline: cat /etc/shadow, parent: bash}, openat: {path:
        /etc/shadow, flags: O_RDONLY}}`.
        """
        from falcocore_syscall.described.events import described_events

        return described_events(descriptions)

    @classmethod
    def describe_push_down(cls, rules: RuleSet) -> Sequence[Sent]:
        """What the kernel sends to a live capture."""
        from falcocore_syscall.live.pushdown.describe import describe_push_down

        return describe_push_down(rules)

    def banner(self) -> str:
        """What is read."""
        return self._mode.banner()

    def diagnose(self, circumstances: Circumstances) -> Iterable[Finding]:
        """Whether this machine can be watched, and what would lack; whether a capture can be read."""
        return self._mode.diagnose(circumstances)

    def next_step(self) -> str | None:
        """What raises an alert of the bundled rules."""
        return self._mode.next_step()

    @property
    def rejected(self) -> int:  # type: ignore[override]
        """Records of the kernel program that can't be read."""
        return self._mode.rejected

    def figures(self) -> Mapping[str, int | str]:
        """Of a machine that is watched: events, losses, threads, containers, what the kernel sends."""
        return self._mode.figures()

    def progress(self) -> Progress | None:
        """How much of the file was read, compressed as it is; None for the machine."""
        return self._mode.progress()
