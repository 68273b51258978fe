"""``tracestream worker``: the partitions it owns, the jobs it runs, and how it starts and drains.

Start: topics, source, connections, then the group. SIGTERM: admit nothing more, let every job finish its transaction,
release the jobs, leave the group, close (design: "Processes").
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress

from broker.admin import Admin
from broker.errors import Retriable
from broker.fetch import LogReader, Record
from broker.settings import BrokerSettings
from catalogue.domain import Domain
from joblog.follow import Follower
from joblog.states import StateView
from producers.expiry import Expiry
from producers.membership import Membership
from producers.partition import Partition
from producers.services import Results, Services, Slots
from producers.settings import ProducerSettings
from producers.sources.protocol import Source, SourceError
from schemas.results import AggregationSpec
from schemas.topics import Names, shared_topics

log = logging.getLogger(__name__)


class Worker:
    """One producer worker. ``start`` it, then ``drain`` it; it owns everything in between."""

    def __init__(
        self,
        broker: BrokerSettings,
        settings: ProducerSettings,
        source: Source,
        catalogue: Mapping[str, Domain],
        aggregations: Mapping[str, AggregationSpec],
    ) -> None:
        self._broker = broker
        self._settings = settings
        self._source = source
        self._aggregations = aggregations
        self._names = Names(broker.prefix)
        self._stack = AsyncExitStack()
        self._partitions: dict[int, Partition] = {}
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._leaving: dict[int, asyncio.Task[None]] = {}
        self._ready: set[int] = set()
        self._owned: frozenset[int] = frozenset()
        self._draining = False
        self._background: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()
        worker_id = f"tracestream-worker-{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        view = StateView()
        self._services = Services(
            broker=broker,
            settings=settings,
            names=self._names,
            worker_id=worker_id,
            source=source,
            catalogue=catalogue,
            reader=LogReader(broker, client_id=f"{worker_id}-read"),
            follower=Follower(broker, self._on_records, client_id=f"{worker_id}-follow"),
            admin=Admin(broker, client_id=f"{worker_id}-admin", deadline=settings.broker_deadline),
            view=view,
            slots=Slots(settings.jobs),
            results=Results(self._is_live),
            owns=lambda number: number in self._owned,
            members=self._members,
        )
        self._membership = Membership(
            broker, settings, self._names, worker_id, self._on_revoked, self._on_assigned
        )

    async def _members(self) -> set[str]:
        return await self._membership.members()

    @property
    def counters(self) -> Mapping[str, int]:
        """What happened: starts, holds lost, chunks read again."""
        return self._services.counters

    async def start(self) -> None:
        """Connects everything and joins the group. Raises ``Retriable`` or SourceError when a part can't be reached."""
        try:
            await self._connect()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _connect(self) -> None:
        services, stack = self._services, self._stack
        admin = services.admin
        await admin.start()
        stack.push_async_callback(admin.close)
        await prepare_topics(admin, self._broker)
        await self._source.open()
        stack.push_async_callback(self._source.close)
        await self._check_catalogue()
        for part in (services.reader, services.follower):
            await part.start()
            stack.push_async_callback(part.stop)
        self._spawn(services.follower.join())
        expiry = Expiry(services, self._partitions, self._ready.__contains__)
        self._spawn(expiry.run())
        stack.push_async_callback(self._stop_background)
        await self._membership.start()
        stack.push_async_callback(self._membership.stop)
        self._spawn(self._membership.join())

    async def _check_catalogue(self) -> None:
        """Asks the source for every domain's columns, so that a broken one is refused now and not in a job."""
        for domain in self._services.catalogue.values():
            columns = {column.name for column in await self._source.columns(domain)}
            for spec in self._aggregations.values():
                missing = sorted(set(spec.needs.get(domain.name, ())) - columns)
                if missing:
                    raise ValueError(
                        f"the aggregation {spec.name} needs {', '.join(missing)} of {domain.name}, which has no such column"
                    )

    async def drain(self) -> None:
        """Finishes the open transactions, releases the jobs, leaves the group, closes."""
        self._draining = True
        await self._stop_serving(list(self._serving))
        for partition in self._partitions.values():
            partition.drain()
        seconds = self._settings.drain_seconds
        await asyncio.gather(*(each.stop_jobs(seconds) for each in self._partitions.values()))
        await self._stack.aclose()
        log.info("worker stopped: %s", dict(self._services.counters))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self._failed.set()

    async def join(self) -> None:
        """Waits until a part fails without which the worker would be there and do nothing. Raises what ended it."""
        await self._failed.wait()
        if self._failure is not None:
            raise self._failure

    async def _stop_background(self) -> None:
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _is_live(self, partition: int, job_id: str) -> bool:
        state = self._services.view.state(partition, job_id)
        return state is not None and not state.ended

    async def _on_records(
        self, topic: str, number: int, records: Sequence[Record], behind: int, high: int
    ) -> None:
        services = self._services
        if topic == self._names.commands:
            if number in self._partitions:
                self._partitions[number].take_in(records)
            return
        for record in records:
            if record.key is None:
                continue
            job_id = record.key.decode("ascii", "replace")
            value = None if record.value is None else bytes(record.value)
            if topic == self._names.jobs:
                services.view.put(number, job_id, record.offset, record.timestamp, value)
            else:
                services.results.put(number, job_id, value)

    def _on_revoked(self) -> None:
        """A rebalance begins: admit nothing more, but let the jobs run on until the assignment is known."""
        for task in self._serving.values():
            task.cancel()
        self._ready.clear()

    def _on_assigned(self, partitions: set[int]) -> None:
        if self._draining:
            return
        lost = set(self._partitions) - partitions
        self._owned = frozenset(partitions)
        for number in lost:
            before = [tasks.pop(number) for tasks in (self._serving, self._leaving) if number in tasks]
            work = self._give_up(number, self._partitions.pop(number), before)
            self._leaving[number] = self._spawn(work)
        for number in partitions:
            partition = self._partitions.get(number)
            if partition is None:
                partition = Partition(number, self._services, self._membership, self._ready.add)
                self._partitions[number] = partition
            work = _after(self._serving.get(number), self._leaving.get(number), partition)
            self._serving[number] = asyncio.create_task(work, name=f"partition {number}")

    async def _give_up(self, number: int, partition: Partition, before: list[asyncio.Task[None]]) -> None:
        """Ends what served the partition, which a rebalance has cancelled, and its jobs; forgets its states."""
        if before:
            await asyncio.wait(before)
        for topic in (self._names.jobs, self._names.results, self._names.commands):
            self._services.follower.remove(topic, number)
        await partition.stop_jobs(0)
        self._services.view.close(number)

    async def _stop_serving(self, numbers: list[int]) -> None:
        tasks = [self._serving.pop(number) for number in numbers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _after(
    former: asyncio.Task[None] | None, leaving: asyncio.Task[None] | None, partition: Partition
) -> None:
    """Serves a partition once its former service, which was cancelled, has closed what it held; if it was given up, its
    jobs too: two runs of a job in one process would share its slot and its result."""
    if leaving is not None:
        await asyncio.wait({leaving})
    if former is not None:
        former.cancel()
        await asyncio.gather(former, return_exceptions=True)
    await partition.run()


async def prepare_topics(admin: Admin, broker: BrokerSettings) -> None:
    """Creates the shared topics that do not exist yet, and warns of a cluster that creates topics by itself."""
    await admin.create_topics(
        shared_topics(
            Names(broker.prefix),
            broker.partitions,
            broker.replication,
            broker.min_insync,
            broker.command_retention,
        )
    )
    if await admin.creates_topics_by_itself():
        log.warning(
            "the brokers create topics by themselves (auto.create.topics.enable): a removed job's topic can come back; turn it off"
        )


async def run(
    broker: BrokerSettings,
    settings: ProducerSettings,
    source: Source,
    catalogue: Mapping[str, Domain],
    aggregations: Mapping[str, AggregationSpec],
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Runs a worker until SIGTERM or SIGINT. What can't be reached at the start is said once a try and tried again; what
    ends a part of a running worker is raised, so that whoever started it starts another.

    ``on_ready`` is called once it is connected and has joined the group.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pause = 1.0
    while not stop.is_set():
        worker = Worker(broker, settings, source, catalogue, aggregations)
        try:
            await worker.start()
        except (Retriable, SourceError) as error:
            if isinstance(error, SourceError) and not error.retryable:
                raise
            log.warning("can't start yet: %s; trying again in %.0f s", error, pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
            pause = min(pause * 2, 4.0)
            continue
        log.info("worker ready")
        on_ready()
        failed, stopped = asyncio.create_task(worker.join()), asyncio.create_task(stop.wait())
        await asyncio.wait({failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await worker.drain()
        if failed.done():
            failed.result()
        stopped.cancel()
        failed.cancel()
