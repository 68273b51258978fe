"""Workers that were believed dead and come back (design: "Who writes what", "Being fenced proves nothing").

A worker is stopped as a process in the middle of a transaction, when a part of it stands in the log already.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from broker.settings import BrokerSettings
from joblog.transactions import Transactor
from schemas.jobs import Status
from tests.faults.heldworker import Holds, held_worker
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.workers import JobClient, until

IDS = ids_of(0, 20 * CHUNK)
MIDDLE = IDS[10 * CHUNK]
"""Where a chunk begins with nine others in the open transaction; the job's first transaction holds the first alone."""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"))


async def is_mid_transaction(client: JobClient, job_id: str) -> None:
    """Waits until the job has committed something and has more of it open."""
    await client.state_when(job_id, lambda state: state.end_offset > 0, 60)
    await until(lambda: client.has_open(client.names.job(job_id)), 60)


async def test_a_worker_frozen_in_a_transaction_is_fenced_writes_nothing_and_goes_on_with_other_work(
    broker_settings: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.chunk(MIDDLE).touch()
    async with JobClient(broker_settings) as client, held_worker(broker_settings, plant, tmp_path) as zombie:
        job_id = await client.submit(IDS, [DOMAIN])
        topic = client.names.job(job_id)
        await is_mid_transaction(client, job_id)
        zombie.freeze()
        assert await client.has_open(topic)
        holder = (await client.states(job_id))[-1].holder
        holds.release()
        async with held_worker(broker_settings, plant, tmp_path) as rival:
            lines = await client.lines(job_id, 90)
            assert f"job {job_id}: goes on at chunk 2 of 20 of {DOMAIN}" in rival.said()
            states = await client.states(job_id)
            written = await client.reader.offsets(topic, 0)
            zombie.thaw()
            await until(lambda: runs_a_job(client, holder), 120)
            assert await client.reader.offsets(topic, 0) == written
            assert await client.states(job_id) == states
            assert await client.lines(job_id) == lines
        assert zombie.process.returncode is None
    assert_whole(lines, IDS)
    assert len({state.holder for state in states if state.holder}) == 2
    assert [state.version for state in states] == list(range(1, len(states) + 1))


async def runs_a_job(client: JobClient, worker: str) -> bool:
    """Submits another job; whether it has ended well and ``worker`` has run it."""
    job_id = await client.submit(ids_of(5000, 3 * CHUNK), [DOMAIN])
    state = await client.state_when(job_id, lambda state: state.ended, 60)
    assert state.status is Status.COMPLETE
    return any(each.holder == worker for each in await client.states(job_id))


@pytest.mark.parametrize("how", ["frozen", "waiting for its source", "fenced by one whose turn it is not"])
async def test_a_worker_whose_transaction_ended_with_no_rival_goes_on_and_no_try_is_counted(
    broker_settings: BrokerSettings, plant: Path, tmp_path: Path, how: str
) -> None:
    broker = replace(broker_settings, partitions=1)
    holds = Holds(tmp_path)
    holds.chunk(MIDDLE).touch()
    frozen = how == "frozen"
    async with (
        JobClient(broker) as client,
        held_worker(broker, plant, tmp_path, transaction_timeout=3, session_timeout=60) as worker,
    ):
        job_id = await client.submit(IDS, [DOMAIN])
        await is_mid_transaction(client, job_id)
        if frozen:
            worker.freeze()
        if how.startswith("fenced"):
            taken = await Transactor.take(broker, client.names.writer_id(job_id), timeout=60, deadline=30)
            await taken.close()

        async def is_aborted() -> bool:
            return not await client.has_open(client.names.job(job_id))

        await until(is_aborted, 60)
        holds.release()
        if frozen:
            worker.thaw()
        lines = await client.lines(job_id, 60)
        states = await client.states(job_id)
        assert worker.said().count("reading again") == 1
    assert_whole(lines, IDS)
    assert states[-1].status is Status.COMPLETE
    assert {state.holder for state in states} - {""} == {states[-1].holder}
    begun = next(number for number, state in enumerate(states) if state.end_offset)
    assert [state.tries for state in states[:begun]] == [0, 1]
    assert not any(state.tries for state in states[begun:])


async def test_a_worker_that_left_the_group_while_frozen_alone_takes_its_job_up_again(
    broker_settings: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    broker = replace(broker_settings, partitions=1)
    holds = Holds(tmp_path)
    holds.chunk(MIDDLE).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as worker:
        job_id = await client.submit(IDS, [DOMAIN])
        await is_mid_transaction(client, job_id)
        worker.freeze()
        await asyncio.sleep(6)
        holds.release()
        worker.thaw()
        lines = await client.lines(job_id, 60)
        states = await client.states(job_id)
    assert_whole(lines, IDS)
    assert max(state.tries for state in states) == 1
