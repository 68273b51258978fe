"""One job's fold against the real Kafka: what it waits for, what it passes over, what becomes a problem."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker.admin import Admin
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from processors.fold import Fold, FoldServices
from processors.registry import load_aggregations
from schemas import messages
from schemas.jobs import Status
from schemas.results import Result
from schemas.topics import Names
from tests.foldjobs import FoldJob, create_job, demo_messages, header
from tests.foldlogs import Message
from tracestream.data import DemoData, container_ids, generate
from tracestream.verify import exact_json, msd_by_sql

BOTH = ("history", "materials")


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    generate(path, DemoData().scaled(0.005))
    return path


@pytest.fixture(scope="module")
def ids(demo_file: Path) -> list[str]:
    return list(container_ids(demo_file))


@dataclass(slots=True)
class Folding:
    """Folds in this process; ``results`` are what they published."""

    services: FoldServices
    results: list[Result] = field(default_factory=list)

    def start(self, job: FoldJob) -> asyncio.Task[bool]:
        return asyncio.create_task(Fold(self.services, job.state).run())


@pytest.fixture
async def folding(broker_settings: BrokerSettings) -> AsyncIterator[Folding]:
    reader = LogReader(broker_settings)
    await reader.start()
    results: list[Result] = []

    async def publish(result: Result) -> None:
        results.append(result)

    names = Names(broker_settings.prefix)
    services = FoldServices(reader, names, load_aggregations(), 0.2, asyncio.to_thread, publish)
    yield Folding(services, results)
    await reader.stop()


def sql(database: Path, ids: list[str]) -> Any:
    return msd_by_sql(database, ids)


def data_of(result: Result) -> Any:
    assert result.problem is None
    assert result.data is not None
    return exact_json(bytes(result.data))


async def test_it_follows_a_log_that_grows_to_the_end_of_its_last_domain(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids)
    lines = await demo_messages(demo_file, ids, BOTH)
    await job.write(lines[:2])
    fold = folding.start(job)
    for line in lines[2:-1]:
        await job.write([line])
    assert not fold.done()
    await job.write(lines[-1:], Status.EXTRACTED)
    assert await asyncio.wait_for(fold, 30)
    (result,) = folding.results
    assert result.end_offset == job.state.end_offset
    assert data_of(result) == sql(demo_file, ids)
    await job.close()


async def test_records_of_an_aborted_transaction_do_not_count(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids)
    lines = await demo_messages(demo_file, ids, BOTH)
    await job.write(lines[:2])
    for line in lines[2:]:
        job.message(line)
    await job.abort()
    await job.write(lines[2:], Status.EXTRACTED)
    assert await asyncio.wait_for(folding.start(job), 30)
    assert data_of(folding.results[0]) == sql(demo_file, ids)
    assert folding.results[0].end_offset == job.state.end_offset
    await job.close()


async def test_domains_that_it_does_not_need_are_passed_over(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids, domains=("history", "other", "materials"))
    history = await demo_messages(demo_file, ids, ["history"])
    other: list[Message] = [
        (header(messages.DOMAIN_START, "other"), b'{"type":"domain_start","columns":[]}\n'),
        (header(messages.RECORDS, "other"), b"no JSON that anyone could read\n"),
        (header(messages.DOMAIN_END, "other"), b'{"type":"domain_end"}\n'),
    ]
    materials = await demo_messages(demo_file, ids, ["materials"])
    await job.write([*history, *other, *materials], Status.EXTRACTED)
    assert await asyncio.wait_for(folding.start(job), 30)
    assert data_of(folding.results[0]) == sql(demo_file, ids)
    await job.close()


@pytest.mark.parametrize("end", ["complete", "cancel"])
async def test_a_job_that_has_ended_needs_no_result(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, end: str
) -> None:
    job = await create_job(broker_settings, admin, ["C1"])
    await getattr(job, end)()
    assert not await asyncio.wait_for(folding.start(job), 30)
    assert not folding.results
    await job.close()


async def test_a_job_that_is_cancelled_meanwhile_ends_its_fold(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids)
    await job.write((await demo_messages(demo_file, ids, BOTH))[:3])
    fold = folding.start(job)
    await job.cancel()
    assert not await asyncio.wait_for(fold, 30)
    assert not folding.results
    await job.close()


async def test_a_job_whose_topic_is_removed_ends_its_fold(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids)
    await job.write((await demo_messages(demo_file, ids, BOTH))[:3])
    fold = folding.start(job)
    await asyncio.sleep(0.5)
    await admin.delete_topics([job.topic])
    assert not await asyncio.wait_for(fold, 30)
    await job.close()


async def problem_of(folding: Folding, job: FoldJob, lines: list[Message]) -> str:
    await job.write(lines, Status.EXTRACTED)
    assert await asyncio.wait_for(folding.start(job), 30)
    (result,) = folding.results
    assert result.end_offset == job.state.end_offset
    assert result.data is None
    assert result.problem is not None
    assert result.problem["type"] == "urn:tracestream:problem:aggregation-failed"
    await job.close()
    return str(result.problem["detail"])


async def test_an_aggregation_that_is_not_known_here_is_a_problem_of_the_same_end(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids, aggregation="pareto")
    detail = await problem_of(folding, job, await demo_messages(demo_file, ids, BOTH))
    assert detail == "This processor has no aggregation pareto; it has msd."


async def test_a_column_that_is_missing_is_a_problem_that_names_it(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids)
    lines = [
        (headers, line.replace(b'"DEFECTQTY"', b'"DEFECTS"'))
        for headers, line in await demo_messages(demo_file, ids, BOTH)
    ]
    detail = await problem_of(folding, job, lines)
    assert detail == "The domain history has no column DEFECTQTY, which the aggregation msd needs."


async def test_a_record_of_another_container_is_a_problem(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids[:10])
    detail = await problem_of(folding, job, await demo_messages(demo_file, ids, BOTH))
    assert "which the job did not ask for" in detail


async def test_a_submit_that_is_no_longer_there_is_a_problem(
    broker_settings: BrokerSettings, admin: Admin, folding: Folding, demo_file: Path, ids: list[str]
) -> None:
    job = await create_job(broker_settings, admin, ids)
    job.state = job.state.__class__(
        **{
            **{name: getattr(job.state, name) for name in job.state.__struct_fields__},
            "command": job.state.command.__class__(job.state.command.partition, 10**6),
        }
    )
    detail = await problem_of(folding, job, await demo_messages(demo_file, ids, BOTH))
    assert "submit it again" in detail
