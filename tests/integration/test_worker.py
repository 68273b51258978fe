"""A worker against the real broker and the generated data: what ends up in a job's log and in its states."""

from __future__ import annotations

import asyncio
from pathlib import Path

import duckdb
import msgspec
import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from schemas.commands import CANCEL, DELETE, SET_TTL
from schemas.jobs import Status
from tests.workers import JobClient, kinds_of, records_of, running_worker
from tracestream.data import DemoData, container_ids, generate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundredth of the reference data."""
    path = tmp_path_factory.mktemp("data") / "trace.duckdb"
    generate(path, DemoData().scaled(0.01))
    return path


@pytest.fixture(scope="module")
def ids(data: Path) -> list[str]:
    """All its container IDs; read before a worker has the file open."""
    return list(container_ids(data))


def rows_in(data: Path, table: str) -> list[str]:
    """The container IDs of the table's rows that have one."""
    with duckdb.connect(str(data), read_only=True) as connection:
        found = connection.execute(
            f"SELECT CONTAINERID FROM {table} WHERE CONTAINERID IS NOT NULL"
        ).fetchall()
    return sorted(row[0] for row in found)


async def test_a_job_ends_with_every_record_of_the_source_once(
    broker_settings: BrokerSettings, data: Path, ids: list[str]
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        job_id = await client.submit(ids)
        lines = await client.lines(job_id)
        states = await client.states(job_id)
    kinds = kinds_of(lines)
    assert kinds[0] == "meta"
    assert kinds[-1] == "complete"
    assert kinds.count("domain_start") == kinds.count("domain_end") == 2
    for domain, table in (("history", "MES_LOT_HISTORY"), ("materials", "MES_LOT_MATERIALS")):
        got = sorted(record["CONTAINERID"] for record in records_of(lines, domain))
        assert got == rows_in(data, table)
    assert states[0].status is Status.QUEUED
    assert states[-1].status is Status.COMPLETE
    assert [state.version for state in states] == list(range(1, len(states) + 1))
    assert sum(done.records for done in states[-1].progress) == len(records_of(lines, "history")) + len(
        records_of(lines, "materials")
    )


async def test_batches_and_record_offsets_have_no_gap(
    broker_settings: BrokerSettings, data: Path, ids: list[str]
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        job_id = await client.submit(ids, ["history"], batch_size=100)
        lines = await client.lines(job_id)
    batches = [m for line in lines if (m := msgspec.json.decode(line))["type"] == "records"]
    assert [message["batch"] for message in batches] == list(range(1, len(batches) + 1))
    assert all(1 <= len(message["data"]) <= 100 for message in batches)


async def test_a_job_without_rows_is_complete_and_empty(
    broker_settings: BrokerSettings, data: Path, ids: list[str]
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        lines = await client.lines(await client.submit(["no such container"], ["history"]))
    assert kinds_of(lines) == ["meta", "domain_start", "domain_end", "complete"]


async def test_the_same_job_id_submitted_twice_is_one_job(
    broker_settings: BrokerSettings, data: Path, ids: list[str]
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        job_id = await client.submit(ids[:10])
        await client.submit(ids[:10], job_id=job_id)
        await client.lines(job_id)
        last = await client.submit(ids[:10])
        await client.lines(last)
        states = await client.states(job_id)
    assert [state.status for state in states].count(Status.QUEUED) == 1
    assert [state.status for state in states].count(Status.COMPLETE) == 1


async def test_a_cancelled_job_that_waits_gets_its_log_with_meta_and_the_end(
    broker_settings: BrokerSettings, data: Path, ids: list[str]
) -> None:
    async with JobClient(broker_settings) as client:
        async with running_worker(broker_settings, data):
            pass
        job_id = await client.submit(ids)
        await client.command(job_id, CANCEL)
        async with running_worker(broker_settings, data):
            lines = await client.lines(job_id)
            state = await client.state_when(job_id, lambda state: state.ended)
    assert kinds_of(lines)[0] == "meta"
    assert kinds_of(lines)[-1] in ("cancelled", "complete")
    assert state.status in (Status.CANCELLED, Status.COMPLETE)


async def test_a_deleted_job_is_expired_and_its_topic_is_gone(
    broker_settings: BrokerSettings, data: Path, ids: list[str], admin: Admin
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        job_id = await client.submit(ids[:10])
        await client.lines(job_id)
        await client.command(job_id, DELETE)
        await client.state_when(job_id, lambda state: state.status is Status.EXPIRED)
        async with asyncio.timeout(10):
            while client.names.job(job_id) in await admin.list_topics():
                await asyncio.sleep(0.05)


async def test_a_job_expires_when_its_life_is_over(
    broker_settings: BrokerSettings, data: Path, ids: list[str], admin: Admin
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        job_id = await client.submit(ids[:10], ttl_seconds=3600)
        await client.lines(job_id)
        await client.command(job_id, SET_TTL, ttl_seconds=1)
        await client.state_when(job_id, lambda state: state.status is Status.EXPIRED)
        async with asyncio.timeout(10):
            while client.names.job(job_id) in await admin.list_topics():
                await asyncio.sleep(0.05)


async def test_a_second_worker_goes_on_where_the_first_was_drained(
    broker_settings: BrokerSettings, data: Path, ids: list[str]
) -> None:
    async with JobClient(broker_settings) as client:
        async with running_worker(broker_settings, data):
            job_id = await client.submit(ids)
            await client.state_when(job_id, lambda state: state.status is not Status.QUEUED)
        async with running_worker(broker_settings, data):
            lines = await client.lines(job_id)
            states = await client.states(job_id)
    for domain, table in (("history", "MES_LOT_HISTORY"), ("materials", "MES_LOT_MATERIALS")):
        got = sorted(record["CONTAINERID"] for record in records_of(lines, domain))
        assert got == rows_in(data, table)
    assert max(state.tries for state in states) <= 1
