"""Transactions whose marker Kafka left out, so that they stand open for ever (:mod:`joblog.hanging`).

Made by a writer that keeps a partition from its coordinator: whatever the transaction comes to, this partition gets no marker.
The broker of these tests does not ask the coordinator about such writes.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.settings import BrokerSettings
from joblog.transactions import Transactor
from schemas.commands import Request
from schemas.headers import MessageHeaders
from schemas.jobs import CommandPlace, JobState, encode_state, new_state
from schemas.topics import Names, new_job_id, shared_topics
from tests.faults.heldworker import Holds, held_worker, without_marker
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.workers import JobClient, until

IDS = ids_of(0, 10 * CHUNK)
FEW = ids_of(2000, 2 * CHUNK)
SMALL = ids_of(4000, CHUNK)
MIDDLE = IDS[5 * CHUNK]


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    kafka = EmbeddedKafka(properties={"transaction.partition.verification.enable": "false"})
    asyncio.run(kafka.start())
    yield kafka.bootstrap
    asyncio.run(kafka.stop())


@pytest.fixture
async def broker(bootstrap: str) -> AsyncIterator[BrokerSettings]:
    settings = BrokerSettings(bootstrap=bootstrap, prefix=f"t{uuid.uuid4().hex[:10]}.", partitions=1)
    async with Admin(settings) as admin:
        await admin.create_topics(
            shared_topics(
                Names(settings.prefix), settings.partitions, settings.replication, settings.min_insync, 3600
            )
        )
    yield settings


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"))


async def taken_by(broker: BrokerSettings, transactional_id: str) -> Transactor:
    return await Transactor.take(broker, transactional_id, timeout=60, deadline=15)


def queued(names: Names, job_id: str, offset: int) -> JobState:
    request = Request(
        job_id, (DOMAIN,), len(FEW), 0, 50, 3600, "127.0.0.1", "0" * 64, int(time.time() * 1000)
    )
    return new_state(request, CommandPlace(0, offset), names.job(job_id))


async def leave_admission_open(broker: BrokerSettings, state: JobState, committed: int) -> None:
    """The owner of the partition admits the job and then notes its commands as done before ``committed``."""
    names = Names(broker.prefix)
    place = TopicPartition(names.commands, 0)
    owner = await taken_by(broker, names.admit_id(0))
    async with owner.transaction():
        await owner.send_offsets(names.workers, {place: 0})
        without_marker(owner, names.jobs)
        await owner.send(names.jobs, encode_state(state), partition=0, key=state.job_id.encode())
    if committed:
        async with owner.transaction():
            await owner.send_offsets(names.workers, {place: committed})
    await owner.close()


async def leave_open(
    broker: BrokerSettings, job_id: str, topic: str, value: bytes | None, key: bytes | None = None
) -> None:
    """The job's writer puts a record into the topic and is gone; nobody knows of its transaction."""
    ghost = await taken_by(broker, Names(broker.prefix).writer_id(job_id))
    await ghost.begin()
    without_marker(ghost, topic)
    headers = MessageHeaders("records").encode() if key is None else ()
    await ghost.send(topic, value, partition=0, key=key, headers=headers)
    await ghost.settle()
    await ghost.close()


async def assert_mended(client: JobClient, holds: Holds, plant: Path, job_id: str, *said: str) -> None:
    """The next worker says what it does about the leftover, and the job's log is whole."""
    holds.release()
    async with held_worker(client.broker, plant, holds.folder) as second:
        lines = await client.lines(job_id, 60)
        assert all(each in second.said() for each in said)
    assert_whole(lines, IDS)


async def has_counted(client: JobClient, job_id: str) -> JobState:
    """The job's first state that counts a part of its log."""
    return await client.state_when(job_id, lambda state: state.end_offset > 0, 60)


