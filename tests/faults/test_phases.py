"""Cancel, delete and a changed life in every phase of a job, the worker killed before, while and after they take effect.

A cancelled job stays cancelled, a deleted one deleted, an ended one never runs again, and a job that lives on has its new life.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from schemas.commands import CANCEL, DELETE
from schemas.jobs import ENDED, Status
from schemas.messages import TERMINAL
from tests.faults.heldworker import HeldWorker, Holds, held_worker
from tests.faults.phases import NEW_TTL, PARTITIONS, SLOTS, Phase, PhaseJob, Scene
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.workers import JobClient, kinds_of, until

MOMENTS = int(os.environ.get("TRACESTREAM_FAULT_MOMENTS", "1"))
"""Runs with the kill at another random moment each."""

TIMES = ["before", *(f"while-{seed}" for seed in range(MOMENTS)), "after"]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"), 21 * 4 * CHUNK + CHUNK)


@pytest.mark.parametrize("killed", TIMES)
async def test_a_command_holds_in_every_phase_whenever_the_worker_is_killed(
    broker_settings: BrokerSettings, admin: Admin, plant: Path, tmp_path: Path, killed: str
) -> None:
    broker = replace(broker_settings, partitions=PARTITIONS)
    settings = {"worker_jobs": SLOTS, "transaction_seconds": 200}
    async with JobClient(broker) as client:
        scene = Scene(client, Holds(tmp_path))
        async with held_worker(broker, plant, tmp_path, **settings) as first:
            await scene.set_up()
            await kill(first, scene, killed)
        scene.let_commits_go()
        async with held_worker(broker, plant, tmp_path, **settings) as second:
            await scene.take_effect(over=False)
            scene.holds.release()
            await scene.answer_results()
            await scene.take_effect(over=True)
            await are_gone(admin, client, scene.jobs)
            before = {job.job_id: await client.states(job.job_id) for job in scene.jobs}
            await second.kill()
        async with held_worker(broker, plant, tmp_path, **settings):
            await end_one_in_each_partition(client)
        for job in scene.jobs:
            assert await client.states(job.job_id) == before[job.job_id], job
            assert_legal(job, [state.status for state in before[job.job_id]])
        listed = set(await admin.list_topics())
        for job in scene.jobs:
            state = before[job.job_id][-1]
            assert (client.names.job(job.job_id) in listed) == (state.status is not Status.EXPIRED), job
            if state.status is not Status.EXPIRED:
                assert_log(job, state.status, await client.lines(job.job_id))
                assert state.expires_at is not None
                assert state.ended_at is not None
                life = (state.expires_at - state.ended_at) // 1000
                assert life == (3600 if job.command == CANCEL else NEW_TTL), job


async def kill(worker: HeldWorker, scene: Scene, when: str) -> None:
    """Sends the commands and kills the worker before it knows of any, in the middle, or when all have taken effect."""
    if when == "before":
        worker.freeze()
        await scene.send_commands()
    else:
        await scene.send_commands()
        scene.let_commits_go()
        if when == "after":
            await scene.take_effect(over=False)
        else:
            await asyncio.sleep(random.Random(when).random() * 0.4)
    await worker.kill()


async def are_gone(admin: Admin, client: JobClient, jobs: list[PhaseJob]) -> None:
    """Waits until the topics of the deleted jobs have been removed."""
    names = {client.names.job(job.job_id) for job in jobs if job.command == DELETE}

    async def gone() -> bool:
        return not names & set(await admin.list_topics())

    await until(gone, 60)


async def end_one_in_each_partition(client: JobClient) -> None:
    """Two more jobs: when they have ended, their worker has read all there was."""
    last = ids_of(21 * 4 * CHUNK, CHUNK)
    for _ in range(2 * PARTITIONS):
        await client.lines(await client.submit(last, [DOMAIN]), 60)


def assert_legal(job: PhaseJob, statuses: list[Status]) -> None:
    """Nothing but ``expired`` follows an end, and nothing follows ``expired``; the end is the one that was asked for."""
    ends = [number for number, status in enumerate(statuses) if status in ENDED]
    assert ends, job
    first = statuses[ends[0]]
    assert set(statuses[ends[0] :]) <= {first, Status.EXPIRED}, job
    expired = statuses.index(Status.EXPIRED) if Status.EXPIRED in statuses else len(statuses)
    assert set(statuses[expired:]) <= {Status.EXPIRED}, job
    ended_before = job.phase in (Phase.EXPIRED, Phase.ENDED)
    may_have_ended = job.phase is Phase.UNCOMMITTED_END
    if ended_before or job.runs_at_last:
        assert first is Status.COMPLETE, job
    elif may_have_ended:
        assert first in (Status.COMPLETE, Status.CANCELLED), job
    else:
        assert first is Status.CANCELLED, job
    if job.command == DELETE or job.phase is Phase.EXPIRED:
        assert statuses[-1] is Status.EXPIRED, job
    else:
        assert statuses[-1] is first, job


def assert_log(job: PhaseJob, status: Status, lines: list[bytes]) -> None:
    """One terminal message, the last one, as the state says; and every record of a job that is complete."""
    kinds = kinds_of(lines)
    assert [kind in TERMINAL for kind in kinds] == [False] * (len(kinds) - 1) + [True], job
    assert kinds[-1] == status.value, job
    if status is Status.COMPLETE:
        assert_whole(
            [line for line, kind in zip(lines, kinds, strict=True) if kind != "aggregation"], job.ids
        )
