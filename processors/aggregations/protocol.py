"""The seam between a job's log and what is computed from it. Pure: lines in, JSON out.

An aggregation is a class with a ``spec``; a module of this package names it as ``AGGREGATION``, and that is all there is to
adding one (:mod:`processors.registry` finds it). Rules for the class:

1. ``result()`` is the same bytes whatever the order of the records and however they were cut into batches, because a fold
   that starts again must find what the former one found.
2. Memory does not grow with the records.
3. Numbers are exact: from the text of the JSON to integers or decimals, never through a double.
4. It is bounded: ``result()`` stays below :data:`MAX_RESULT_BYTES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, Self, TypeVar

import msgspec

from schemas.ids import ContainerIds
from schemas.results import AggregationSpec

MAX_RESULT_BYTES = 1 << 20

Line = bytes | bytearray | memoryview


class AggregationError(Exception):
    """These records can't be aggregated; the message says why, for the user who asked."""


class Aggregation(Protocol):
    """The state of one fold of one job. Used by one thread at a time."""

    spec: ClassVar[AggregationSpec]

    def __init__(self, ids: ContainerIds) -> None: ...

    def fold(self, domain: str, line: Line) -> None:
        """Takes in one ``records`` message of a domain that ``spec`` needs: its value, the whole line.

        Raises AggregationError.
        """

    def merge(self, other: Self) -> None:
        """Takes in what ``other`` found in another part of the same log; ``other`` is of no more use."""

    def result(self) -> bytes:
        """The findings as JSON: the ``data`` of the ``aggregation`` message. Raises AggregationError."""


Record = TypeVar("Record", bound=msgspec.Struct)


def records_decoder(domain: str, record: type[Record]) -> Callable[[Line], list[Record]]:
    """What reads the records of a ``records`` line: only the columns that ``record`` has, the others are passed over.

    Columns are named as the struct's fields; a number is best a Decimal, which keeps all digits. What it returns raises
    AggregationError where a column is missing or of another form.
    """
    line_type: Any = msgspec.defstruct("RecordsLine", [("data", list[record])], gc=False)  # type: ignore[valid-type]
    decoder = msgspec.json.Decoder(line_type)

    def decode(line: Line) -> list[Record]:
        try:
            records: list[Record] = decoder.decode(line).data
        except msgspec.MsgspecError as error:
            raise AggregationError(f"A record of {domain} can't be aggregated: {error}.") from error
        return records

    return decode
