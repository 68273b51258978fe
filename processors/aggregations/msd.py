"""``msd``, mid-section defects: where a query's containers lost units. The definition of each figure is docs/aggregations.md.

Two domains come one after the other, in the order of the request, so neither may be needed to understand the other: history is
summed by its own dimensions and by container, materials tells which containers took a lot, and only :meth:`result` joins the
two. Hence 16 bytes a container of the job (28 where a sum is beyond 32 bits), and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

import msgspec
import numpy as np
import pyarrow as pa

from processors import exact
from processors.aggregations.protocol import AggregationError, Line, records_decoder
from processors.groups import ContainerSums, Group, Groups, Numbers
from schemas.ids import ContainerIds
from schemas.results import AggregationSpec

HISTORY = "history"
MATERIALS = "materials"

RATE_DECIMALS = 6
TOP = 50
MOST_DAYS = 400
MAX_LIST_BYTES = 128 * 1024


class HistoryRecord(msgspec.Struct, gc=False):
    """The columns of ``history`` that count here."""

    CONTAINERID: str
    WORKCENTERNAME: str | None
    EQUIPMENTNAME: str | None
    LOSSREASONNAME: str | None
    MFGDATE: str | None
    TRACKINQTY: Decimal | None
    TRACKOUTQTY: Decimal | None
    DEFECTQTY: Decimal | None


class MaterialRecord(msgspec.Struct, gc=False):
    """The columns of ``materials`` that count here."""

    CONTAINERID: str
    MATERIALLOTNAME: str | None


_history = records_decoder(HISTORY, HistoryRecord)
_materials = records_decoder(MATERIALS, MaterialRecord)


@dataclass(frozen=True, slots=True)
class Dimension:
    """What history is grouped by: the name in the result, and the group that a record belongs to."""

    name: str
    group_of: Callable[[HistoryRecord], str | None]


DIMENSIONS = (
    Dimension("work_centre", lambda record: record.WORKCENTERNAME),
    Dimension("equipment", lambda record: record.EQUIPMENTNAME),
    Dimension("loss_reason", lambda record: record.LOSSREASONNAME),
    Dimension("day", lambda record: record.MFGDATE and record.MFGDATE[:10]),
)
DAY = "day"
MATERIAL_LOT = "material_lot"
QUANTITIES = ("input_qty", "output_qty", "defect_qty")
_INPUT, _OUTPUT, _DEFECT = range(3)


class MidSectionDefects:
    """Implements :class:`processors.aggregations.protocol.Aggregation`."""

    spec: ClassVar[AggregationSpec] = AggregationSpec(
        "msd",
        "Mid-section defects: input, output and defects by work centre, equipment, loss reason, material lot and day",
        {HISTORY: HistoryRecord.__struct_fields__, MATERIALS: MaterialRecord.__struct_fields__},
    )

    def __init__(self, ids: ContainerIds) -> None:
        self._ids = ids
        self._decimals = 0
        self._by = {dimension.name: Groups(len(QUANTITIES)) for dimension in DIMENSIONS}
        self._lots = Groups(0)
        self._containers = ContainerSums(len(ids), len(QUANTITIES))

    def fold(self, domain: str, line: Line) -> None:
        if domain == HISTORY:
            self._fold_history(_history(line))
        elif domain == MATERIALS:
            self._fold_materials(_materials(line))

    def _fold_history(self, records: Sequence[HistoryRecord]) -> None:
        numbers = self._numbers(HISTORY, records)
        quantities = self._in_units(
            [record.TRACKINQTY for record in records],
            [record.TRACKOUTQTY for record in records],
            [record.DEFECTQTY for record in records],
        )
        self._containers.add(numbers, quantities)
        for dimension in DIMENSIONS:
            names = [dimension.group_of(record) for record in records]
            self._by[dimension.name].add(names, numbers, quantities)

    def _fold_materials(self, records: Sequence[MaterialRecord]) -> None:
        numbers = self._numbers(MATERIALS, records)
        nothing = np.empty((0, len(records)), np.int64)
        self._lots.add([record.MATERIALLOTNAME for record in records], numbers, nothing)

    def _numbers(self, domain: str, records: Sequence[HistoryRecord] | Sequence[MaterialRecord]) -> Numbers:
        """The containers' places in the job's list."""
        names = pa.array([record.CONTAINERID for record in records], pa.string())
        numbers = self._ids.index_of(names)
        if (strange := np.flatnonzero(numbers < 0)).size:
            raise AggregationError(
                f"A record of {domain} names the container {names[int(strange[0])].as_py()!r}, which the job did not ask for."
            )
        return numbers

    def _in_units(self, *columns: Sequence[Decimal | None]) -> exact.Integers:
        """The quantities in the common unit, which becomes finer where a number needs more digits."""
        needed = max(map(exact.decimals_of, columns))
        if needed > self._decimals:
            self._rescale(needed)
        return np.stack([exact.integers(column, self._decimals) for column in columns])

    def _rescale(self, decimals: int) -> None:
        factor = 10 ** (decimals - self._decimals)
        self._containers.rescale(factor)
        for groups in self._by.values():
            groups.rescale(factor)
        self._decimals = decimals

    def merge(self, other: Self) -> None:
        if self._decimals != other._decimals:
            coarser = min(self, other, key=lambda each: each._decimals)
            coarser._rescale(max(self._decimals, other._decimals))
        self._containers.merge(other._containers)
        self._lots.merge(other._lots)
        for name, groups in self._by.items():
            groups.merge(other._by[name])

    def result(self) -> bytes:
        totals = self._containers.all()
        lists = {
            dimension.name: self._list(dimension.name, self._by[dimension.name], totals)
            for dimension in DIMENSIONS
        }
        lots = ((name, self._containers.of(lot.containers)) for name, lot in self._lots)
        lists[MATERIAL_LOT] = self._list(MATERIAL_LOT, ((n, lot) for n, lot in lots if lot.records), totals)
        return msgspec.json.encode({"totals": self._figures(totals, totals), "by": lists})

    def _list(
        self, name: str, groups: Iterable[tuple[str | None, Group]], totals: Group
    ) -> dict[str, object]:
        """How many groups there are, and those of most defects; of the days the latest, in their order."""
        if name == DAY:
            ranked = sorted(groups, key=lambda entry: (entry[0] is None, entry[0] or ""))
            # The group without a day stands last, so that it is never the one that is cut.
            shown = list(reversed(self._bounded(ranked[::-1], MOST_DAYS, totals)))
        else:
            ranked = sorted(groups, key=_rank)
            shown = self._bounded(ranked, TOP, totals)
        return {"groups": len(ranked), "top": shown}

    def _bounded(
        self, ranked: Iterable[tuple[str | None, Group]], most: int, totals: Group
    ) -> list[msgspec.Raw]:
        """The first groups, as many as fit into :data:`MAX_LIST_BYTES`."""
        shown: list[msgspec.Raw] = []
        room = MAX_LIST_BYTES
        for name, group in ranked:
            entry = msgspec.json.encode({"name": name, **self._figures(group, totals)})
            room -= len(entry) + 1
            if len(shown) == most or room < 0:
                break
            shown.append(msgspec.Raw(entry))
        return shown

    def _figures(self, group: Group, totals: Group) -> dict[str, Any]:
        sums = {
            name: exact.number(units, self._decimals)
            for name, units in zip(QUANTITIES, group.sums, strict=True)
        }
        defect = group.sums[_DEFECT]
        rates = {
            "defect_rate": exact.ratio(defect, group.sums[_INPUT], RATE_DECIMALS),
            "defect_share": exact.ratio(defect, totals.sums[_DEFECT], RATE_DECIMALS),
        }
        numbers = {name: msgspec.Raw(text) for name, text in (sums | rates).items()}
        return {"passes": group.records, "containers": len(group.containers), **numbers}


def _rank(entry: tuple[str | None, Group]) -> tuple[int, int, bool, str]:
    """Most defects first, then most input, then by name; the group without a name comes after its equals."""
    name, group = entry
    return -group.sums[_DEFECT], -group.sums[_INPUT], name is None, name or ""


AGGREGATION = MidSectionDefects
