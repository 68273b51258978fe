"""One way of reading chunks from Oracle, in a process of its own so that its processor time is its own.

``python -m bench.oracle_reader WAY`` takes the settings from the environment and the container IDs, one a line, from standard
input; it prints rows, bytes of JSON and processor seconds as JSON. The ways:

- ``plain``: what one would write first: ``cursor.fetchmany``, a dict a row, ``json.dumps``
- ``fetchmany``: the same without dicts and JSON
- ``frames``: the driver's data frames, nothing done with them
- ``arrow``: what the source gives the worker: frames asked for by type, brought into their final form
- ``ours``: up to Kafka: the source, the encoder, the messages cut
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, closing

import oracledb
import pyarrow as pa

from bench.naive import plain as jsonable
from catalogue.domain import Domain
from catalogue.loader import load_catalogue
from producers.batching import BatchCutter
from producers.chunks import chunk_count, chunk_of
from producers.encode import drop_null_containers, encode_records
from producers.settings import ProducerSettings
from producers.sources.oracle import OracleSource
from producers.sources.oracle_connect import parameters
from producers.sources.oracle_query import query_of
from producers.sources.settings import SourceSettings
from schemas.ids import ContainerIds
from tracestream.reference import DOMAINS
from tracestream.settings import load


class Reading:
    """All chunks of the reference query over these IDs."""

    def __init__(self, ids: ContainerIds) -> None:
        self.settings = load(SourceSettings, os.environ)
        self.producer = load(ProducerSettings, os.environ)
        self.rows = self.bytes = 0
        self._ids = ids
        self._domains = [load_catalogue()[name] for name in DOMAINS]

    def chunks(self) -> Iterator[tuple[Domain, list[str]]]:
        for domain in self._domains:
            for index in range(chunk_count(len(self._ids), domain.chunk_size)):
                yield domain, chunk_of(self._ids, index, domain.chunk_size)

    def plain(self, *, dump: bool = True) -> None:
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.arraysize = cursor.prefetchrows = self.producer.fetch_rows
            for domain, ids in self.chunks():
                query = query_of(domain, (), ids, None, 0)
                cursor.execute(query.text, dict(zip(query.names, query.values, strict=True)))
                names = [column.name for column in cursor.description or ()]
                while rows := cursor.fetchmany():
                    self.rows += len(rows)
                    if dump:
                        records = [dict(zip(names, row, strict=True)) for row in rows]
                        self.bytes += len(json.dumps({"data": records}, default=jsonable).encode())

    def fetchmany(self) -> None:
        self.plain(dump=False)

    def frames(self) -> None:
        with self._connected() as connection:
            for domain, ids in self.chunks():
                query = query_of(domain, (), ids, None, 0)
                binds = dict(zip(query.names, query.values, strict=True))
                size = self.producer.fetch_rows
                for frame in connection.fetch_df_batches(query.text, binds, size=size, fetch_decimals=True):
                    self.rows += frame.num_rows()

    def arrow(self) -> None:
        asyncio.run(self._through_the_source(lambda _domain, batch: batch.nbytes and 0))

    def ours(self) -> None:
        cutters: dict[str, BatchCutter] = {}

        def cut(domain: Domain, batch: pa.RecordBatch) -> int:
            kept, _ = drop_null_containers(batch, domain.container_column)
            cutter = cutters.setdefault(domain.name, self._cutter(domain))
            return sum(len(message.value) for message in cutter.add(encode_records(kept)))

        asyncio.run(self._through_the_source(cut))
        self.bytes += sum(len(message.value) for cutter in cutters.values() for message in cutter.flush())

    async def _through_the_source(self, take: Callable[[Domain, pa.RecordBatch], int]) -> None:
        source = OracleSource(self.settings)
        await source.open()
        try:
            for domain, ids in self.chunks():
                stream = source.fetch_events_iter(ids, domain, self.producer.fetch_rows)
                async with aclosing(stream) as batches:
                    async for batch in batches:
                        self.rows += batch.num_rows
                        self.bytes += take(domain, batch)
        finally:
            await source.close()

    def _cutter(self, domain: Domain) -> BatchCutter:
        return BatchCutter(
            domain.name,
            max_records=self.producer.batch_size,
            max_bytes=self.producer.batch_bytes,
            max_record_bytes=self.producer.record_bytes,
            container_column=domain.container_column,
        )

    def _connected(self) -> closing[oracledb.Connection]:
        return closing(oracledb.connect(**parameters(self.settings)))


WAYS: Sequence[str] = ("plain", "fetchmany", "frames", "arrow", "ours")


def main() -> None:
    reading = Reading(ContainerIds.from_iterable(sys.stdin.read().split()))
    before, begun = time.process_time(), time.perf_counter()
    getattr(reading, sys.argv[1])()
    found = {
        "rows": reading.rows,
        "bytes": reading.bytes,
        "cpu": time.process_time() - before,
        "seconds": time.perf_counter() - begun,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
