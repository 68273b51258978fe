"""Jobs written and watched without a worker or a gateway between."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaProducer

from broker import clients
from broker.admin import Admin
from broker.errors import TopicGone
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from joblog.states import StateView
from joblog.transactions import Transactor
from joblog.writer import LogWriter
from schemas import commands
from schemas.ids import ContainerIds
from schemas.jobs import CommandPlace, JobState, Status, decode_state, encode_state, new_state
from schemas.topics import Names, job_topic, new_job_id, partition_of, shared_topics

_TIMEOUT = 60.0


def request_for(ids: int, domains: Sequence[str]) -> commands.Request:
    """A submit of a new job."""
    now = time.time_ns() // 1_000_000
    return commands.Request(
        job_id=new_job_id(now, os.urandom(10)),
        domains=tuple(domains),
        cid_count=ids,
        duplicates_dropped=0,
        batch_size=5000,
        ttl_seconds=86_400,
        principal="127.0.0.1",
        request_hash="0" * 64,
        submitted_at=now,
    )


class Jobs:
    """Submits, states and logs of one deployment, through Kafka alone. An async context manager."""

    def __init__(self, broker: BrokerSettings) -> None:
        self.broker = broker
        self.names = Names(broker.prefix)
        self.reader = LogReader(broker, timeout=_TIMEOUT)
        self.admin = Admin(broker)

    async def __aenter__(self) -> Jobs:
        await self.reader.start()
        await self.admin.start()
        await self.admin.create_topics(
            shared_topics(self.names, self.broker.partitions, 1, 1, self.broker.command_retention)
        )
        self._producer = clients.producer(self.broker)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self.admin.close()
        await self.reader.stop()

    async def run(self, ids: ContainerIds, domains: Sequence[str]) -> tuple[JobState, float]:
        """Submits as a gateway does and waits for the terminal state; the state, and seconds from the one to the other."""
        request = request_for(len(ids), domains)
        partition = partition_of(request.job_id, self.broker.partitions)
        value = msgspec.json.encode({"container_ids": ids[:]})
        position = (await self.reader.offsets(self.names.jobs, partition)).end
        begun = time.perf_counter()
        await self._producer.send_and_wait(
            self.names.commands,
            value,
            key=request.job_id.encode(),
            partition=partition,
            headers=commands.submit_headers(request),
        )
        while True:
            fetched = await self.reader.fetch(
                self.names.jobs, partition, position, max_bytes=1 << 20, max_wait_ms=500
            )
            position = fetched.next_offset
            for batch in fetched.batches:
                for record in batch.records():
                    if record.key == request.job_id.encode() and record.value is not None:
                        state = decode_state(record.value)
                        if state.ended:
                            return state, time.perf_counter() - begun

    async def values(self, state: JobState) -> list[tuple[bytes, list[tuple[str, bytes]]]]:
        """Every message of a job's log with its headers."""
        found, position = [], 0
        while position < state.end_offset:
            fetched = await self.reader.fetch(state.topic, 0, position)
            for batch in fetched.batches:
                found += [(bytes(each.value or b""), list(each.headers.items())) for each in batch.records()]
            position = fetched.next_offset
        return found

    @asynccontextmanager
    async def new_log(self, ids: int, domains: Sequence[str]) -> AsyncIterator[LogWriter]:
        """The writer of a job that nobody else knows, its topic made and its id taken; the topic goes with the block."""
        request = request_for(ids, domains)
        await self.admin.create_topics([job_topic(self.names, request.job_id, 1, 1)])
        state = new_state(request, CommandPlace(0, 0), self.names.job(request.job_id))
        taken = await Transactor.take(
            self.broker, self.names.writer_id(request.job_id), timeout=_TIMEOUT, deadline=_TIMEOUT
        )
        partition = partition_of(request.job_id, self.broker.partitions)
        try:
            yield LogWriter(taken, self.names, partition, StateView(), state)
        finally:
            await taken.close()
            await self.remove(state)

    async def remove(self, state: JobState) -> None:
        """Deletes a job's topic."""
        try:
            await self.admin.delete_topics([state.topic])
        except TopicGone:
            return

    async def copy_plain(self, state: JobState) -> JobState:
        """A job that has the same log without compression, its state written too; answers that state."""
        request = msgspec.structs.replace(
            state.request, job_id=new_job_id(time.time_ns() // 1_000_000, os.urandom(10))
        )
        topic = self.names.job(request.job_id)
        await self.admin.create_topics([job_topic(self.names, request.job_id, 1, 1)])
        producer = AIOKafkaProducer(
            **clients.connection(self.broker, "bench-copy"),
            acks="all",
            compression_type=None,
            transactional_id=self.names.writer_id(request.job_id),
            max_request_size=clients.LARGEST_SEND,
            max_batch_size=1,
        )
        await producer.start()
        try:
            first, end = -1, 0
            async with producer.transaction():
                for value, headers in await self.values(state):
                    end = (await producer.send_and_wait(topic, value, partition=0, headers=headers)).offset
                    first = end if first < 0 else first
            plain = msgspec.structs.replace(
                state, request=request, topic=topic, first_offset=first, end_offset=end + 1
            )
            partition = partition_of(request.job_id, self.broker.partitions)
            async with producer.transaction():
                await producer.send_and_wait(
                    self.names.jobs, encode_state(plain), key=request.job_id.encode(), partition=partition
                )
        finally:
            await producer.stop()
        assert plain.status is Status.COMPLETE
        return plain
