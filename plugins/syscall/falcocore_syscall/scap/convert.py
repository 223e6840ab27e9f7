"""Events of old layouts become events of today, which have all their arguments in the exit event."""

from __future__ import annotations

import json
from dataclasses import dataclass

from falcocore_syscall.tables import (
    CONVERSIONS,
    EVENTS,
    Action,
    Conversion,
    EventFlag,
    Instruction,
    ParamType,
)

MOST_ROUNDS = 24
"""The longest chain of layouts has fewer steps."""

_WIDTHS = {
    **dict.fromkeys((ParamType.INT8, ParamType.UINT8, ParamType.SIGTYPE, ParamType.FLAGS8), 1),
    **dict.fromkeys((ParamType.L4PROTO, ParamType.SOCKFAMILY, ParamType.ENUMFLAGS8), 1),
    **dict.fromkeys((ParamType.INT16, ParamType.UINT16, ParamType.SYSCALLID, ParamType.PORT), 2),
    **dict.fromkeys((ParamType.FLAGS16, ParamType.ENUMFLAGS16), 2),
    **dict.fromkeys((ParamType.INT32, ParamType.UINT32, ParamType.BOOL, ParamType.IPV4ADDR), 4),
    **dict.fromkeys((ParamType.FLAGS32, ParamType.UID, ParamType.GID, ParamType.SIGSET, ParamType.MODE), 4),
    **dict.fromkeys((ParamType.ENUMFLAGS32, ParamType.FD32, ParamType.PID32), 4),
    **dict.fromkeys((ParamType.INT64, ParamType.UINT64, ParamType.ERRNO, ParamType.FD, ParamType.PID), 8),
    **dict.fromkeys((ParamType.RELTIME, ParamType.ABSTIME, ParamType.DOUBLE), 8),
}


@dataclass(frozen=True, slots=True)
class Converted:
    """An event in the newest layout."""

    type: int
    params: list[bytes]


class Converter:
    """Converts events in the order of the capture; it remembers the enter event of each thread."""

    def __init__(self) -> None:
        self._entered: dict[int, Converted] = {}

    def convert(self, number: int, tid: int, params: list[bytes]) -> Converted | None:
        """The event in the newest layout; None for one that is dropped, or kept for the exit event.

        Raises:
            ValueError: the event has a layout that never existed.
        """
        delivered: Converted | None = None
        for _ in range(MOST_ROUNDS):
            conversion = _conversion(number, len(params))
            if not isinstance(conversion, Conversion):
                delivered = Converted(number, params) if conversion else None
                break
            match conversion.action:
                case Action.DELIVER:
                    delivered = Converted(number, params)
                    break
                case Action.STORE | Action.STORE_AND_DELIVER:
                    kept = Converted(number, params)
                    self._entered[tid] = kept
                    delivered = kept if conversion.action is Action.STORE_AND_DELIVER else None
                    break
                case Action.ADD_PARAMS:
                    to, built = number, list(params)
                case Action.CHANGE_TYPE:
                    to, built = conversion.to or number, []
            used_enter = False
            for instruction in conversion.instrs:
                value, from_enter = self._value(instruction, number, tid, params, to, len(built))
                used_enter |= from_enter
                built.append(value)
            if used_enter:
                del self._entered[tid]
            number, params = to, built
        else:
            raise ValueError(f"an event of type {number} has no end of older layouts")
        return delivered

    def _value(
        self, instruction: Instruction, number: int, tid: int, params: list[bytes], to: int, place: int
    ) -> tuple[bytes, bool]:
        """The value of a parameter of the new event, and whether it is from the enter event."""
        kind = EVENTS[to].params[place].type
        match instruction.source:
            case "old":
                value = params[instruction.param] if instruction.param < len(params) else b""
                return _fitted(value, kind), False
            case "enter":
                entered = self._entered.get(tid)
                if entered is None or entered.type != number - 1:
                    return (_default(kind) if instruction.fallback == "default" else b""), False
                value = entered.params[instruction.param] if instruction.param < len(entered.params) else b""
                return _fitted(value, kind), True
            case "default":
                return _default(kind), False
            case "callback":
                return _container_json(params), False
            case _:
                return b"", False


def _conversion(number: int, count: int) -> Conversion | bool:
    """What is to be done with an event; True to deliver it as it is, False to drop it."""
    info = EVENTS[number]
    if EventFlag.UNUSED in info.flags:
        return False
    is_old = EventFlag.OLD_VERSION in info.flags
    is_exit = number % 2 == 1
    if EventFlag.CONVERTER_MANAGED not in info.flags:
        return is_exit or not is_old
    if is_exit and count > len(info.params):
        raise ValueError(f"an event of type {number} has {count} parameters, {len(info.params)} are known")
    if is_exit and not is_old and count == len(info.params):
        return True
    found = CONVERSIONS.get((number, count))
    if found is None:
        raise ValueError(f"an event of type {number} with {count} parameters never existed")
    return found


def _fitted(value: bytes, kind: ParamType) -> bytes:
    """The value for a parameter that may be narrower: the low bytes of a number stay."""
    width = _WIDTHS.get(kind)
    return value[:width] if width is not None and len(value) > width else value


def _default(kind: ParamType) -> bytes:
    if kind in (ParamType.UID, ParamType.GID):
        return b"\xff\xff\xff\xff"
    return bytes(_WIDTHS.get(kind, 0))


def _container_json(params: list[bytes]) -> bytes:
    """What an event of the oldest kind says about a container, as newer ones say it."""
    texts = [param.rstrip(b"\0").decode("utf-8", "replace") for param in (params[0], params[2], params[3])]
    container = {
        "id": texts[0],
        "type": int.from_bytes(params[1], "little"),
        "name": texts[1],
        "image": texts[2],
    }
    return json.dumps({"container": container}).encode() + b"\0"


def deliverable() -> tuple[frozenset[int], dict[int, int]]:
    """The types that are delivered as they are, some only with the number of parameters that is given."""
    found, counts = set(), {}
    for number, info in enumerate(EVENTS):
        if EventFlag.UNUSED in info.flags:
            continue
        is_old = EventFlag.OLD_VERSION in info.flags
        if EventFlag.CONVERTER_MANAGED not in info.flags:
            if number % 2 or not is_old:
                found.add(number)
        elif number % 2 and not is_old:
            found.add(number)
            counts[number] = len(info.params)
    return frozenset(found), counts


def dropped() -> frozenset[int]:
    """The types that are never delivered, whatever they hold."""
    return frozenset(
        number
        for number, info in enumerate(EVENTS)
        if EventFlag.UNUSED in info.flags
        or (
            number % 2 == 0
            and EventFlag.OLD_VERSION in info.flags
            and EventFlag.CONVERTER_MANAGED not in info.flags
        )
    )
