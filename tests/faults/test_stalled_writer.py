"""One job's writer stands still: what the others on its partition of ``trace.jobs`` notice of it (design: "A transaction")."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from broker.settings import BrokerSettings
from schemas.commands import CANCEL
from schemas.jobs import Status
from schemas.topics import new_job_id
from tests.faults.heldworker import Holds, held_worker
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.workers import JobClient, until

LARGE = ids_of(0, 4 * CHUNK)
CANCELLED = ids_of(1000, 4 * CHUNK)
OTHERS = ids_of(5000, 4 * CHUNK)
SMALL = ids_of(9000, CHUNK)
TRANSACTION_TIMEOUT = 300.0
"""Seconds for which a dead writer's transaction would hide the others, if nobody ended it: the setting's default."""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"))


@pytest.fixture
def broker(broker_settings: BrokerSettings) -> BrokerSettings:
    return replace(broker_settings, partitions=1)


async def is_hidden(client: JobClient, job_id: str) -> bool:
    """Whether a state of the job stands uncommitted on the partition, so that what follows is hidden."""
    offsets = await client.reader.offsets(client.names.jobs, 0)
    if not offsets.has_open:
        return False
    fetched = await client.reader.fetch(
        client.names.jobs, 0, offsets.last_stable, committed=False, max_bytes=1 << 20
    )
    return any(record.key == job_id.encode() for batch in fetched.batches for record in batch.records())


async def test_while_a_jobs_source_is_slow_the_others_start_go_on_and_are_cancelled(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    for ids in (LARGE, CANCELLED):
        holds.chunk(ids[2 * CHUNK]).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path):
        slow = [await client.submit(ids, [DOMAIN]) for ids in (LARGE, CANCELLED)]
        for job_id in slow:
            await client.state_when(job_id, lambda state: state.end_offset > 0, 60)
        for _ in range(5):
            for job_id in slow:
                assert not await is_hidden(client, job_id)
            small, other = await client.submit(SMALL, [DOMAIN]), await client.submit(OTHERS, [DOMAIN])
            assert_whole(await client.lines(small, 60), SMALL)
            assert_whole(await client.lines(other, 60), OTHERS)
            state = await client.state_when(other, lambda state: state.ended, 60)
            assert state.status is Status.COMPLETE
        await client.command(slow[1], CANCEL)
        await client.state_when(slow[1], lambda state: state.status is Status.CANCELLED, 60)
        assert not (await client.states(slow[0]))[-1].ended
        holds.release()
        assert_whole(await client.lines(slow[0], 60), LARGE)


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_a_writer_that_dies_before_its_commit_holds_the_others_up_no_longer_than_a_take_over(
    broker: BrokerSettings, plant: Path, tmp_path: Path, how: str
) -> None:
    holds = Holds(tmp_path)
    async with (
        JobClient(broker) as client,
        held_worker(broker, plant, tmp_path) as first,
        held_worker(broker, plant, tmp_path) as second,
    ):
        stalled = new_job_id(time.time_ns() // 1_000_000, os.urandom(10))
        holds.commit(stalled).touch()
        await client.submit(OTHERS[:CHUNK], [DOMAIN], job_id=stalled)
        await until(lambda: is_hidden(client, stalled), 60)
        owner, rival = (first, second) if first.reads() else (second, first)
        if how == "frozen":
            owner.freeze()
        else:
            await owner.kill()
        holds.release()
        waited = await end_another(client)
        print(f"{how}: the others waited {waited:.1f} s")
        assert_whole(await client.lines(stalled, 60), OTHERS[:CHUNK])
        assert rival.reads().count(OTHERS[0]) == 1


async def test_a_commit_that_gets_no_answer_is_given_up_at_the_deadline_and_the_others_go_on(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    async with (
        JobClient(broker) as client,
        held_worker(broker, plant, tmp_path, broker_deadline=4) as worker,
    ):
        stalled = new_job_id(time.time_ns() // 1_000_000, os.urandom(10))
        holds.stall(stalled).touch()
        await client.submit(OTHERS[:CHUNK], [DOMAIN], job_id=stalled)
        await until(lambda: is_hidden(client, stalled), 60)
        waited = await end_another(client)
        print(f"no answer: the others waited {waited:.1f} s")
        holds.release()
        assert_whole(await client.lines(stalled, 60), OTHERS[:CHUNK])
        assert max(state.tries for state in await client.states(stalled)) <= 1
    assert "reading again" in worker.said()


async def end_another(client: JobClient) -> float:
    """Submits a job and reads its terminal state, committed; the seconds that this took."""
    begun = time.monotonic()
    job_id = await client.submit(SMALL, [DOMAIN])
    state = await client.state_when(job_id, lambda state: state.ended, TRANSACTION_TIMEOUT / 3)
    assert state.status is Status.COMPLETE
    assert_whole(await client.lines(job_id), SMALL)
    return time.monotonic() - begun
