"""The demo data held in memory at each stage of its way: batches as the source gives them, messages as the log takes them.

What a worker does between its source and its log, one stage at a time: :func:`read_all`, :func:`encode_all`,
:func:`cut_transactions`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from catalogue.domain import Domain
from producers.batching import BatchCutter, RecordsMessage
from producers.chunks import chunk_count, chunk_of
from producers.encode import EncodedRows, drop_null_containers, encode_records
from producers.settings import ProducerSettings
from producers.sources.protocol import Source
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.ids import ContainerIds

Batches = list[tuple[Domain, int, list[pa.RecordBatch]]]
"""The batches of each chunk: domain, index of the chunk, batches."""

Message = tuple[MessageHeaders, bytes]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: the reference query unless it is a smaller one."""

    ids: ContainerIds
    domains: Sequence[Domain]

    def chunks(self) -> list[tuple[Domain, int]]:
        return [
            (domain, index)
            for domain in self.domains
            for index in range(chunk_count(len(self.ids), domain.chunk_size))
        ]


async def read_all(
    source: Source, query: Query, settings: ProducerSettings, *, keep: bool = False
) -> Batches:
    """Reads every chunk, as many at a time as a worker does for one job; the batches in order if they are to be kept."""
    plan = query.chunks()
    kept: Batches = [(domain, index, []) for domain, index in plan]
    waiting = iter(range(len(plan)))

    async def reader() -> None:
        for number in waiting:
            domain, index = plan[number]
            ids = chunk_of(query.ids, index, domain.chunk_size)
            async for batch in source.fetch_events_iter(ids, domain, settings.fetch_rows):
                if keep:
                    kept[number][2].append(batch)

    async with asyncio.TaskGroup() as group:
        for _ in range(settings.parallel_chunks):
            group.create_task(reader())
    return kept if keep else []


def encode_all(batches: Batches) -> int:
    """Encodes every batch and keeps nothing; answers the bytes."""
    return sum(rows.size for _, _, rows in _encoded(batches))


def cut_transactions(batches: Batches, settings: ProducerSettings) -> list[list[Message]]:
    """The messages of every transaction: the first holds the first chunk, the others end at the first chunk border behind
    ``transaction_bytes``."""
    transactions: list[list[Message]] = [[]]
    size = 0
    cutter: BatchCutter | None = None
    last: tuple[str, int] | None = None
    for domain, index, rows in _encoded(batches):
        border = last is not None and last != (domain.name, index)
        ended = last is not None and last[0] != domain.name
        if cutter is not None and border:
            full = size >= settings.transaction_bytes or len(transactions) == 1
            if full or ended:
                transactions[-1] += [_message(last[0] if last else "", each) for each in cutter.flush()]
            if full:
                transactions.append([])
                size = 0
        if cutter is None or ended:
            cutter = _cutter(domain, settings)
        for message in cutter.add(rows):
            transactions[-1].append(_message(domain.name, message))
        size += rows.size
        last = (domain.name, index)
    if cutter is not None and last is not None:
        transactions[-1] += [_message(last[0], each) for each in cutter.flush()]
    return transactions


def _encoded(batches: Batches) -> Iterator[tuple[Domain, int, EncodedRows]]:
    for domain, index, found in batches:
        for batch in found:
            kept, _ = drop_null_containers(batch, domain.container_column)
            yield domain, index, encode_records(kept)


def _cutter(domain: Domain, settings: ProducerSettings) -> BatchCutter:
    return BatchCutter(
        domain.name,
        max_records=settings.batch_size,
        max_bytes=settings.batch_bytes,
        max_record_bytes=settings.record_bytes,
        container_column=domain.container_column,
    )


def _message(domain: str, cut: RecordsMessage) -> Message:
    headers = MessageHeaders(messages.RECORDS, domain, cut.batch, cut.first, cut.count, 0)
    return headers, cut.value
