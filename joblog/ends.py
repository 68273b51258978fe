"""Reads a log to its end, and its last record (design: "Who writes what", '"To the end"').

Rule: the end is the high watermark as of the call. A committed reader does not get there while a transaction is open before it:
then the deadline passes and nothing is decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from broker.fetch import LogReader, Record

MAX_BYTES = 1 << 20
_BLOCKED_PAUSE = 0.02


async def read_to_end(
    reader: LogReader,
    topic: str,
    partition: int,
    start: int,
    *,
    committed: bool = True,
    deadline: float = 30.0,
    max_bytes: int = MAX_BYTES,
) -> AsyncIterator[Record]:
    """The records from ``start`` (or where the log begins now, if later) to the high watermark as of the call.

    Raises TimeoutError when the end is not reached within ``deadline`` seconds, the time its reader takes included: behind an
    open transaction, or when Kafka is away. Otherwise raises as :meth:`LogReader.fetch`.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + deadline
    async with asyncio.timeout_at(until):
        offsets = await reader.offsets(topic, partition)
    position = max(start, offsets.start)
    while position < offsets.end:
        async with asyncio.timeout_at(until):
            fetched = await reader.fetch(topic, partition, position, committed=committed, max_bytes=max_bytes)
            if fetched.next_offset == position:
                await asyncio.sleep(_BLOCKED_PAUSE)
        for batch in fetched.batches:
            for record in batch.records():
                yield record
        position = fetched.next_offset


async def last_record(
    reader: LogReader, topic: str, partition: int, before: int, *, start: int = 0
) -> Record | None:
    """The last committed record before the offset ``before`` and not before ``start``; None when there is none.

    Kafka reads only forward, so it steps back, each time twice as far.
    """
    step = 2
    while before > start:
        begin = max(start, before - step)
        found, position = None, begin
        while position < before:
            fetched = await reader.fetch(topic, partition, position)
            if fetched.next_offset == position:
                break
            for batch in fetched.batches:
                found = next((each for each in reversed(batch.records()) if each.offset < before), found)
            position = fetched.next_offset
        if found is not None:
            return found
        before, step = begin, step * 2
    return None
