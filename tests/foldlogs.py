"""The ``records`` lines of a job over the demo data, as a worker would write them, without Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from catalogue.loader import load_catalogue
from producers.batching import BatchCutter, RecordsMessage
from producers.chunks import chunk_count, chunk_of
from producers.encode import drop_null_containers, encode_records
from producers.sources.open import open_source
from producers.sources.settings import SourceSettings
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.ids import ContainerIds

Message = tuple[MessageHeaders, bytes]


async def log_messages(
    database: Path,
    ids: ContainerIds,
    domains: Sequence[str] = ("history", "materials"),
    *,
    batch_size: int = 5000,
) -> AsyncIterator[Message]:
    """The messages of each domain, ``domain_start`` to ``domain_end``; needs the source of a DuckDB file."""
    source = open_source(replace(SourceSettings(), duckdb_path=database))
    await source.open()
    try:
        for name in domains:
            domain = load_catalogue()[name]
            chunks = chunk_count(len(ids), domain.chunk_size)
            columns = [column.document() for column in await source.columns(domain)]
            start = messages.domain_start(name, total_chunks=chunks, columns=columns)
            yield MessageHeaders(messages.DOMAIN_START, name, next_chunk=0), start
            cutter = BatchCutter(
                name,
                max_records=batch_size,
                max_bytes=5 << 20,
                max_record_bytes=15 << 20,
                container_column=domain.container_column,
            )
            for chunk in range(chunks):
                wanted = chunk_of(ids, chunk, domain.chunk_size)
                async for rows in source.fetch_events_iter(wanted, domain, 2000):
                    found, _ = drop_null_containers(rows, domain.container_column)
                    for message in cutter.add(encode_records(found)):
                        yield _records(name, message)
            for message in cutter.flush():
                yield _records(name, message)
            end = messages.domain_end(
                name,
                total_records=cutter.next_record,
                total_batches=cutter.next_batch - 1,
                null_container_rows=0,
            )
            yield MessageHeaders(messages.DOMAIN_END, name), end
    finally:
        await source.close()


def _records(domain: str, message: RecordsMessage) -> Message:
    headers = MessageHeaders(messages.RECORDS, domain, message.batch, message.first, message.count, 1)
    return headers, message.value
