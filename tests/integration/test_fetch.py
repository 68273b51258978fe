"""The log reader against the real broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from broker import clients
from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.errors import OffsetOutOfRange, Retriable, TopicGone
from broker.fetch import LogReader, Record
from broker.settings import BrokerSettings
from schemas.topics import TopicSpec
from tests.joblogs import JobLog


@pytest.fixture
async def reader(broker_settings: BrokerSettings) -> AsyncIterator[LogReader]:
    made = LogReader(broker_settings)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def job(broker_settings: BrokerSettings, admin: Admin) -> AsyncIterator[JobLog]:
    made = await JobLog.create(broker_settings, admin)
    yield made
    await made.close()


async def read_all(reader: LogReader, topic: str, max_bytes: int = 1) -> list[Record]:
    end = (await reader.offsets(topic, 0)).end
    position, found = 0, []
    while position < end:
        fetched = await reader.fetch(topic, 0, position, max_bytes=max_bytes)
        assert fetched.next_offset > position
        position = fetched.next_offset
        found += [record for batch in fetched.batches for record in batch.records()]
    return found


async def markers(reader: LogReader, topic: str, end: int) -> None:
    """Kafka writes a commit marker a moment after it has acknowledged the commit."""
    async with asyncio.timeout(30):
        while (await reader.offsets(topic, 0)).last_stable < end:
            await asyncio.sleep(0.005)


def values(records: list[Record]) -> list[bytes]:
    return [bytes(record.value or b"") for record in records]


@pytest.mark.parametrize("max_bytes", [1, 1000, 1 << 20])
async def test_a_log_is_read_whole_in_order(job: JobLog, reader: LogReader, max_bytes: int) -> None:
    await job.whole(6, 3)
    await markers(reader, job.topic, job.state.end_offset + 1)
    assert values(await read_all(reader, job.topic, max_bytes)) == job.lines


@pytest.mark.parametrize("max_bytes", [1, 1 << 20])
async def test_aborted_messages_are_not_seen(job: JobLog, reader: LogReader, max_bytes: int) -> None:
    job.meta()
    job.start("history")
    await job.commit()
    for _ in range(2):
        job.records("history", 2)
        job.records("history", 2)
        await job.abort()
        job.records("history", 3)
        await job.commit()
    await markers(reader, job.topic, job.state.end_offset + 1)
    assert values(await read_all(reader, job.topic, max_bytes)) == job.lines
    uncommitted = await reader.fetch(job.topic, 0, 0, committed=False, max_bytes=1 << 20)
    assert len([record for batch in uncommitted.batches for record in batch.records()]) == len(job.lines) + 4


async def test_an_open_transaction_is_not_seen_but_stands_below_the_high_watermark(
    job: JobLog, reader: LogReader
) -> None:
    job.meta()
    await job.commit()
    await job.transactor.begin()
    await job.transactor.send(job.topic, b"open", partition=0)
    await job.transactor.settle()
    offsets = await reader.offsets(job.topic, 0)
    assert (offsets.start, offsets.last_stable, offsets.end) == (0, 2, 3)
    fetched = await reader.fetch(job.topic, 0, 2)
    assert (fetched.batches, fetched.next_offset, fetched.last_stable_offset) == ([], 2, 2)
    assert len((await reader.fetch(job.topic, 0, 2, committed=False)).batches) == 1


async def test_one_fetch_brings_exactly_one_batch(job: JobLog, reader: LogReader) -> None:
    await job.whole(4, 2)
    await markers(reader, job.topic, 5)
    fetched = await reader.fetch(job.topic, 0, 2)
    (batch,) = fetched.batches
    assert [record.offset for record in batch.records()] == [2]
    assert batch.records()[0].headers["first"] == b"0"
    assert fetched.next_offset == 3


async def test_records_before_the_offset_asked_for_are_left_out(
    broker_settings: BrokerSettings, admin: Admin, reader: LogReader
) -> None:
    topic = f"{broker_settings.prefix}plain"
    await admin.create_topics([TopicSpec(topic, 1, 1)])
    producer = clients.producer(broker_settings)
    await producer.start()
    sends = [await producer.send(topic, b"%d" % n, partition=0) for n in range(10)]
    await asyncio.gather(*sends)
    await producer.stop()
    fetched = await reader.fetch(topic, 0, 5)
    assert values(fetched.batches[0].records())[0] == b"5"
    assert fetched.batches[0].base_offset <= 5


async def test_a_long_poll_ends_when_a_transaction_commits(job: JobLog, reader: LogReader) -> None:
    job.meta()
    await job.commit()
    await markers(reader, job.topic, 2)
    poll = asyncio.create_task(reader.fetch(job.topic, 0, 2, max_wait_ms=30_000))
    await asyncio.sleep(0.2)
    assert not poll.done()
    job.start("history")
    await job.commit()
    async with asyncio.timeout(10):
        assert len((await poll).batches) == 1


async def test_an_offset_beyond_the_end_is_out_of_range(job: JobLog, reader: LogReader) -> None:
    with pytest.raises(OffsetOutOfRange):
        await reader.fetch(job.topic, 0, 100)


async def test_a_deleted_topic_is_gone_and_stays_gone(job: JobLog, reader: LogReader, admin: Admin) -> None:
    job.meta()
    await job.commit()
    await markers(reader, job.topic, 2)
    assert (await reader.fetch(job.topic, 0, 0)).batches
    await admin.delete_topics([job.topic])
    with pytest.raises(TopicGone):
        await reader.fetch(job.topic, 0, 0)
    with pytest.raises(TopicGone):
        await reader.offsets(job.topic, 0)
    assert job.topic not in await admin.list_topics()


async def test_several_partitions_are_read_with_one_call(job: JobLog, reader: LogReader) -> None:
    job.meta()
    await job.commit()
    jobs = f"{job.settings.prefix}jobs"
    await markers(reader, job.topic, 2)
    fetched = await reader.fetch_many({(job.topic, 0): 0, (jobs, 0): 0, (jobs, 1): 0}, committed=False)
    assert len(fetched) == 3
    assert sum(len(each.batches) for each in fetched.values()) == 3


async def test_a_reader_without_a_cluster_says_so() -> None:
    reader = LogReader(BrokerSettings(bootstrap="127.0.0.1:1"), timeout=0.5)
    with pytest.raises(Retriable):
        await reader.start()


async def test_reading_goes_on_after_the_broker_was_restarted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    own = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    await own.start()
    settings = BrokerSettings(bootstrap=own.bootstrap, partitions=2)
    reader = LogReader(settings, timeout=60)
    try:
        async with Admin(settings) as admin:
            job = await JobLog.create(settings, admin)
            await job.whole(3, 3)
            await job.close()
        await reader.start()
        await markers(reader, job.topic, 9)
        first = await reader.fetch(job.topic, 0, 0)
        poll = asyncio.create_task(reader.fetch(job.topic, 0, 9, max_wait_ms=2_000))
        await own.stop()
        reading = asyncio.create_task(reader.fetch(job.topic, 0, first.next_offset))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await own.start()
        assert len((await reading).batches) == 1
        assert (await poll).next_offset == 9
        assert values(await read_all(reader, job.topic)) == job.lines
        assert time.monotonic() - began < 60
    finally:
        await reader.stop()
        await own.stop()
