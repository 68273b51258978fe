"""A worker inside the test, its source, and a client that submits and reads as any Kafka client could."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from broker import clients
from broker.errors import Retriable, TopicGone
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from catalogue.domain import Domain
from catalogue.loader import load_catalogue
from producers.settings import ProducerSettings
from producers.sources.open import open_source
from producers.sources.protocol import Source
from producers.sources.settings import SourceSettings
from producers.worker import Worker
from schemas import commands
from schemas.jobs import JobState, decode_state
from schemas.messages import TERMINAL
from schemas.topics import Names, new_job_id, partition_of

QUICK = ProducerSettings(session_timeout=3.0, heartbeat=0.5, broker_deadline=8.0, drain_seconds=4.0)
"""A worker's settings for tests: it notices sooner that somebody is gone."""


@asynccontextmanager
async def running_worker(
    broker: BrokerSettings,
    data: Path | None = None,
    *,
    settings: ProducerSettings = QUICK,
    source: Source | None = None,
    catalogue: Mapping[str, Domain] | None = None,
) -> AsyncIterator[Worker]:
    """A worker in this process, drained at the end."""
    if source is None:
        assert data is not None
        source = open_source(replace(SourceSettings(), duckdb_path=data))
    worker = Worker(broker, settings, source, catalogue or load_catalogue(), {})
    await worker.start()
    try:
        yield worker
    finally:
        await worker.drain()


@dataclass(slots=True)
class JobClient:
    """Submits jobs and reads their logs through Kafka alone."""

    broker: BrokerSettings
    producer: Any = None
    reader: LogReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = LogReader(self.broker)

    async def __aenter__(self) -> JobClient:
        self.producer = clients.producer(self.broker)
        await self.producer.start()
        await self.reader.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.producer.stop()
        await self.reader.stop()

    @property
    def names(self) -> Names:
        return Names(self.broker.prefix)

    async def submit(
        self,
        ids: Sequence[str],
        domains: Sequence[str] = ("history", "materials"),
        *,
        job_id: str | None = None,
        **changes: Any,
    ) -> str:
        """Writes the submit as a gateway does; returns the job id."""
        job_id = job_id or new_job_id(int(time.time() * 1000), os.urandom(10))
        request = commands.Request(
            job_id=job_id,
            domains=tuple(domains),
            cid_count=len(ids),
            duplicates_dropped=0,
            batch_size=5000,
            ttl_seconds=3600,
            principal="127.0.0.1",
            request_hash="0" * 64,
            submitted_at=time.time_ns() // 1_000_000,
        )
        request = msgspec.structs.replace(request, **changes)
        value = msgspec.json.encode({"container_ids": list(ids)})
        await self._send(job_id, value, commands.submit_headers(request))
        return job_id

    async def command(self, job_id: str, kind: str, ttl_seconds: int = 0) -> None:
        """Writes a cancel, delete or set_ttl."""
        value = msgspec.json.encode({"ttl_seconds": ttl_seconds}) if ttl_seconds else b""
        await self._send(job_id, value, commands.command_headers(kind))

    async def _send(self, job_id: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        await self.producer.send_and_wait(
            self.names.commands,
            value,
            key=job_id.encode(),
            partition=partition_of(job_id, self.broker.partitions),
            headers=headers,
        )

    async def lines(self, job_id: str, seconds: float = 60.0) -> list[bytes]:
        """The whole log of a job, read committed, once its terminal message stands there."""
        found: list[bytes] = []
        offset = 0
        async with asyncio.timeout(seconds):
            while True:
                try:
                    fetched = await self.reader.fetch(self.names.job(job_id), 0, offset)
                except (TopicGone, Retriable):
                    await asyncio.sleep(0.02)
                    continue
                for batch in fetched.batches:
                    for record in batch.records():
                        assert record.value is not None
                        found.append(bytes(record.value))
                        if record.headers["type"].decode() in TERMINAL:
                            return found
                if fetched.next_offset == offset:
                    await asyncio.sleep(0.02)
                offset = fetched.next_offset

    async def has_open(self, topic: str) -> bool:
        """Whether records stand in the topic's first partition that no committed reader gets to."""
        return (await self.reader.offsets(topic, 0)).has_open

    async def states(self, job_id: str) -> list[JobState]:
        """Every state of the job so far, in order (None for a tombstone is left out)."""
        partition = partition_of(job_id, self.broker.partitions)
        found: list[JobState] = []
        offset = 0
        while True:
            fetched = await self.reader.fetch(self.names.jobs, partition, offset, max_bytes=1 << 20)
            for batch in fetched.batches:
                found += [
                    decode_state(record.value)
                    for record in batch.records()
                    if record.key == job_id.encode() and record.value is not None
                ]
            if fetched.next_offset == offset:
                return found
            offset = fetched.next_offset

    async def state_when(
        self, job_id: str, accept: Callable[[JobState], bool], seconds: float = 30.0
    ) -> JobState:
        """The newest state once it is accepted."""
        async with asyncio.timeout(seconds):
            while True:
                states = await self.states(job_id)
                if states and accept(states[-1]):
                    return states[-1]
                await asyncio.sleep(0.05)


def records_of(lines: Sequence[bytes], domain: str) -> list[dict[str, Any]]:
    """The records of one domain in a log."""
    found: list[dict[str, Any]] = []
    for line in lines:
        message = msgspec.json.decode(line)
        if message["type"] == "records" and message["domain"] == domain:
            found += message["data"]
    return found


def kinds_of(lines: Sequence[bytes]) -> list[str]:
    """The message types of a log, in order."""
    return [msgspec.json.decode(line)["type"] for line in lines]


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Waits until the check holds."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.05)
