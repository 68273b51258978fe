"""Workers that die, freeze and come back: the log stays the source's records, each once (design: "Who writes what")."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from broker.settings import BrokerSettings
from schemas.jobs import Status
from tests.workers import JobClient, kinds_of, records_of

CONTAINERS = 30_000
IDS = [f"C{number}" for number in range(CONTAINERS)]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of one row a container, and a catalogue that reads it slowly enough to be killed in."""
    folder = tmp_path_factory.mktemp("plant")
    with duckdb.connect(str(folder / "plant.duckdb")) as connection:
        connection.execute(
            f"CREATE TABLE LOTS AS SELECT 'C' || i AS CONTAINERID, i AS N, repeat('x', 1500) AS A FROM range({CONTAINERS}) t(i)"
        )
    (folder / "lots.sql").write_text(
        "SELECT CONTAINERID, N, A FROM LOTS WHERE CONTAINERID IN ({{ids}}) ORDER BY N"
    )
    (folder / "lots.toml").write_text(
        'description = "lots"\ncontainer_id = "CONTAINERID"\nchunk_size = 250\n'
    )
    return folder


@asynccontextmanager
async def worker_process(broker: BrokerSettings, plant: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """``tracestream worker`` as a process of its own; killed at the end if it is still there."""
    environment = {
        **os.environ,
        "TRACE_KAFKA_BOOTSTRAP": broker.bootstrap,
        "TRACE_TOPIC_PREFIX": broker.prefix,
        "TRACE_PARTITIONS": str(broker.partitions),
        "TRACE_CATALOGUE": str(plant),
        "TRACE_DUCKDB_PATH": str(plant / "plant.duckdb"),
        "TRACE_SESSION_TIMEOUT": "3",
        "TRACE_HEARTBEAT": "0.5",
        "TRACE_TRANSACTION_SECONDS": "0.05",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracestream", "worker", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            await process.wait()


async def progressed(client: JobClient, job_id: str, records: int) -> None:
    """Waits until so many records stand in the log."""
    await client.state_when(
        job_id, lambda state: sum(done.records for done in state.progress) >= records, seconds=60
    )


def assert_whole(lines: list[bytes]) -> None:
    records = records_of(lines, "lots")
    assert [record["N"] for record in records] == sorted(record["N"] for record in records)
    assert [record["CONTAINERID"] for record in records] == IDS
    kinds = kinds_of(lines)
    assert kinds[0] == "meta"
    assert kinds[-1] == "complete"
    assert kinds.count("domain_start") == kinds.count("domain_end") == 1


async def test_a_killed_workers_job_is_finished_by_another(
    broker_settings: BrokerSettings, plant: Path
) -> None:
    broker = replace(broker_settings, partitions=1)
    async with JobClient(broker) as client, worker_process(broker, plant) as first:
        job_id = await client.submit(IDS, ["lots"])
        await progressed(client, job_id, 2000)
        async with worker_process(broker, plant):
            first.kill()
            lines = await client.lines(job_id, seconds=90)
            states = await client.states(job_id)
    assert_whole(lines)
    assert states[-1].status is Status.COMPLETE
    assert len({state.holder for state in states if state.holder}) == 2


async def test_a_worker_killed_again_and_again_still_ends_its_job(
    broker_settings: BrokerSettings, plant: Path
) -> None:
    broker = replace(broker_settings, partitions=1)
    async with JobClient(broker) as client:
        job_id = ""
        for kill in range(3):
            async with worker_process(broker, plant) as process:
                job_id = job_id or await client.submit(IDS, ["lots"])
                await progressed(client, job_id, 3000 * (kill + 1))
                process.kill()
        async with worker_process(broker, plant):
            lines = await client.lines(job_id, seconds=90)
            states = await client.states(job_id)
    assert_whole(lines)
    assert max(state.tries for state in states) <= 2


async def test_a_worker_that_froze_finds_itself_fenced_and_writes_nothing(
    broker_settings: BrokerSettings, plant: Path
) -> None:
    broker = replace(broker_settings, partitions=1)
    async with (
        JobClient(broker) as client,
        worker_process(broker, plant) as frozen,
    ):
        job_id = await client.submit(IDS, ["lots"])
        await progressed(client, job_id, 2000)
        frozen.send_signal(signal.SIGSTOP)
        async with worker_process(broker, plant):
            before = await client.lines(job_id, seconds=90)
            frozen.send_signal(signal.SIGCONT)
            again = await client.submit(IDS[:300], ["lots"])
            await client.lines(again, seconds=60)
            await asyncio.sleep(2)
            after = await client.lines(job_id)
            states = await client.states(job_id)
        assert frozen.returncode is None
    assert_whole(before)
    assert after == before
    assert [state.version for state in states] == list(range(1, len(states) + 1))


async def test_sigterm_drains_within_ten_seconds_and_costs_no_try(
    broker_settings: BrokerSettings, plant: Path
) -> None:
    broker = replace(broker_settings, partitions=1)
    async with JobClient(broker) as client:
        async with worker_process(broker, plant) as process:
            job_id = await client.submit(IDS, ["lots"])
            await progressed(client, job_id, 2000)
            process.terminate()
            async with asyncio.timeout(10):
                assert await process.wait() == 0
        released = (await client.states(job_id))[-1]
        async with worker_process(broker, plant):
            lines = await client.lines(job_id, seconds=90)
            states = await client.states(job_id)
    assert_whole(lines)
    assert released.holder == ""
    assert max(state.tries for state in states) <= 1
