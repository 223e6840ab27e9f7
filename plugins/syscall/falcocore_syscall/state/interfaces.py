"""The machine's network interfaces: which addresses are local, and what an address of zeros stands for."""

from __future__ import annotations

from falcocore_syscall.scap.records import InterfaceRecord

ZEROS = (bytes(4), bytes(16))
_LOOPBACK = 127


class Interfaces:
    """The interfaces as they were recorded."""

    def __init__(self, records: list[InterfaceRecord] | None = None) -> None:
        self._v4 = [it for it in records or () if len(it.address) == 4]
        self._local = frozenset(it.address for it in records or ())

    def is_local(self, address: bytes) -> bool:
        """True for an address of this machine."""
        return address in self._local

    def completed(self, source: bytes, destination: bytes) -> tuple[bytes, bytes]:
        """The ends of an IPv4 connection with the one that is zero put in; others as they are."""
        if not self._v4 or len(source) != 4 or len(destination) != 4:
            return source, destination
        zero = ZEROS[0]
        if source == zero and destination != zero:
            return self._nearest(destination), destination
        if destination == zero and source != zero:
            return source, self._nearest(source)
        return source, destination

    def _nearest(self, other: bytes) -> bytes:
        """The address that this machine has towards another one."""
        number = int.from_bytes(other, "big")
        for interface in self._v4:
            if interface.address == other:
                return other
        for interface in self._v4:
            mask = int.from_bytes(interface.netmask, "big")
            if number & mask == int.from_bytes(interface.address, "big") & mask:
                return interface.address
        for interface in self._v4:
            if interface.address[0] != _LOOPBACK:
                return interface.address
        return ZEROS[0]
