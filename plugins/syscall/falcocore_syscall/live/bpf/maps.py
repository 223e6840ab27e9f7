"""Maps of an object: how its `.maps` section describes them, and reading and writing them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from falcocore_syscall.live.bpf import calls
from falcocore_syscall.live.bpf.btf import Btf, Kind
from falcocore_syscall.live.bpf.calls import MapType
from falcocore_syscall.live.bpf.errors import BpfError

MAPS_SECTION = ".maps"
_PER_CPU = frozenset({MapType.PERCPU_HASH, MapType.PERCPU_ARRAY, MapType.LRU_PERCPU_HASH})
_NUMBERS = {"type": "type", "max_entries": "entries", "map_flags": "flags"}
_SIZES = {"key_size": "key", "value_size": "value"}


class Map:
    """One map. It can be changed before it is created, and be read and written from then on.

    The value of a map that has one per CPU is the concatenation of them all, each padded to eight bytes.
    """

    def __init__(
        self, name: str, type_: MapType, key_bytes: int, value_bytes: int, max_entries: int, flags: int = 0
    ) -> None:
        self.name = name
        self.type = type_
        self.key_bytes = key_bytes
        self.value_bytes = value_bytes
        self.flags = flags
        self._max_entries = max_entries
        self._fds: list[int] = []

    @property
    def is_per_cpu(self) -> bool:
        """Whether each CPU has its own value."""
        return self.type in _PER_CPU

    @property
    def max_entries(self) -> int:
        """How many entries it may have; of a ring buffer, its bytes. Can be set until it is created."""
        return self._max_entries

    @max_entries.setter
    def max_entries(self, value: int) -> None:
        if self._fds:
            raise BpfError(f"the size of map {self.name} can't be changed, it is already created")
        self._max_entries = value

    @property
    def fd(self) -> int:
        """File descriptor, which the object closes."""
        if not self._fds:
            raise BpfError(f"map {self.name} is not open")
        return self._fds[0]

    def create(self) -> None:
        """Have the kernel make it."""
        entries = calls.possible_cpus() if not self.max_entries and self.is_per_cpu else self.max_entries
        self._fds.append(
            calls.create_map(self.type, self.key_bytes, self.value_bytes, entries, self.flags, self.name)
        )

    def share(self, other: Map) -> None:
        """Be another object's map instead of a new one."""
        shapes = [(one.type, one.key_bytes, one.value_bytes) for one in (self, other)]
        if shapes[0] != shapes[1]:
            raise BpfError(f"map {self.name} can't be shared, the other object's is another one")
        self._max_entries = other.max_entries
        self._fds.append(os.dup(other.fd))

    def close(self) -> None:
        """Close the descriptor; the kernel drops the map when no program uses it either."""
        calls.close(self._fds)

    @property
    def _stored_bytes(self) -> int:
        if not self.is_per_cpu:
            return self.value_bytes
        return (self.value_bytes + 7) // 8 * 8 * calls.possible_cpus()

    def _check(self, key: bytes, value: bytes) -> None:
        self._check_key(key)
        if len(value) != self._stored_bytes:
            raise BpfError(f"a value of map {self.name} has {self._stored_bytes} bytes, not {len(value)}")

    def _check_key(self, key: bytes) -> None:
        if len(key) != self.key_bytes:
            raise BpfError(f"a key of map {self.name} has {self.key_bytes} bytes, not {len(key)}")

    def lookup(self, key: bytes) -> bytes | None:
        """The value of a key, None where there is none."""
        self._check_key(key)
        return calls.look_up(self.fd, key, self._stored_bytes)

    def lookup_each(self, key: bytes) -> list[bytes]:
        """The values of a key, one for each CPU; empty where there is none."""
        value = self.lookup(key)
        if value is None:
            return []
        stride = (self.value_bytes + 7) // 8 * 8 if self.is_per_cpu else self.value_bytes
        return [value[at : at + self.value_bytes] for at in range(0, len(value), stride)]

    def sum(self, key: bytes) -> int:
        """The sum of a key's values over all CPUs, taken as unsigned numbers."""
        return sum(int.from_bytes(value, "little") for value in self.lookup_each(key))

    def update(self, key: bytes, value: bytes) -> None:
        """Set the value of a key; of a per-CPU map, all of them at once."""
        self._check(key, value)
        calls.update(self.fd, key, value)

    def add(self, key: bytes, value: bytes) -> bool:
        """Set the value of a key that is not there yet; False where it is, and has another value maybe."""
        self._check(key, value)
        return calls.add(self.fd, key, value)

    def delete(self, key: bytes) -> bool:
        """Remove a key; whether it was there."""
        self._check_key(key)
        return calls.delete(self.fd, key)

    def keys(self) -> Iterator[bytes]:
        """All keys. One that is removed behind this one's back makes it start again from the first."""
        key = calls.next_key(self.fd, None, self.key_bytes)
        while key is not None:
            yield key
            key = calls.next_key(self.fd, key, self.key_bytes)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their values; what is removed meanwhile is left out."""
        for key in self.keys():
            value = self.lookup(key)
            if value is not None:
                yield key, value


def index(number: int) -> bytes:
    """The key of an array's entry."""
    return struct.pack("<I", number)


def defined_maps(btf: Btf) -> dict[str, Map]:
    """The maps that an object defines in its `.maps` section, by name, not yet created."""
    maps = {}
    for section in btf.find(MAPS_SECTION, Kind.DATASEC):
        for variable, _ in btf.section(section):
            name = btf.name(variable)
            if btf.kind(variable) is not Kind.VAR:
                raise BpfError(f"the object's {MAPS_SECTION} section has {name!r}, which is no map")
            maps[name] = _defined(btf, name, btf.resolve(btf.target(variable)))
    return maps


def _defined(btf: Btf, name: str, definition: int) -> Map:
    """`__uint(NAME, N)` is a pointer to an array of N numbers, `__type(NAME, T)` one to a T."""
    found = {"type": 0, "key": 0, "value": 0, "entries": 0, "flags": 0}
    for member in btf.members(definition):
        meant = btf.resolve(member.type)
        target = btf.resolve(btf.target(meant)) if btf.kind(meant) is Kind.PTR else 0
        if member.name in ("key", "value") and target:
            found[member.name] = btf.size(target)
        elif (known := _NUMBERS.get(member.name) or _SIZES.get(member.name)) and (
            target and btf.kind(target) is Kind.ARRAY
        ):
            found[known] = btf.array(target)[1]
        else:
            raise BpfError(f"map {name} is defined with {member.name!r}, which the loader does not know")
    try:
        kind = MapType(found["type"])
    except ValueError:
        raise BpfError(f"map {name} is of type {found['type']}, which the loader does not know") from None
    return Map(name, kind, found["key"], found["value"], found["entries"], found["flags"])
