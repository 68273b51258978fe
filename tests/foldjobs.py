"""Jobs whose logs hold the demo data, written as slowly as a test wants, and the results that processors publish for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from broker import clients
from broker.admin import Admin
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from schemas import messages
from schemas.commands import submit_headers
from schemas.headers import MessageHeaders
from schemas.ids import ContainerIds
from schemas.jobs import CommandPlace, Status
from schemas.results import Result, decode_result
from schemas.topics import Names, partition_of
from tests.foldlogs import Message, log_messages
from tests.joblogs import JobLog


class FoldJob(JobLog):
    """A job of real container IDs, its submit included."""

    def message(self, message: Message) -> None:
        """Adds a finished message to the log."""
        headers, line = message
        self._add(line, headers)
        if headers.domain is not None:
            done = self._progress[headers.domain]
            ended = headers.type == messages.DOMAIN_END
            self._note(headers.domain, started=True, ended=ended, bytes=done.bytes + len(line))

    async def write(self, messages_left: Sequence[Message], status: Status | None = None) -> None:
        """One transaction with these messages."""
        for message in messages_left:
            self.message(message)
        await self.commit(status)


async def create_job(
    broker: BrokerSettings,
    admin: Admin,
    ids: Sequence[str],
    *,
    domains: Sequence[str] = ("history", "materials"),
    aggregation: str = "msd",
    partition: int | None = None,
) -> FoldJob:
    """A job with its submit and its ``queued`` state, in ``partition`` where one is given."""
    while True:
        job = await FoldJob.create(broker, admin, domains=domains, aggregation=aggregation)
        assert isinstance(job, FoldJob)
        own = partition_of(job.job_id, broker.partitions)
        if partition in (None, own):
            break
        await job.close()
    producer = clients.producer(broker)
    await producer.start()
    sent = await producer.send_and_wait(
        Names(broker.prefix).commands,
        msgspec.json.encode({"container_ids": list(ids)}),
        key=job.job_id.encode(),
        partition=own,
        headers=submit_headers(job.state.request),
    )
    await producer.stop()
    job.state = msgspec.structs.replace(job.state, command=CommandPlace(own, sent.offset))
    job.meta()
    return job


async def demo_messages(database: Path, ids: Sequence[str], domains: Sequence[str]) -> list[Message]:
    """All messages between ``meta`` and the terminal one, in small batches."""
    compact = ContainerIds.from_iterable(ids)
    return [message async for message in log_messages(database, compact, domains, batch_size=200)]


def count_of(found: Sequence[Message]) -> int:
    """The records of these messages."""
    return sum(headers.count or 0 for headers, _ in found)


def header(kind: str, domain: str | None = None) -> MessageHeaders:
    return MessageHeaders(kind, domain)


@dataclass(slots=True)
class ResultLog:
    """``trace.results`` as any reader sees it."""

    broker: BrokerSettings
    reader: LogReader

    async def all_of(self, job_id: str) -> list[Result]:
        """Every result ever published for a job, in order."""
        topic, partition = Names(self.broker.prefix).results, partition_of(job_id, self.broker.partitions)
        found: list[Result] = []
        offset = 0
        while True:
            fetched = await self.reader.fetch(topic, partition, offset)
            for batch in fetched.batches:
                found += (
                    decode_result(record.value)
                    for record in batch.records()
                    if record.key == job_id.encode() and record.value is not None
                )
            if fetched.next_offset == offset:
                return found
            offset = fetched.next_offset

    async def wait(self, job_id: str, seconds: float = 60.0) -> Result:
        """The first result of a job, once it is there."""
        async with asyncio.timeout(seconds):
            while not (found := await self.all_of(job_id)):
                await asyncio.sleep(0.05)
        return found[0]


@asynccontextmanager
async def result_log(broker: BrokerSettings) -> AsyncIterator[ResultLog]:
    reader = LogReader(broker)
    await reader.start()
    try:
        yield ResultLog(broker, reader)
    finally:
        await reader.stop()
