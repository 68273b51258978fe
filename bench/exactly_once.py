"""What exactly-once costs: the same messages written in transactions, and by an idempotent producer without any.

Both sides hold the messages in memory, compress each in a thread (:mod:`broker.prepared`) and hand it over when the one before has
gone out. ``transactions`` is the worker's LogWriter: transactions of the worker's size, the state as the last write of each,
every send awaited before the commit. ``idempotent`` sends the messages alone, one behind the other, and awaits them at the end:
no transactions, no states, nothing that says how far it came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aiokafka import AIOKafkaProducer

from bench.figures import Figure, ratio
from bench.joblogs import Jobs
from bench.plant import Message, Query, cut_transactions, read_all
from bench.rounds import Measure, Rounds, interleaved
from broker import clients
from broker.prepared import PreparedBatch
from broker.settings import BrokerSettings
from producers.settings import ProducerSettings
from producers.sources.open import open_source
from producers.sources.settings import SourceSettings
from schemas.jobs import Status

GROUP = "exactly-once"
AT_LEAST = 0.85
"""What is left of the throughput at least."""


class ExactlyOnceBench:
    """``transactions`` are the messages of the query as the worker would write them; ``jobs`` is a deployment of its own."""

    def __init__(self, jobs: Jobs, query: Query, transactions: list[list[Message]]) -> None:
        self._jobs = jobs
        self._ids = len(query.ids)
        self._domains = [domain.name for domain in query.domains]
        self._transactions = transactions
        self._megabytes = sum(len(value) for each in transactions for _, value in each) / 1e6

    def measures(self) -> dict[str, Measure]:
        return {"transactions": self._transactional, "idempotent": self._idempotent}

    async def _transactional(self) -> dict[str, float]:
        async with self._jobs.new_log(self._ids, self._domains) as writer:
            begun = time.perf_counter()
            for transaction in self._transactions:
                for headers, value in transaction:
                    await writer.append(value, headers)
                await writer.commit(status=Status.RUNNING)
            return self._rate(begun)

    async def _idempotent(self) -> dict[str, float]:
        producer = AIOKafkaProducer(
            **clients.connection(self._jobs.broker, "bench-idempotent"),
            enable_idempotence=True,
            acks="all",
            max_request_size=clients.LARGEST_SEND,
            max_batch_size=1,
        )
        async with self._jobs.new_log(self._ids, self._domains) as log, producer:
            topic, sends = log.state.topic, []
            begun = time.perf_counter()
            for transaction in self._transactions:
                for headers, value in transaction:
                    batch = await asyncio.to_thread(
                        PreparedBatch.of,
                        None,
                        value,
                        headers.encode(),
                        time.time_ns() // 1_000_000,
                        transactional=False,
                    )
                    sends.append(await producer.send_batch(batch, topic, partition=0))
            await asyncio.gather(*sends)
            return self._rate(begun)

    def _rate(self, begun: float) -> dict[str, float]:
        return {"MB/s": self._megabytes / (time.perf_counter() - begun)}


async def measure(
    broker: BrokerSettings, database: Path, query: Query, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    """Both sides in turns, and what transactions leave of the throughput."""
    settings = ProducerSettings()
    source = open_source(replace(SourceSettings(), duckdb_path=database))
    await source.open()
    try:
        batches = await read_all(source, query, settings, keep=True)
    finally:
        await source.close()
    transactions = await asyncio.to_thread(cut_transactions, batches, settings)
    del batches
    tell(f"{sum(map(len, transactions))} messages in {len(transactions)} transactions")
    own = BrokerSettings(bootstrap=broker.bootstrap, prefix="bench-once.")
    async with Jobs(own) as jobs:
        bench = ExactlyOnceBench(jobs, query, transactions)
        return figures(await interleaved(bench.measures(), rounds, tell))


def figures(found: Rounds) -> list[Figure]:
    """The rates, and the one by the other."""
    inside, alone = found["transactions.MB/s"], found["idempotent.MB/s"]
    return [
        Figure(GROUP, "Kafka write in transactions, with states", "MB/s", tuple(inside)),
        Figure(GROUP, "Kafka write of an idempotent producer alone", "MB/s", tuple(alone)),
        ratio(GROUP, "in transactions / idempotent alone", inside, alone, at_least=AT_LEAST),
    ]
