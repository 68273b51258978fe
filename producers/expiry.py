"""Jobs whose time has come: expired, their topics removed, and weeks later their tombstones (design: "Expiry").

Only the owner of a partition expires its jobs. First the state ``expired`` is written, then the topic goes. The tombstones of
state and result come when the commands' retention has passed since ``expired`` was written, so that no older command can
bring the job
back. The sweep removes topics that belong to no job; it lists topics first and reads the states to their end afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from broker.errors import BrokerError, TopicGone
from joblog.protocol import is_buried, is_orphan
from joblog.writer import now_ms
from producers.partition import Partition
from producers.services import Services
from schemas.jobs import Status
from schemas.topics import partition_of

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


class Expiry:
    """Looks every second for jobs whose life is over, and every hour for topics without a job."""

    def __init__(
        self,
        services: Services,
        partitions: Mapping[int, Partition],
        is_ready: Callable[[int], bool],
    ) -> None:
        self._services = services
        self._partitions = partitions
        self._is_ready = is_ready

    async def run(self) -> None:
        """Runs until cancelled; trouble with Kafka is logged and tried again at the next round."""
        clock = asyncio.get_running_loop().time
        next_sweep = next_burial = clock() + _LOOK_SECONDS
        retention = self._services.broker.command_retention
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self._expire()
                if clock() >= next_burial:
                    await self._bury()
                    next_burial = clock() + min(600.0, retention / 4)
                if clock() >= next_sweep and self._owns_what_is_read():
                    await self._sweep()
                    next_sweep = clock() + self._services.settings.sweep_seconds
            except BrokerError as error:
                log.warning("expiry: %s; tried again", error)

    def _owns_what_is_read(self) -> bool:
        """Whether there is a partition, and every one has been taken over: the sweep at the start waits for it."""
        return bool(self._partitions) and all(map(self._is_ready, self._partitions))

    def _expire(self) -> None:
        for number, job_id in self._services.view.expired_by(now_ms()):
            partition = self._partitions.get(number)
            if partition is not None:
                partition.start(job_id)

    async def _bury(self) -> None:
        """Tombstones for the jobs that expired longer ago than commands are kept."""
        retention = self._services.broker.command_retention * 1000
        for number in filter(self._is_ready, list(self._partitions)):
            for stored, state in list(self._services.view.states(number)):
                if is_buried(state, stored.written_at, now_ms(), retention):
                    await self._write_tombstones(number, state.job_id)

    async def _write_tombstones(self, number: int, job_id: str) -> None:
        services, names = self._services, self._services.names
        async with services.taken(job_id) as taken:
            await services.caught_up(names.jobs, number)
            state = services.view.state(number, job_id)
            if state is None or state.status is not Status.EXPIRED:
                return
            await services.admin.delete_topics([state.topic])
            key = job_id.encode("ascii")
            async with taken.transaction():
                await taken.send(names.results, None, partition=number, key=key)
                await taken.send(names.jobs, None, partition=number, key=key)
                offsets = await taken.settle()
            services.view.put(number, job_id, offsets[-1], now_ms(), None, own=True)

    async def _sweep(self) -> None:
        """Removes old topics of this deployment that belong to no job of a partition that this worker owns and has read."""
        services, names = self._services, self._services.names
        owned = [number for number in self._partitions if self._is_ready(number)]
        listed = await services.admin.list_topics()
        for number in owned:
            await services.caught_up(names.jobs, number)
        for topic in listed:
            job_id = names.job_id(topic)
            if job_id is None:
                continue
            number = partition_of(job_id, services.broker.partitions)
            if number not in owned:
                continue
            self._remove_again(number, job_id)
            if self._has_no_job(number, job_id) and await self._is_old(topic):
                await self._remove_orphan(number, job_id)

    def _remove_again(self, number: int, job_id: str) -> None:
        """The topic of an expired job stands again when one who owned the partition before made it ahead of an admission."""
        state, partition = self._services.view.state(number, job_id), self._partitions.get(number)
        if state is not None and state.status is Status.EXPIRED and partition is not None:
            partition.start(job_id)

    async def _remove_orphan(self, number: int, job_id: str) -> None:
        """Fence first, then read, then remove: who admits the job just now elsewhere, because the partition is no longer
        ours, finds itself fenced, and makes the topic anew when it takes the job's id again."""
        services, partition = self._services, self._partitions.get(number)
        if partition is None or not self._has_no_job(number, job_id):
            return
        topic = services.names.job(job_id)
        swept = partition.sweeping[job_id] = asyncio.Event()
        try:
            async with services.taken(job_id):
                await services.caught_up(services.names.jobs, number)
                if self._has_no_job(number, job_id):
                    log.info("removing %s: it belongs to no job", topic)
                    await services.admin.delete_topics([topic])
        finally:
            del partition.sweeping[job_id]
            swept.set()

    def _has_no_job(self, number: int, job_id: str) -> bool:
        partition = self._partitions.get(number)
        if partition is None or not self._is_ready(number):
            return False
        return not (self._services.view.knows(number, job_id) or partition.is_admitting(job_id))

    async def _is_old(self, topic: str) -> bool:
        """Whether the topic had no record for an hour; an empty one counts as old."""
        reader = self._services.reader
        try:
            offsets = await reader.offsets(topic, 0)
            # The last offsets may be those of transaction markers.
            begin = max(offsets.start, offsets.end - 8)
            fetched = await reader.fetch(topic, 0, begin, committed=False, max_bytes=1 << 20)
        except TopicGone:
            return False
        newest = max((r.timestamp for batch in fetched.batches for r in batch.records()), default=0)
        return is_orphan(newest, now_ms(), self._services.settings.orphan_age * 1000)
