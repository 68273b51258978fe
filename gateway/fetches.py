"""What the gateway reads of job logs, shared between all who read it (design: "The read path of the gateway").

Rules:
1. Nothing is read before somebody asks for it or is about to (:meth:`Fetches.want`), and nothing twice at the same time: who
   asks for what is being read waits for it.
2. What stood in a log once stands there for ever, so a slice can be kept; an empty one is asked for again.
3. A kept slice pins the whole buffer that its records are slices of: that is what is counted.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from broker.fetch import LogReader, Offsets, Record

_FEW_BYTES = 256 * 1024
_SMALL = 32 * 1024

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Slice:
    """Committed records of a job topic from one offset on; none where only markers stood, or where the log ends for now.

    ``next_offset`` is where to read on; ``size`` the bytes of memory that it pins.
    """

    records: Sequence[Record]
    next_offset: int
    size: int

    @property
    def small(self) -> bool:
        """Whether messages here are so small that several should come at once."""
        return self.size < _SMALL

    @property
    def single(self) -> bool:
        """Whether a large message stands here by itself, so that the one after the next likely stands two offsets on."""
        return len(self.records) == 1 and not self.small


class Fetches:
    """Slices of job topics on demand. ``cache_bytes`` bounds what is kept of them."""

    def __init__(self, reader: LogReader, cache_bytes: int) -> None:
        self._reader = reader
        self._capacity = cache_bytes
        self._kept: OrderedDict[Key, Slice] = OrderedDict()
        self._under_way: dict[Key, asyncio.Task[Slice]] = {}
        self.bytes = 0
        self.requests = 0
        self.hits = 0

    def kept(self, topic: str, offset: int) -> Slice | None:
        """The slice that begins at ``offset``, if it is still there."""
        found = self._kept.get((topic, offset))
        if found is not None:
            self.hits += 1
            self._kept.move_to_end((topic, offset))
        return found

    def read(self, topic: str, offset: int, *, several: bool = False) -> asyncio.Task[Slice]:
        """Reads the slice that begins at ``offset``: one record batch, or ``several`` small ones.

        The task is shared: wait for it, shield it, never cancel it. It raises as :meth:`LogReader.fetch`.
        """
        key = (topic, offset)
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._read(topic, offset, _FEW_BYTES if several else 1))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        return task

    def want(self, topic: str, offset: int) -> None:
        """Begins to read the slice at ``offset``, which somebody will ask for soon, unless it is kept or no connection is idle."""
        if (topic, offset) not in self._kept and len(self._under_way) < self._reader.connections:
            self.read(topic, offset)

    async def get(self, topic: str, offset: int) -> Slice:
        """The slice at ``offset``, kept or read."""
        kept = self.kept(topic, offset)
        return await asyncio.shield(self.read(topic, offset)) if kept is None else kept

    async def offsets(self, topic: str) -> Offsets:
        """Where the log begins and ends now."""
        return await self._reader.offsets(topic, 0)

    async def _read(self, topic: str, offset: int, max_bytes: int) -> Slice:
        self.requests += 1
        fetched = await self._reader.fetch(topic, 0, offset, max_bytes=max_bytes)
        records: list[Record] = []
        buffers: dict[int, memoryview] = {}
        size, next_offset = 0, fetched.next_offset
        for number, batch in enumerate(fetched.batches):
            if size >= _FEW_BYTES:
                # Compressed batches may be small on the wire only.
                next_offset = fetched.batches[number - 1].last_offset + 1
                break
            decoded = batch.records()
            records += decoded
            buffers |= {id(each.value.obj): each.value for each in decoded if each.value is not None}
            size = sum(memoryview(value.obj).nbytes for value in buffers.values())
        return Slice(records, next_offset, size)

    def _done(self, key: Key, task: asyncio.Task[Slice]) -> None:
        del self._under_way[key]
        if not task.cancelled() and task.exception() is None and task.result().next_offset > key[1]:
            self._keep(key, task.result())

    def _keep(self, key: Key, made: Slice) -> None:
        if made.size > self._capacity:
            return
        self._kept[key] = made
        self.bytes += made.size
        while self.bytes > self._capacity:
            _, dropped = self._kept.popitem(last=False)
            self.bytes -= dropped.size
