"""Processors as processes: faust's group, jobs beside each other, kills, a second processor that joins."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.settings import BrokerSettings
from schemas import messages
from schemas.jobs import Status
from schemas.results import Result
from tests.foldjobs import FoldJob, ResultLog, create_job, demo_messages, result_log
from tests.foldlogs import Message
from tests.processors import HOLD, QUICK, running_processor
from tests.workers import JobClient, running_worker
from tracestream.data import DemoData, container_ids, generate
from tracestream.verify import exact_json, msd_by_sql

BOTH = ("history", "materials")
HOLD_SECONDS = float(os.environ.get("TRACESTREAM_TEST_HOLD", "8"))
"""How long a fold is held up; the long form of the test is 90."""


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    generate(path, DemoData().scaled(0.005))
    return path


@pytest.fixture(scope="module")
def ids(demo_file: Path) -> list[str]:
    return list(container_ids(demo_file))


@pytest.fixture(scope="module")
def lines(demo_file: Path, ids: list[str]) -> list[Message]:
    return asyncio.run(demo_messages(demo_file, ids, BOTH))


@pytest.fixture
async def results(broker_settings: BrokerSettings, admin: Admin) -> AsyncIterator[ResultLog]:
    async with result_log(broker_settings) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def data_of(result: Result) -> Any:
    assert result.problem is None
    assert result.data is not None
    return exact_json(bytes(result.data))


async def until(check: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.05)


def folding(folder: Path) -> set[int]:
    """The processes that have begun a fold of ``held``."""
    return {int(path.name.removeprefix("folding-")) for path in folder.glob("folding-*")}


async def extracted(job: FoldJob, lines: list[Message]) -> FoldJob:
    await job.write(lines, Status.EXTRACTED)
    return job


async def test_a_worker_and_a_processor_end_a_job_with_its_aggregation(
    broker_settings: BrokerSettings, folder: Path, demo_file: Path, ids: list[str]
) -> None:
    async with (
        running_processor(broker_settings, folder),
        running_worker(broker_settings, demo_file),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(ids, aggregation="msd")
        found = [exact_json(line) for line in await client.lines(job_id)]
    assert [line["type"] for line in found[-2:]] == [messages.AGGREGATION, messages.COMPLETE]
    assert found[-2]["name"] == "msd"
    assert found[-2]["data"] == msd_by_sql(demo_file, ids)


async def test_a_fold_goes_on_beside_a_growing_log(
    broker_settings: BrokerSettings,
    admin: Admin,
    results: ResultLog,
    folder: Path,
    ids: list[str],
    lines: list[Message],
    demo_file: Path,
) -> None:
    async with running_processor(broker_settings, folder):
        job = await create_job(broker_settings, admin, ids, aggregation="held")
        await job.write(lines[:3])
        await until(lambda: bool(folding(folder)))
        for line in lines[3:-1]:
            await job.write([line])
        assert not await results.all_of(job.job_id)
        await extracted(job, lines[-1:])
        result = await results.wait(job.job_id)
    assert result.end_offset == job.state.end_offset
    assert data_of(result) == msd_by_sql(demo_file, ids)
    await job.close()


async def test_a_processor_killed_in_the_middle_of_a_fold_is_made_up_for_by_another(
    broker_settings: BrokerSettings,
    admin: Admin,
    results: ResultLog,
    folder: Path,
    ids: list[str],
    lines: list[Message],
    demo_file: Path,
) -> None:
    (folder / HOLD).touch()
    async with running_processor(broker_settings, folder) as first:
        job = await extracted(await create_job(broker_settings, admin, ids, aggregation="held"), lines)
        await until(lambda: folding(folder) == {first.pid})
        # Long enough for faust to commit the events: nobody will repeat them.
        await asyncio.sleep(4)
        await first.end(signal.SIGKILL)
    (folder / HOLD).unlink()
    assert not await results.all_of(job.job_id)
    async with running_processor(broker_settings, folder) as second:
        result = await results.wait(job.job_id)
        assert folding(folder) == {first.pid, second.pid}
    assert result.end_offset == job.state.end_offset
    assert data_of(result) == msd_by_sql(demo_file, ids)
    await job.close()


async def test_a_fold_held_up_through_a_rebalance_delays_no_other_job_and_ends_once(
    broker_settings: BrokerSettings,
    admin: Admin,
    results: ResultLog,
    folder: Path,
    ids: list[str],
    lines: list[Message],
    demo_file: Path,
) -> None:
    assert max(QUICK.session_timeout, QUICK.rebalance_timeout) < HOLD_SECONDS
    clock = asyncio.get_running_loop().time
    (folder / HOLD).touch()
    async with running_processor(broker_settings, folder) as first:
        held = await extracted(await create_job(broker_settings, admin, ids, aggregation="held"), lines)
        await until(lambda: folding(folder) == {first.pid})
        begun = clock()
        async with running_processor(broker_settings, folder):
            others = [
                await extracted(await create_job(broker_settings, admin, ids, partition=n % 2), lines)
                for n in range(4)
            ]
            for other in others:
                await results.wait(other.job_id)
            await asyncio.sleep(max(0.0, begun + HOLD_SECONDS - clock()))
            late = await extracted(await create_job(broker_settings, admin, ids), lines)
            await results.wait(late.job_id)
            assert not await results.all_of(held.job_id)
            (folder / HOLD).unlink()
            result = await results.wait(held.job_id)
            await asyncio.sleep(2)
            for job in (held, late, *others):
                assert len(await results.all_of(job.job_id)) == 1
                await job.close()
    assert data_of(result) == msd_by_sql(demo_file, ids)


async def test_a_job_that_is_only_queued_or_has_no_aggregation_gets_no_result(
    broker_settings: BrokerSettings,
    admin: Admin,
    results: ResultLog,
    folder: Path,
    ids: list[str],
    lines: list[Message],
) -> None:
    async with running_processor(broker_settings, folder):
        queued = await create_job(broker_settings, admin, ids)
        cancelled = await create_job(broker_settings, admin, ids)
        await cancelled.cancel()
        wanted = await extracted(await create_job(broker_settings, admin, ids), lines)
        await results.wait(wanted.job_id)
        for job in (queued, cancelled):
            assert not await results.all_of(job.job_id)
            await job.close()
        await wanted.close()


async def test_sigterm_ends_a_processor_in_the_middle_of_a_fold(
    broker_settings: BrokerSettings, admin: Admin, folder: Path, ids: list[str], lines: list[Message]
) -> None:
    async with running_processor(broker_settings, folder) as processor:
        job = await create_job(broker_settings, admin, ids, aggregation="held")
        await job.write(lines[:3])
        await until(lambda: bool(folding(folder)))
        assert await processor.end(signal.SIGTERM) == 0
        await job.close()


async def test_a_processor_outlives_a_restart_of_the_broker(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, ids: list[str], lines: list[Message]
) -> None:
    async with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as kafka:
        broker = BrokerSettings(bootstrap=kafka.bootstrap, prefix="t.", partitions=2)
        async with running_processor(broker, folder) as processor:
            async with Admin(broker) as admin:
                growing = await create_job(broker, admin, ids, aggregation="held")
                await growing.write(lines[:3])
                await until(lambda: folding(folder) == {processor.pid})
            await kafka.restart()
            async with Admin(broker) as admin, result_log(broker) as results:
                later = await extracted(await create_job(broker, admin, ids), lines)
                await results.wait(later.job_id, 120)
                await extracted(growing, lines[3:])
                await results.wait(growing.job_id, 120)
                await later.close()
                await growing.close()
            assert processor.process.returncode is None
