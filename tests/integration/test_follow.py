"""Following logs and reading them to their ends, against the real broker."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.fetch import LogReader, Record
from broker.settings import BrokerSettings
from joblog.ends import last_record, read_to_end
from joblog.follow import Follower
from tests.joblogs import JobLog

GENEROUS = 30.0


class Received:
    """What a follower delivered, by topic; tests wait for it."""

    def __init__(self) -> None:
        self.records: dict[str, list[Record]] = defaultdict(list)
        self.times: list[float] = []
        self.gone: list[str] = []

    async def deliver(
        self, topic: str, partition: int, records: list[Record], next_offset: int, high: int
    ) -> None:
        assert all(record.offset < next_offset <= high for record in records)
        self.records[topic] += records
        self.times += [time.perf_counter()] * len(records)

    async def note_gone(self, topic: str, partition: int) -> None:
        self.gone.append(topic)

    def lines(self, topic: str) -> list[bytes]:
        return [bytes(record.value or b"") for record in self.records[topic]]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(GENEROUS):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def following(
    settings: BrokerSettings, received: Received, **options: object
) -> AsyncIterator[Follower]:
    follower = Follower(settings, received.deliver, gone=received.note_gone, **options)  # type: ignore[arg-type]
    await follower.start()
    try:
        yield follower
    finally:
        await follower.stop()


@pytest.fixture
async def new_job(
    broker_settings: BrokerSettings, admin: Admin
) -> AsyncIterator[Callable[[], Awaitable[JobLog]]]:
    made: list[JobLog] = []

    async def create() -> JobLog:
        made.append(await JobLog.create(broker_settings, admin))
        return made[-1]

    yield create
    for job in made:
        await job.close()


async def test_records_arrive_as_they_are_committed(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    job, received = await new_job(), Received()
    async with following(broker_settings, received) as follower:
        follower.add(job.topic, 0, 0)
        job.meta()
        await job.commit()
        await until(lambda: received.lines(job.topic) == job.lines)
        job.start("history")
        job.records("history", 3)
        await job.abort()
        job.start("history")
        job.records("history", 3)
        await job.commit()
        await until(lambda: received.lines(job.topic) == job.lines)


async def test_a_partition_added_during_a_long_poll_is_read_at_once(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    quiet, received = await new_job(), Received()
    others = [await new_job() for _ in range(3)]
    for other in others:
        other.meta()
        await other.commit()
    async with following(broker_settings, received, max_wait_ms=20_000) as follower:
        follower.add(quiet.topic, 0, 0)
        await asyncio.sleep(0.3)
        began = time.monotonic()
        for other in others:
            follower.add(other.topic, 0, 0)
            await until(lambda topic=other.topic: bool(received.lines(topic)))  # type: ignore[misc]
        assert time.monotonic() - began < 10
        quiet.meta()
        await quiet.commit()
        await until(lambda: received.lines(quiet.topic) == quiet.lines)


async def test_a_removed_partition_is_delivered_no_more(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    left, kept, received = await new_job(), await new_job(), Received()
    async with following(broker_settings, received) as follower:
        follower.add(left.topic, 0, 0)
        follower.add(kept.topic, 0, 0)
        for job in (left, kept):
            job.meta()
            await job.commit()
        await until(lambda: bool(received.lines(left.topic)) and bool(received.lines(kept.topic)))
        follower.remove(left.topic, 0)
        for job in (left, kept):
            job.start("history")
            await job.commit()
        await until(lambda: received.lines(kept.topic) == kept.lines)
        await asyncio.sleep(0.2)
        assert len(received.lines(left.topic)) == 1
        assert (left.topic, 0) not in follower.positions


async def test_a_position_is_never_set_back(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    job, received = await new_job(), Received()
    async with following(broker_settings, received) as follower:
        follower.add(job.topic, 0, 0)
        job.meta()
        await job.commit()
        await follower.caught_up(job.topic, 0, GENEROUS)
        follower.add(job.topic, 0, 0)
        assert follower.positions[job.topic, 0] >= 1
        await asyncio.sleep(0.1)
        assert received.lines(job.topic) == job.lines


async def test_caught_up_waits_for_the_high_watermark_of_now(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    job, received = await new_job(), Received()
    async with following(broker_settings, received) as follower:
        follower.add(job.topic, 0, 0)
        for _ in range(5):
            job.meta()
            await job.commit()
            assert await follower.caught_up(job.topic, 0, GENEROUS) >= job.state.end_offset
            assert received.lines(job.topic) == job.lines


async def test_an_open_transaction_keeps_a_follower_from_being_caught_up(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    job, received = await new_job(), Received()
    async with following(broker_settings, received) as follower:
        follower.add(job.topic, 0, 0)
        await job.transactor.begin()
        await job.transactor.send(job.topic, b"open", partition=0)
        await job.transactor.settle()
        with pytest.raises(TimeoutError):
            await follower.caught_up(job.topic, 0, 0.5)
        await job.transactor.abort()
        await follower.caught_up(job.topic, 0, GENEROUS)
        assert received.lines(job.topic) == []


async def test_a_deleted_topic_is_reported_and_left(
    broker_settings: BrokerSettings, admin: Admin, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    doomed, kept, received = await new_job(), await new_job(), Received()
    async with following(broker_settings, received) as follower:
        follower.add(doomed.topic, 0, 0)
        follower.add(kept.topic, 0, 0)
        await asyncio.sleep(0.1)
        await admin.delete_topics([doomed.topic])
        await until(lambda: received.gone == [doomed.topic])
        kept.meta()
        await kept.commit()
        await until(lambda: received.lines(kept.topic) == kept.lines)
        assert list(follower.positions) == [(kept.topic, 0)]


async def test_what_the_callback_raises_ends_the_follower(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    async def deliver(*_: object) -> None:
        raise ValueError("no")

    job = await new_job()
    job.meta()
    await job.commit()
    follower = Follower(broker_settings, deliver)
    await follower.start()
    follower.add(job.topic, 0, 0)
    with pytest.raises(ValueError, match="no"):
        async with asyncio.timeout(GENEROUS):
            await follower.join()
    await follower.stop()


async def test_a_follower_goes_on_after_the_broker_was_restarted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    own = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    await own.start()
    settings, received = BrokerSettings(bootstrap=own.bootstrap, partitions=2), Received()
    try:
        async with Admin(settings) as admin:
            job = await JobLog.create(settings, admin)
            job.meta()
            await job.commit()
            async with following(settings, received) as follower:
                follower.add(job.topic, 0, 0)
                await until(lambda: received.lines(job.topic) == job.lines)
                await own.stop()
                await asyncio.sleep(1)
                await own.start()
                job.start("history")
                await job.commit()
                await until(lambda: received.lines(job.topic) == job.lines)
                assert received.gone == []
            await job.close()
    finally:
        await own.stop()


async def test_read_to_end_ends_at_the_end(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    job = await new_job()
    await job.whole(3, 2)
    reader = LogReader(broker_settings)
    await reader.start()
    try:
        found = [bytes(each.value or b"") async for each in read_to_end(reader, job.topic, 0, 0)]
        assert found == job.lines
        rest = [each async for each in read_to_end(reader, job.topic, 0, 3)]
        assert next(each.offset for each in rest) == 3
        await job.transactor.begin()
        await job.transactor.send(job.topic, b"open", partition=0)
        await job.transactor.settle()
        with pytest.raises(TimeoutError):
            assert [each async for each in read_to_end(reader, job.topic, 0, 0, deadline=0.5)]
        uncommitted = [each async for each in read_to_end(reader, job.topic, 0, 0, committed=False)]
        assert bytes(uncommitted[-1].value or b"") == b"open"
    finally:
        await reader.stop()


async def test_the_last_record_is_found_behind_markers_and_aborted_ones(
    broker_settings: BrokerSettings, new_job: Callable[[], Awaitable[JobLog]]
) -> None:
    job = await new_job()
    job.meta()
    await job.commit()
    for _ in range(3):
        for _ in range(4):
            job.records("history", 1)
        await job.abort()
    reader = LogReader(broker_settings)
    await reader.start()
    try:
        end = (await reader.offsets(job.topic, 0)).end
        found = await last_record(reader, job.topic, 0, end)
        assert found is not None
        assert found.offset == 0
        assert await last_record(reader, job.topic, 0, end, start=1) is None
    finally:
        await reader.stop()
