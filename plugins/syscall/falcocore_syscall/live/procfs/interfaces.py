"""Addresses of the machine, from the C library: /proc has no table of the IPv4 ones with their names."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator

from falcocore_syscall.scap.records import InterfaceRecord


class _SockAddr(ctypes.Structure):
    _fields_ = (("family", ctypes.c_ushort), ("data", ctypes.c_ubyte * 26))


class _Entry(ctypes.Structure):
    """A `struct ifaddrs`."""


_Entry._fields_ = (
    ("next", ctypes.POINTER(_Entry)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.POINTER(_SockAddr)),
    ("netmask", ctypes.POINTER(_SockAddr)),
)
_PLACES = {int(socket.AF_INET): slice(2, 6), int(socket.AF_INET6): slice(6, 22)}
"""Where in a socket address, behind its family, the address is."""


def read_interfaces() -> list[InterfaceRecord]:
    """The addresses of this network namespace, IPv4 first.

    Raises:
        OSError: the kernel doesn't tell.
    """
    library = ctypes.CDLL(None, use_errno=True)
    first = ctypes.POINTER(_Entry)()
    if library.getifaddrs(ctypes.byref(first)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "getifaddrs")
    try:
        found = list(_records(first))
    finally:
        library.freeifaddrs(first)
    return sorted(found, key=lambda record: len(record.address))


def _records(entry: ctypes._Pointer[_Entry]) -> Iterator[InterfaceRecord]:
    while entry:
        it = entry.contents
        place = _PLACES.get(it.address.contents.family) if it.address else None
        if place is not None:
            address = bytes(it.address.contents.data)[place]
            netmask = bytes(it.netmask.contents.data)[place] if it.netmask else bytes(len(address))
            yield InterfaceRecord(it.name.decode("utf-8", "surrogateescape"), address, netmask)
        entry = it.next