async def test_an_admission_left_open_whose_command_is_not_done_is_made_again(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    async with JobClient(broker) as client:
        job_id = await client.submit(FEW, [DOMAIN])
        await leave_admission_open(broker, queued(client.names, job_id, 0), committed=0)
        assert await client.has_open(client.names.jobs)
        async with held_worker(broker, plant, tmp_path) as worker:
            lines = await client.lines(job_id, 60)
            states = await client.states(job_id)
            assert "aborts what was left open" in worker.said()
    assert_whole(lines, FEW)
    assert [state.version for state in states] == list(range(1, len(states) + 1))


async def test_an_admission_left_open_whose_command_counts_as_done_is_committed(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    async with JobClient(broker) as client:
        job_id = await client.submit(FEW, [DOMAIN])
        await leave_admission_open(broker, queued(client.names, job_id, 0), committed=1)
        async with held_worker(broker, plant, tmp_path) as worker:
            lines = await client.lines(job_id, 60)
            assert "commits what was left open" in worker.said()
    assert_whole(lines, FEW)


async def test_what_a_dead_writer_left_open_in_its_log_is_never_read(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.chunk(MIDDLE).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as first:
        job_id = await client.submit(IDS, [DOMAIN])
        await has_counted(client, job_id)
        await first.kill()
        await leave_open(broker, job_id, client.names.job(job_id), b'{"type":"records"}\n')
        await assert_mended(client, holds, plant, job_id, "aborts what was left open")


async def test_what_was_committed_and_left_open_together_with_what_was_not_is_written_again(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.chunk(MIDDLE).touch()
    holds.unmarked.touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as first:
        job_id = await client.submit(IDS, [DOMAIN])
        topic = client.names.job(job_id)
        counted = await has_counted(client, job_id)
        await until(lambda: is_behind(client, topic, counted.end_offset), 60)
        await first.kill()
        await assert_mended(client, holds, plant, job_id, "aborts what was left open")


async def is_behind(client: JobClient, topic: str, offset: int) -> bool:
    """Whether the log goes on behind the offset, seen or not."""
    return (await client.reader.offsets(topic, 0)).end > offset


async def test_what_was_committed_and_left_open_is_read_once_the_job_is_taken_up(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.unmarked.touch()
    holds.chunk(IDS[CHUNK]).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as first:
        job_id = await client.submit(IDS, [DOMAIN])
        await has_counted(client, job_id)
        await first.kill()
        assert await client.has_open(client.names.job(job_id))
        goes_on = f"job {job_id}: goes on at chunk 2 of 10 of {DOMAIN}"
        await assert_mended(client, holds, plant, job_id, "commits what was left open", goes_on)


async def test_a_state_that_was_left_open_while_its_partition_is_served_hides_the_others_for_a_time_only(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path, session_timeout=1) as worker:
        first = await client.submit(FEW, [DOMAIN])
        state = await client.state_when(first, lambda state: state.ended, 60)
        await leave_open(broker, first, client.names.jobs, encode_state(state), key=first.encode())
        assert await client.has_open(client.names.jobs)
        second = await client.submit(FEW, [DOMAIN])

        async def is_shown() -> bool:
            return any(state.ended for state in await client.states(second))

        await until(is_shown, 60)
        assert "aborts what was left open" in worker.said()
        assert_whole(await client.lines(second), FEW)


async def test_what_was_committed_and_left_open_is_written_again_when_the_next_transaction_took_it_along(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.unmarked.touch()
    holds.chunk(IDS[CHUNK]).touch()
    holds.chunk(MIDDLE).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as first:
        job_id = await client.submit(IDS, [DOMAIN])
        topic = client.names.job(job_id)
        counted = await has_counted(client, job_id)
        holds.unmarked.unlink()
        holds.chunk(IDS[CHUNK]).unlink()
        await until(lambda: is_behind(client, topic, counted.end_offset), 60)
        await first.kill()
        await assert_mended(client, holds, plant, job_id, "its log lacks what its state counts")


async def test_a_state_that_its_worker_committed_and_kafka_left_open_is_committed_by_that_worker(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.stateless.touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path, session_timeout=1) as worker:
        job_id = await client.submit(SMALL, [DOMAIN])
        assert_whole(await client.lines(job_id, 60), SMALL)
        holds.release()
        await client.state_when(job_id, lambda state: state.ended, 60)
        assert "commits what was left open" in worker.said()


async def test_no_job_is_admitted_behind_an_admission_that_was_left_open(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.unadmitted.touch()
    holds.chunk(SMALL[0]).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as first:
        jobs = client.names.jobs
        one = await client.submit(SMALL, [DOMAIN])

        async def has_begun() -> bool:
            return SMALL[0] in first.reads()

        await until(has_begun, 60)
        assert await client.has_open(jobs)
        end = (await client.reader.offsets(jobs, 0)).end
        holds.unadmitted.unlink()
        holds.commit(client.names.admit_id(0)).touch()
        two = await client.submit(FEW, [DOMAIN])

        async def is_ended() -> bool:
            return "commits what was left open" in first.said()

        await until(is_ended, 60)
        assert not await is_behind(client, jobs, end)
        holds.release()
        assert_whole(await client.lines(one, 60), SMALL)
        assert_whole(await client.lines(two, 60), FEW)


async def test_a_tombstone_left_open_among_the_results_does_not_keep_a_partition_from_being_taken_over(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    async with JobClient(broker) as client:
        results = client.names.results
        gone = new_job_id(1, bytes(10))
        await leave_open(broker, gone, results, None, key=gone.encode())
        assert await client.has_open(results)
        job_id = await client.submit(FEW, [DOMAIN])
        async with held_worker(broker, plant, tmp_path):
            assert_whole(await client.lines(job_id, 60), FEW)
        assert not await client.has_open(results)
