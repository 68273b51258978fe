"""examples/subscribe.py as another system would run it: killed in the middle and started again, no record twice, none missing."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from broker.settings import BrokerSettings
from schemas.commands import DELETE
from tests.architecture import tree
from tests.workers import JobClient, records_of, running_worker
from tracestream.data import DemoData, container_ids, generate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "trace.duckdb"
    generate(path, DemoData().scaled(0.01))
    return path


@pytest.fixture(scope="module")
def ids(data: Path) -> list[str]:
    return list(container_ids(data))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


@asynccontextmanager
async def subscriber(broker: BrokerSettings, database: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The example as a process; killed at the end if it still runs."""
    script = str(tree.ROOT / "examples/subscribe.py")
    arguments = [script, str(database), "--bootstrap", broker.bootstrap, "--prefix", broker.prefix]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def rows(database: Path, query: str) -> list[Any]:
    """What stands in the subscriber's database; nothing while it has no tables."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


def ended(database: Path) -> dict[str, str]:
    return dict(rows(database, "SELECT job_id, ended FROM jobs WHERE ended IS NOT NULL"))


def stored(database: Path, job_id: str, domain: str) -> list[dict[str, Any]]:
    """The subscriber's records of one domain, in order."""
    query = f"SELECT record FROM records WHERE job_id = '{job_id}' AND domain = '{domain}' ORDER BY number"
    return [json.loads(record) for (record,) in rows(database, query)]


async def test_a_subscriber_that_is_killed_again_and_again_has_every_record_once(
    broker_settings: BrokerSettings, data: Path, ids: list[str], database: Path
) -> None:
    logs: dict[str, list[bytes]] = {}
    kills = 0
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        # One job is enough, unless the subscriber is through with it before it can be killed often enough.
        while kills < 3:
            job_id = await client.submit(ids, batch_size=1)
            logs[job_id] = await client.lines(job_id)
            while job_id not in ended(database):
                kills += await killed_after_progress(broker_settings, database, job_id)
    assert ended(database) == dict.fromkeys(logs, "complete")
    for job_id, lines in logs.items():
        for domain in ("history", "materials"):
            assert stored(database, job_id, domain) == records_of(lines, domain)


async def killed_after_progress(broker: BrokerSettings, database: Path, job_id: str) -> bool:
    """Runs the subscriber until it has got on, and kills it. False when it had read the job to its end by then."""
    begun = position(database, job_id)
    async with subscriber(broker, database) as process:
        await until(lambda: position(database, job_id) > begun or job_id in ended(database))
        assert process.returncode is None
        process.kill()
        await process.wait()
    return job_id not in ended(database)


def position(database: Path, job_id: str) -> int:
    found = rows(database, f"SELECT position FROM jobs WHERE job_id = '{job_id}'")
    return int(found[0][0]) if found else 0


async def test_a_subscriber_follows_a_job_while_it_runs_and_takes_the_next_one(
    broker_settings: BrokerSettings, data: Path, ids: list[str], database: Path
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        async with subscriber(broker_settings, database) as process:
            first = await client.submit(ids, ["history"])
            second = await client.submit(ids[:10], ["materials"])
            await until(lambda: len(ended(database)) == 2)
            process.terminate()
            assert await process.wait() == 0
        lines = {job_id: await client.lines(job_id) for job_id in (first, second)}
    assert stored(database, first, "history") == records_of(lines[first], "history")
    assert stored(database, second, "materials") == records_of(lines[second], "materials")


async def test_a_deleted_job_does_not_hold_up_the_others(
    broker_settings: BrokerSettings, data: Path, ids: list[str], database: Path
) -> None:
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        removed = await client.submit(ids[:10])
        await client.lines(removed)
        await client.command(removed, DELETE)
        await client.state_when(removed, lambda state: state.status == "expired")
        kept = await client.submit(ids[:10])
        async with subscriber(broker_settings, database):
            await until(lambda: kept in ended(database))
    assert ended(database)[kept] == "complete"
    assert ended(database).get(removed) in (None, "gone")
