"""Chunks read ahead: whatever the order in which the reads get on, the chunks come out whole and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pyarrow as pa

from catalogue.domain import Domain, parse_domain
from producers.readahead import ChunkPlace, ReadAhead
from producers.settings import ProducerSettings
from schemas.ids import ContainerIds
from schemas.values import Column

LOTS = parse_domain(
    "lots",
    "SELECT CONTAINERID FROM LOTS WHERE CONTAINERID IN ({{ids}})",
    'description = "a test"\ncontainer_id = "CONTAINERID"\nchunk_size = 1\n',
)
IDS = ContainerIds.from_command(b'{"container_ids":["C0","C1","C2"]}')


class Paced:
    """A source whose chunks wait to be let go: chunk n sends ``batches[n]`` batches of one row once ``go[n]`` is set."""

    def __init__(self, batches: Sequence[int]) -> None:
        self.batches = batches
        self.go = [asyncio.Event() for _ in batches]

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def snapshot(self) -> int | None:
        return None

    async def columns(self, domain: Domain) -> tuple[Column, ...]:
        return ()

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        chunk = int(container_ids[0][1:])
        await self.go[chunk].wait()
        for _ in range(self.batches[chunk]):
            yield pa.RecordBatch.from_pydict({"CONTAINERID": list(container_ids)})


async def test_a_chunk_whose_first_rows_came_when_the_memory_was_full_is_read_when_its_turn_comes() -> None:
    source = Paced([1, 1, 9])
    settings = ProducerSettings(parallel_chunks=3, read_ahead_bytes=100)
    plan = [ChunkPlace(LOTS, index, last=index == 2) for index in range(3)]
    rows = []
    async with asyncio.timeout(10), ReadAhead(source, IDS, plan, settings, None) as ahead:
        source.go[2].set()
        await asyncio.sleep(0.2)
        source.go[1].set()
        await asyncio.sleep(0.2)
        source.go[0].set()
        async for place, pieces in ahead.chunks():
            async for piece in pieces:
                rows += [place.index] * len(piece.rows)
            await asyncio.sleep(0.2)
    assert rows == [0, 1] + [2] * 9
