"""The machine's network interfaces: which addresses are local, and what an address of zeros stands for."""

from __future__ import annotations

from collections.abc import Sequence

from falcocore_syscall.scap.records import InterfaceRecord

ZEROS = (bytes(4), bytes(16))
_LOOPBACK = 127
_LOOPBACK_6 = bytes(15) + b"\x01"


class Interfaces:
    """The interfaces as they were recorded."""

    def __init__(self, records: Sequence[InterfaceRecord] = ()) -> None:
        self._records = records
        self._local = frozenset(it.address for it in records)

    def is_local(self, address: bytes) -> bool:
        """True for an address of this machine."""
        return address == ZEROS[1] or address in self._local

    def completed(self, source: bytes, destination: bytes) -> tuple[bytes, bytes]:
        """The ends of a connection with the one that is zero put in; others as they are."""
        if len(source) != len(destination):
            return source, destination
        zero = bytes(len(source))
        if source == zero != destination:
            return self._nearest(destination), destination
        if destination == zero != source:
            return source, self._nearest(source)
        return source, destination

    def _nearest(self, other: bytes) -> bytes:
        """The address that this machine has towards another one; zeros where it has none of the kind."""
        number = int.from_bytes(other, "big")
        own = [interface for interface in self._records if len(interface.address) == len(other)]
        for interface in own:
            if interface.address == other:
                return other
        for interface in own:
            mask = int.from_bytes(interface.netmask, "big")
            if number & mask == int.from_bytes(interface.address, "big") & mask:
                return interface.address
        return next((it.address for it in own if not _is_loopback(it.address)), bytes(len(other)))


def _is_loopback(address: bytes) -> bool:
    return address[0] == _LOOPBACK if len(address) == 4 else address == _LOOPBACK_6
