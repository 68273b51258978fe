"""Cuts records out of a stored ``records`` line as raw JSON: nothing is decoded, every byte stays as it was written. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class _Line(msgspec.Struct):
    data: list[msgspec.Raw]


_decoder = msgspec.json.Decoder(_Line)


@dataclass(frozen=True, slots=True)
class Cut:
    """The records ``begin`` to before ``end`` of the message at Kafka offset ``offset``; ``size`` bytes with commas between."""

    offset: int
    begin: int
    end: int
    size: int

    @property
    def count(self) -> int:
        return self.end - self.begin


def plan(offset: int, value: memoryview, begin: int, most: int, room: int) -> Cut:
    """From record ``begin`` on, at most ``most`` records and as many as fit into ``room`` bytes, perhaps none."""
    size, end = -1, begin
    for raw in _decoder.decode(value).data[begin : begin + most]:
        longer = size + 1 + memoryview(raw).nbytes
        if longer > room:
            break
        size, end = longer, end + 1
    return Cut(offset, begin, end, max(size, 0))


def cut(value: memoryview, planned: Cut) -> bytes:
    """The records of a cut, separated by commas."""
    return b",".join(_decoder.decode(value).data[planned.begin : planned.end])
