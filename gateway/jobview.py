"""A gateway's view of the jobs: follows ``trace.jobs`` and ``trace.commands`` (design: "Submit", "Who writes what").

How it begins, and why that is complete. The workers' group commits its offset of ``trace.commands`` in the same transaction as
the ``queued`` states of what stands before it. So the committed offsets are read first; then ``trace.jobs`` is read from its
beginning to its end, which holds a state for every submit before them; then the commands from those offsets on. What is in
neither does not exist. The group never commits beyond a cancel, delete or TTL that is not finished, so these are seen again.

Rules:
1. Ready means: both topics were read to the ends they had after the start. Until then no job is "unknown".
2. Before a job is called unknown, its partitions of both topics are read to their ends as of the question.
3. When following ends for good, everything is read anew; readers keep the former table until the new one is complete.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from broker import clients
from broker.admin import Admin
from broker.errors import BrokerError, Refused, Retriable, WrongPartitions, translated
from broker.fetch import Record
from broker.settings import BrokerSettings
from gateway.jobtable import JobTable
from joblog.follow import Follower
from schemas.jobs import CommandPlace, JobState
from schemas.problems import NotReady, UnknownJob
from schemas.topics import Names, is_job_id, partition_of, shared_topics

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_STILL_READING = 10.0
_LOST_EVERY = 60.0
_COORDINATOR_PAUSE = 0.05


class JobView:
    """Runs as one task (:meth:`run`) and answers from memory. ``deadline`` in seconds bounds a read to the end;
    ``check_kafka`` raises when Kafka is known to be away, so that nobody waits that long for nothing."""

    def __init__(
        self, broker: BrokerSettings, deadline: float, check_kafka: Callable[[], None] = lambda: None
    ) -> None:
        self._broker = broker
        self._deadline = deadline
        self._check_kafka = check_kafka
        self._names = Names(broker.prefix)
        self._follower: Follower | None = None
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._behind: dict[tuple[str, int], int] = {}
        self.table = JobTable(self._names, broker.command_retention)
        self.ready = False
        self.trouble = "The gateway has just started."

    @property
    def lag(self) -> int:
        """Records of both topics that are known to stand there and are not read yet."""
        return sum(self._behind.values())

    async def run(self) -> None:
        """Follows until cancelled; whatever goes wrong is logged once a try and tried again."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._follow()
            except BrokerError as error:
                self.trouble = str(error)
                log.warning("can't follow the jobs: %s; trying again in %.1f s", error, pause)
            except Exception:
                log.exception("following the jobs ended; reading them anew in %.1f s", pause)
            pause = _FIRST_PAUSE if self.ready else min(pause * 2, _LONGEST_PAUSE)
            self.ready = False
            await asyncio.sleep(pause)

    async def _follow(self) -> None:
        await self._prepare_topics()
        begin = await committed_offsets(self._broker, self._names, self._deadline)
        table = JobTable(self._names, self._broker.command_retention)

        async def deliver(topic: str, number: int, records: list[Record], behind: int, high: int) -> None:
            self._take_in(table, topic, number, records)
            self._behind[(topic, number)] = max(0, high - behind)

        follower = Follower(self._broker, deliver, client_id="tracestream-gateway-jobs")
        await follower.start()
        try:
            for number in range(self._broker.partitions):
                follower.add(self._names.jobs, number, 0)
                follower.add(self._names.commands, number, begin.get(number, 0))
            await self._read_to_ends(follower)
            self.table, self._follower, self.ready = table, follower, True
            log.info("following %d jobs", table.alive)
            self._wake_all()
            await self._until_it_ends(follower, table)
        finally:
            self._follower = None
            await follower.stop()

    async def _prepare_topics(self) -> None:
        """Creates the shared topics where this gateway is the first to come."""
        broker = self._broker
        specs = shared_topics(
            self._names, broker.partitions, broker.replication, broker.min_insync, broker.command_retention
        )
        async with Admin(broker, client_id="tracestream-gateway-admin", deadline=self._deadline) as admin:
            try:
                await admin.create_topics(specs)
            except WrongPartitions:
                raise
            except Refused as error:
                log.warning("can't create the shared topics, so they must exist: %s", error)

    async def _read_to_ends(self, follower: Follower) -> None:
        """Returns when both topics are read to the ends they have now, however long that takes."""
        for topic in (self._names.jobs, self._names.commands):
            for number in range(self._broker.partitions):
                while True:
                    try:
                        await follower.caught_up(topic, number, _STILL_READING)
                        break
                    except TimeoutError:
                        self.trouble = f"{topic}/{number} is not yet read to its end."
                        log.info("still reading %s/%d", topic, number)

    async def _until_it_ends(self, follower: Follower, table: JobTable) -> None:
        ended = asyncio.create_task(follower.join())
        try:
            while not ended.done():
                table.forget_lost(int(time.time() * 1000))
                await asyncio.wait({ended}, timeout=_LOST_EVERY)
            await ended
        finally:
            ended.cancel()

    def _take_in(self, table: JobTable, topic: str, number: int, records: list[Record]) -> None:
        oldest = (time.time() - self._broker.command_retention) * 1000
        for record in records:
            if record.key is None:
                continue
            job_id = record.key.decode("ascii", "replace")
            if topic == self._names.commands:
                place = CommandPlace(number, record.offset)
                changed = record.timestamp > oldest and table.put_command(
                    job_id, place, record.headers, record.value
                )
            else:
                try:
                    value = None if record.value is None else bytes(record.value)
                    changed = table.put_state(job_id, record.offset, value)
                except ValueError as error:
                    log.warning("%s/%d offset %d is no state: %s", topic, number, record.offset, error)
                    continue
            if changed and table is self.table:
                self._wake(job_id)

    def put_own(
        self, job_id: str, place: CommandPlace, headers: Mapping[str, bytes], value: bytes | None
    ) -> None:
        """A command of this gateway that Kafka has acknowledged: shown at once, not only when it is read back."""
        if self.table.put_command(job_id, place, headers, value):
            self._wake(job_id)

    def state(self, job_id: str) -> JobState | None:
        """The job as it is known now."""
        return self.table.state(job_id)

    def check_ready(self) -> None:
        """Raises NotReady until the jobs were read to their ends."""
        if not self.ready:
            raise NotReady(f"The gateway is reading the jobs: {self.trouble} Try again soon.", retry_after=2)

    async def find(self, job_id: str) -> JobState:
        """The job, as :meth:`state`. Raises UnknownJob once both topics were read to their ends as of the call, NotReady,
        BrokerUnavailable, or Retriable when that takes too long."""
        state = self.state(job_id)
        if state is None and is_job_id(job_id):
            self.check_ready()
            self._check_kafka()
            await self.read_to_end(job_id)
            state = self.state(job_id)
        if state is None:
            raise UnknownJob(f"There is no job {job_id[:64]!r}; check the id, or submit the query again.")
        return state

    async def read_to_end(self, job_id: str) -> None:
        """Returns when the job's partitions are read to the ends they had at the call. Raises Retriable or NotReady."""
        follower, number = self._follower, partition_of(job_id, self._broker.partitions)
        if follower is None:
            self.check_ready()
            raise Retriable("The jobs are being read anew.")
        try:
            await asyncio.gather(
                *(
                    follower.caught_up(topic, number, self._deadline)
                    for topic in (self._names.jobs, self._names.commands)
                )
            )
        except (TimeoutError, KeyError) as error:
            raise Retriable("The jobs could not be read to their end in time.") from error

    async def wait_change(self, job_id: str, after_version: int, timeout: float) -> JobState | None:
        """The job once its version is above ``after_version`` or it is gone (None); as it is known after ``timeout`` seconds."""
        until = asyncio.get_running_loop().time() + timeout
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while (state := self.state(job_id)) is not None and state.version <= after_version:
                    await self._change(job_id)
                return state
        return self.state(job_id)

    async def _change(self, job_id: str) -> None:
        """Returns when anything about the job has changed."""
        changed = asyncio.get_running_loop().create_future()
        self._waiting[job_id].add(changed)
        try:
            await changed
        finally:
            waiting = self._waiting[job_id]
            waiting.discard(changed)
            if not waiting:
                del self._waiting[job_id]

    def _wake(self, job_id: str) -> None:
        for changed in self._waiting.get(job_id, ()):
            if not changed.done():
                changed.set_result(None)

    def _wake_all(self) -> None:
        for job_id in list(self._waiting):
            self._wake(job_id)


async def committed_offsets(broker: BrokerSettings, names: Names, deadline: float) -> dict[int, int]:
    """The workers' committed offset of each partition of ``trace.commands``; none where nothing was admitted yet.

    A new cluster has no coordinator of groups for a moment: that is waited for. Raises Retriable after ``deadline`` seconds.
    """
    admin = AIOKafkaAdminClient(**clients.connection(broker, "tracestream-gateway-group", deadline))
    with translated():
        try:
            async with asyncio.timeout(deadline):
                await admin.start()
                while True:
                    try:
                        found = await admin.list_consumer_group_offsets(names.workers)
                        break
                    except GroupCoordinatorNotAvailableError:
                        await asyncio.sleep(_COORDINATOR_PAUSE)
        finally:
            await admin.close()
    return {
        place.partition: max(0, committed.offset)
        for place, committed in found.items()
        if place.topic == names.commands
    }
