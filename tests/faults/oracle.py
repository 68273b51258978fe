"""What a plain Kafka consumer that reads committed data sees: the logs of the jobs, and their states."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from broker import clients
from broker.admin import Admin
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from schemas.headers import decode
from schemas.jobs import JobState, decode_state
from schemas.topics import Names
from tests.faults.compare import Message

_DEADLINE = 60.0


class Oracle:
    """An async context manager. ``states`` has every state of each job since its start, in the order of their offsets."""

    def __init__(self, broker: BrokerSettings) -> None:
        self._broker = broker
        self._names = Names(broker.prefix)
        self._following: asyncio.Task[None] | None = None
        self.states: dict[str, list[JobState]] = defaultdict(list)

    async def __aenter__(self) -> Oracle:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._following is not None
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)

    def state(self, job_id: str) -> JobState | None:
        """The newest state of a job."""
        states = self.states.get(job_id)
        return states[-1] if states else None

    def check(self) -> None:
        """Raises what ended the following of the states."""
        if self._following is not None and self._following.done():
            self._following.result()

    async def log(self, job_id: str) -> list[Message]:
        """The whole log of a job as of now."""
        place = TopicPartition(self._names.job(job_id), 0)
        consumer = clients.consumer(self._broker)
        await consumer.start()
        try:
            async with asyncio.timeout(_DEADLINE):
                consumer.assign([place])
                consumer.seek(place, 0)
                end = (await consumer.end_offsets([place]))[place]
                found: list[Message] = []
                while await consumer.position(place) < end:
                    records = (await consumer.getmany(place, timeout_ms=200)).get(place, [])
                    found += (Message(r.offset, decode(dict(r.headers)), r.value) for r in records)
                return found
        finally:
            await consumer.stop()

    async def is_stable(self, topic: str, partition: int = 0) -> bool:
        """Whether no transaction is open there."""
        reader = LogReader(self._broker)
        await reader.start()
        try:
            return not (await reader.offsets(topic, partition)).has_open
        finally:
            await reader.stop()

    async def topics(self) -> set[str]:
        """The ids of the jobs that have a topic."""
        async with Admin(self._broker) as admin:
            return {job_id for topic in await admin.list_topics() if (job_id := self._names.job_id(topic))}

    async def _follow(self) -> None:
        positions = {
            TopicPartition(self._names.jobs, partition): 0 for partition in range(self._broker.partitions)
        }
        while True:
            # A consumer that loses its only broker may need minutes to come back: a new one needs none.
            with suppress(KafkaError, OSError, TimeoutError):
                await self._follow_from(positions)
            await asyncio.sleep(0.2)

    async def _follow_from(self, positions: dict[TopicPartition, int]) -> None:
        consumer: Any = clients.consumer(self._broker, fetch_max_wait=0.1)
        await consumer.start()
        try:
            consumer.assign(list(positions))
            for place, offset in positions.items():
                consumer.seek(place, offset)
            while True:
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        positions[place] = record.offset + 1
                        if record.value is not None:
                            self.states[record.key.decode("ascii")].append(decode_state(record.value))
        finally:
            await consumer.stop()
