"""Poison: a job whose process always dies, whose query always fails, whose record never fits. It ends as failed with the reason,
after bounded tries, and takes neither the worker nor the jobs beside and behind it down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import duckdb

from schemas.jobs import JobState, Status
from tests.faults.plant import assert_whole, ids_of, make_plant
from tests.faults.source import SourceFault, SourceFolder, SourcePlan, Trouble
from tests.faults.system import QUICK, Shape, System
from tests.workers import JobClient, kinds_of

TRIES = 4
LONG = 200.0
"""Seconds that a job may take on a machine that does much else."""


@asynccontextmanager
async def a_worker(
    folder: Path, source: SourceFolder, env: Mapping[str, str]
) -> AsyncIterator[tuple[System, JobClient]]:
    """One worker that is started again when it dies, its broker, and a client of that."""
    shape = Shape(
        workers=1,
        processors=0,
        gateways=0,
        env={**QUICK, "TRACE_PARTITIONS": "1", "TRACE_MAX_TRIES": str(TRIES), **env},
        worker=("tests.faults.worker", str(source.path)),
    )
    places = {"TRACE_CATALOGUE": str(folder), "TRACE_DUCKDB_PATH": str(folder / "plant.duckdb")}
    async with System(folder / "system", places, shape) as system, JobClient(system.broker) as client:
        yield system, client


async def end_of(client: JobClient, job_id: str) -> JobState:
    return await client.state_when(job_id, lambda state: state.ended, LONG)


def problem_of(state: JobState) -> tuple[str, str]:
    assert state.status is Status.FAILED
    assert state.problem is not None
    return state.problem["type"].rpartition(":")[2], state.problem["detail"]


async def test_a_job_whose_process_always_dies_fails_after_its_tries_and_takes_no_other_down(
    tmp_path: Path,
) -> None:
    make_plant(tmp_path, containers=4000)
    source = SourceFolder(tmp_path / "source")
    poison, beside, behind = ids_of(0, 100), ids_of(1000, 1000), ids_of(2000, 300)
    source.plan(SourcePlan("poison", faults=(SourceFault("lots", poison[0], Trouble.DIES, 99),)))
    async with a_worker(tmp_path, source, {}) as (system, client):
        (worker,) = system.of("worker")
        # A chunk takes 1.5 s, and the poison works after 0.6 s: who starts with it adds nothing.
        source.plan(
            SourcePlan("poison", pace=0.3, faults=(SourceFault("lots", poison[0], Trouble.DIES, 99),))
        )
        good = await client.submit(beside, ["lots"])
        bad = await client.submit(poison, ["lots"])
        waiting = await client.submit(behind, ["lots"])
        state = await end_of(client, bad)
        for job_id, ids in ((good, beside), (waiting, behind)):
            assert_whole(await client.lines(job_id, LONG), ids)
        deaths = worker.deaths
        lines = await client.lines(bad)
        source.plan(SourcePlan("poison"))
        after = await client.submit(behind, ["lots"])
        assert_whole(await client.lines(after, LONG), behind)
        assert worker.deaths == deaths
        tries = [state.tries for state in await client.states(bad)]
        others = [state.tries for job_id in (good, waiting) for state in await client.states(job_id)]
    kind, detail = problem_of(state)
    assert kind == "tries-exhausted"
    assert str(TRIES) in detail
    assert kinds_of(lines) == ["meta", "error"]
    # Each counted start is one death; the very first, of a small job, may come before it is counted.
    assert max(tries) == TRIES
    assert TRIES <= deaths <= TRIES + 1
    # Twice they may have been started beside it, the third time they are started alone.
    assert max(others) <= 3


async def test_jobs_that_fail_for_good_and_records_that_never_fit_fail_with_the_reason_beside_the_others(
    tmp_path: Path,
) -> None:
    make_plant(tmp_path, containers=2000)
    with duckdb.connect(str(tmp_path / "plant.duckdb")) as connection:
        connection.execute("UPDATE LOTS SET A = repeat('x', 200000) WHERE CONTAINERID = 'C000150'")
    (tmp_path / "broken.sql").write_text(
        "SELECT CONTAINERID, CASE WHEN N >= 0 THEN CAST(error('no such lot: ' || CONTAINERID) AS BIGINT) END AS N FROM LOTS "
        "WHERE CONTAINERID IN ({{ids}})"
    )
    (tmp_path / "broken.toml").write_text(
        'description = "broken"\ncontainer_id = "CONTAINERID"\nchunk_size = 100\n'
    )
    source = SourceFolder(tmp_path / "source")
    away, behind = ids_of(500, 300), ids_of(1000, 1000)
    source.plan(SourcePlan("poison", faults=(SourceFault("lots", away[0], Trouble.FAILS, 99),)))
    bounds = {
        "TRACE_STREAM_BATCH_BYTES": "100000",
        "TRACE_MAX_RECORD_BYTES": "100000",
        "TRACE_CHUNK_TRIES": "3",
    }
    async with a_worker(tmp_path, source, bounds) as (system, client):
        (worker,) = system.of("worker")
        broken = await client.submit(ids_of(0, 300), ["broken"])
        large = await client.submit(ids_of(100, 300), ["lots"])
        unreachable = await client.submit(away, ["lots"])
        good = await client.submit(behind, ["lots"])
        states = await asyncio.gather(*(end_of(client, job_id) for job_id in (broken, large, unreachable)))
        assert_whole(await client.lines(good, LONG), behind)
        assert worker.deaths == 0
        ends = [kinds_of(await client.lines(job_id)) for job_id in (broken, large, unreachable)]
    (sql, words), (size, container), (gone, planned) = map(problem_of, states)
    assert (sql, gone, size) == ("source", "source", "record-too-large")
    assert "no such lot" in words
    assert "C000150" in container
    assert planned.startswith("The database is gone, as planned.")
    assert [end[0] for end in ends] == ["meta"] * 3
    assert [end[-1] for end in ends] == ["error"] * 3
    times = sum(read.container == away[0] for read in source.reads("poison"))
    # A chunk is read three times from a break on, and three times before anything of it is written.
    assert 3 <= times <= 9
