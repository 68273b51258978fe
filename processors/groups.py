"""Sums and distinct containers by group, and by container. Pure; exact (:mod:`processors.exact`).

Rules:
1. Memory grows with the groups and the containers of the job, never with the records: a group holds its sums and one compressed
   bitmap of container numbers; :class:`ContainerSums` holds 4 bytes a container for each sum, 8 where one is beyond 32 bits.
2. A container's number is its place in the job's ID list, so that two parts of one job can be merged.
3. No result depends on the order of the records or on how they were cut into batches.

``quantities`` is always an array of shape (quantities, records), ``numbers`` one of shape (records,).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from processors.exact import Integers, magnitude, total, totals_by_run, with_room

Numbers = npt.NDArray[np.int64]


@dataclass(slots=True)
class Group:
    """How many records it has, the sum of each quantity, and which containers they name."""

    records: int
    sums: list[int]
    containers: BitMap


class Groups:
    """The groups of one dimension by name; None is the group of the records that name none."""

    def __init__(self, quantities: int) -> None:
        self._quantities = quantities
        self._groups: dict[str | None, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[tuple[str | None, Group]]:
        return iter(self._groups.items())

    def add(self, names: Sequence[str | None], numbers: Numbers, quantities: Integers) -> None:
        """Adds records: the group, the container's number and the quantities of each."""
        if not names:
            return
        codes: dict[str | None, int] = {}
        places = np.fromiter((codes.setdefault(name, len(codes)) for name in names), np.int64, len(names))
        order = np.argsort(places, kind="stable")
        starts = np.searchsorted(places[order], np.arange(len(codes)))
        sums = totals_by_run(quantities[:, order], starts)
        ends = np.append(starts[1:], len(names)).tolist()
        containers = numbers[order].astype(np.uint32)
        for name, code in codes.items():
            group = self._group(name)
            begin, end = int(starts[code]), ends[code]
            group.records += end - begin
            group.sums = [known + int(new) for known, new in zip(group.sums, sums[:, code], strict=True)]
            group.containers |= BitMap(containers[begin:end].data)

    def merge(self, other: Groups) -> None:
        """Adds what another part of the same job has found; both must have the same unit."""
        for name, more in other:
            group = self._group(name)
            group.records += more.records
            group.sums = [known + new for known, new in zip(group.sums, more.sums, strict=True)]
            group.containers |= more.containers

    def rescale(self, factor: int) -> None:
        """Goes over to a unit that is ``factor`` times smaller."""
        for group in self._groups.values():
            group.sums = [known * factor for known in group.sums]

    def _group(self, name: str | None) -> Group:
        found = self._groups.get(name)
        if found is None:
            found = self._groups[name] = Group(0, [0] * self._quantities, BitMap())
        return found


class ContainerSums:
    """Sums by container: 4 bytes each (8 where one is beyond 32 bits) and 4 for the count, whatever the number of records."""

    def __init__(self, containers: int, quantities: int) -> None:
        self._records = np.zeros(containers, np.int32)
        self._sums: list[Integers] = [np.zeros(containers, np.int32) for _ in range(quantities)]
        self._reach = [0] * quantities
        """No sum is farther from 0 than this."""

    def add(self, numbers: Numbers, quantities: Integers) -> None:
        """Adds records: the container's number and the quantities of each."""
        np.add.at(self._records, numbers, 1)
        for place, values in enumerate(quantities):
            self._widen(place, magnitude(values) * len(values))
            np.add.at(self._sums[place], numbers, values.astype(self._sums[place].dtype, copy=False))

    def merge(self, other: ContainerSums) -> None:
        """Adds what another part of the same job has found; both must have the same unit."""
        self._records += other._records
        for place, values in enumerate(other._sums):
            self._widen(place, magnitude(values))
            self._sums[place] = self._sums[place] + values

    def rescale(self, factor: int) -> None:
        """Goes over to a unit that is ``factor`` times smaller."""
        for place, values in enumerate(self._sums):
            self._widen(place, max(1, self._reach[place]) * (factor - 1))
            self._sums[place] = values.astype(self._sums[place].dtype, copy=False) * factor

    def all(self) -> Group:
        """The figures of every container together."""
        return Group(
            int(self._records.sum(dtype=np.int64)),
            [total(values) for values in self._sums],
            BitMap(np.flatnonzero(self._records).astype(np.uint32).data),
        )

    def of(self, containers: BitMap) -> Group:
        """The figures of these containers together; its bitmap holds those that have records."""
        numbers = np.frombuffer(containers.to_array(), np.uint32)
        numbers = numbers[self._records[numbers] > 0]
        return Group(
            int(self._records[numbers].sum(dtype=np.int64)),
            [total(values[numbers]) for values in self._sums],
            BitMap(numbers.data),
        )

    def _widen(self, place: int, growth: int) -> None:
        self._reach[place] += growth
        room = {np.dtype(np.int32): 1 << 31, np.dtype(np.int64): 1 << 63}.get(self._sums[place].dtype)
        if room is not None and self._reach[place] >= room:
            # The bound grows with every record; what the sums really are may still fit.
            actual = magnitude(self._sums[place])
            self._sums[place] = with_room(self._sums[place], growth)
            self._reach[place] = actual + growth
