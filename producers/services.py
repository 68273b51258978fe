"""What the jobs of one worker share: connections, the view, the slots, and who owns what. Composed in ``producers.worker``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from broker.admin import Admin
from broker.errors import Retriable
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from catalogue.domain import Domain
from joblog.follow import Follower
from joblog.states import StateView
from joblog.transactions import Transactor
from producers.chunks import is_small
from producers.schedule import Schedule, Waiting
from producers.settings import ProducerSettings
from producers.sources.protocol import Source
from schemas.commands import Request
from schemas.results import Result, decode_result
from schemas.topics import Names, job_topic

_EXPIRIES = 8
"""Jobs that expire at once: each takes its id with a connection of its own, and after an outage thousands may be due."""


class Slots:
    """The slots of a worker: a job waits here for its turn."""

    def __init__(self, slots: int) -> None:
        self._schedule = Schedule(slots)
        self._turns: dict[str, asyncio.Future[None]] = {}

    async def acquire(self, job: Waiting) -> None:
        """Returns when the job may run; give the slot back with :meth:`release`, also after a cancellation."""
        turn = asyncio.get_running_loop().create_future()
        self._turns[job.job_id] = turn
        self._schedule.wait(job)
        self._start()
        try:
            await turn
        except BaseException:
            self.release(job.job_id)
            raise

    def has_room(self, *, small: bool) -> bool:
        """Whether a job that came now would start at once."""
        return self._schedule.has_room(small=small)

    def got_on(self, job_id: str) -> None:
        """A running job has added something to its log."""
        self._schedule.got_on(job_id)
        self._start()

    def release(self, job_id: str) -> None:
        """The job no longer runs or waits; releasing twice is harmless."""
        self._turns.pop(job_id, None)
        self._schedule.leave(job_id)
        self._start()

    def _start(self) -> None:
        while (chosen := self._schedule.start_next()) is not None:
            turn = self._turns.get(chosen.job_id)
            if turn is not None and not turn.done():
                turn.set_result(None)


class Results:
    """The newest result of each job that this worker runs, as ``trace.results`` brings them in."""

    def __init__(self, wanted: Callable[[int, str], bool]) -> None:
        self._wanted = wanted
        self._found: dict[str, bytes] = {}
        self._arrived: dict[str, asyncio.Event] = {}

    def put(self, partition: int, job_id: str, value: bytes | None) -> None:
        """Takes in a record; results of jobs that have ended are let go."""
        if value is None or not self._wanted(partition, job_id):
            self._found.pop(job_id, None)
            return
        self._found[job_id] = value
        self._arrived.setdefault(job_id, asyncio.Event()).set()

    async def wait(self, job_id: str, end_offset: int) -> Result:
        """The result that folded the log up to ``end_offset``; waits for it without a limit of its own."""
        arrived = self._arrived.setdefault(job_id, asyncio.Event())
        while True:
            value = self._found.get(job_id)
            if value is not None and (result := decode_result(value)).end_offset == end_offset:
                return result
            arrived.clear()
            await arrived.wait()

    def forget(self, job_id: str) -> None:
        self._found.pop(job_id, None)
        self._arrived.pop(job_id, None)


@dataclass(slots=True)
class Services:
    """``owns`` answers whether this worker owns a partition now; ``members`` who is in the group (client ids)."""

    broker: BrokerSettings
    settings: ProducerSettings
    names: Names
    worker_id: str
    source: Source
    catalogue: Mapping[str, Domain]
    reader: LogReader
    follower: Follower
    admin: Admin
    view: StateView
    slots: Slots
    results: Results
    owns: Callable[[int], bool]
    members: Callable[[], Awaitable[set[str]]]
    counters: dict[str, int] = field(default_factory=dict)
    expiries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_EXPIRIES))

    def count(self, what: str, by: int = 1) -> None:
        """Adds to a counter that the worker logs when it stops."""
        self.counters[what] = self.counters.get(what, 0) + by

    async def caught_up(self, topic: str, partition: int) -> None:
        """Returns when everything that stands in the partition now has been taken in. Raises ``Retriable`` otherwise."""
        try:
            await self.follower.caught_up(topic, partition, self.settings.broker_deadline)
        except (TimeoutError, KeyError) as error:
            raise Retriable(f"{topic}/{partition} could not be read to its end") from error

    async def passed(self, topic: str, partition: int, offset: int) -> None:
        """Returns when the record at ``offset`` is behind what is taken in, whatever came of it. Raises ``Retriable`` otherwise."""
        try:
            await self.follower.passed(topic, partition, offset, self.settings.broker_deadline)
        except (TimeoutError, KeyError) as error:
            raise Retriable(f"record {offset} of {topic}/{partition} still stands open") from error

    async def create_job_topic(self, job_id: str) -> bool:
        """Makes the job's topic unless it exists; returns when it can be written, True when it was made now."""
        spec = job_topic(self.names, job_id, self.broker.replication, self.broker.min_insync)
        return bool(await self.admin.create_topics([spec]))

    async def take(self, job_id: str) -> Transactor:
        """Takes a job's transactional id: fences whoever holds it and aborts what that left open."""
        return await Transactor.take(
            self.broker,
            self.names.writer_id(job_id),
            timeout=self.settings.transaction_timeout,
            deadline=self.settings.broker_deadline,
        )

    @asynccontextmanager
    async def taken(self, job_id: str) -> AsyncIterator[Transactor]:
        """A job's id for the block."""
        taken = await self.take(job_id)
        try:
            yield taken
        finally:
            await taken.close()

    def is_small(self, request: Request) -> bool:
        """Whether the job ends soon and may use the kept slot."""
        domains = [self.catalogue.get(name) for name in request.domains]
        return is_small(request.cid_count, [domain.chunk_size for domain in domains if domain])
