"""A worker under the loads it exists for: a huge chunk, many jobs, a query that hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from broker.settings import BrokerSettings
from catalogue.domain import Domain, parse_domain
from producers import extraction
from producers.sources.open import open_source
from producers.sources.protocol import Source
from producers.sources.settings import SourceSettings
from schemas.commands import CANCEL
from schemas.jobs import Status
from tests.workers import QUICK, JobClient, kinds_of, records_of, running_worker

WIDE_ROWS = 180_000
"""Rows of one container; about 1.7 KB each as JSON, 300 MB in all."""


def a_domain(name: str, sql: str) -> Domain:
    return parse_domain(name, sql, 'description = "a test"\ncontainer_id = "CONTAINERID"\n')


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with one huge container, and 20,000 containers of one row."""
    path = tmp_path_factory.mktemp("wide") / "wide.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""CREATE TABLE WIDE AS
            SELECT CASE WHEN i < {WIDE_ROWS} THEN 'HUGE' ELSE 'C' || i END AS CONTAINERID, i AS N,
                   repeat(chr(97 + (i % 26)::INT), 820) AS A, repeat('b', 820) AS B
            FROM range({WIDE_ROWS + 20_000}) t(i)"""
        )
    return path


WIDE = a_domain("wide", "SELECT CONTAINERID, N, A, B FROM WIDE WHERE CONTAINERID IN ({{ids}})")
SLOW = a_domain(
    "slow",
    "SELECT w.CONTAINERID, sum(r.i * w.N) AS N FROM WIDE w, range(40000000000) r(i) "
    "WHERE w.CONTAINERID IN ({{ids}}) GROUP BY w.CONTAINERID",
)
SMALL_IDS = [f"C{number}" for number in range(WIDE_ROWS, WIDE_ROWS + 20_000)]


async def test_a_chunk_of_300_mb_goes_through(broker_settings: BrokerSettings, wide: Path) -> None:
    async with (
        running_worker(broker_settings, wide, catalogue={"wide": WIDE}),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(["HUGE"], ["wide"])
        state = await client.state_when(job_id, lambda state: state.ended, seconds=240)
    assert state.status is Status.COMPLETE
    assert state.progress[0].records == WIDE_ROWS
    assert state.progress[0].bytes > 290_000_000


async def test_a_cancel_takes_effect_within_a_second_though_the_query_hangs(
    broker_settings: BrokerSettings, wide: Path
) -> None:
    async with (
        running_worker(broker_settings, wide, catalogue={"slow": SLOW}),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(SMALL_IDS[:1500], ["slow"])
        await client.state_when(job_id, lambda state: state.status is Status.RUNNING)
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        await client.command(job_id, CANCEL)
        state = await client.state_when(job_id, lambda state: state.ended)
        took = time.monotonic() - begun
        lines = await client.lines(job_id)
    assert state.status is Status.CANCELLED
    assert kinds_of(lines) == ["meta", "cancelled"]
    assert took < 10, "the query was not interrupted"


async def test_a_small_job_does_not_wait_behind_ten_large_ones(
    broker_settings: BrokerSettings, wide: Path
) -> None:
    catalogue = {"wide": WIDE, "slow": SLOW}
    async with (
        running_worker(broker_settings, wide, catalogue=catalogue),
        JobClient(broker_settings) as client,
    ):
        large = [await client.submit(SMALL_IDS[:1500], ["slow"], principal="a") for _ in range(10)]
        await client.state_when(large[0], lambda state: state.status is Status.RUNNING)
        small = await client.submit(SMALL_IDS[:10], ["wide"], principal="b")
        lines = await client.lines(small, seconds=20)
        waiting = [(await client.states(job_id))[-1].status for job_id in large]
        for job_id in large:
            await client.command(job_id, CANCEL)
        for job_id in large:
            state = await client.state_when(job_id, lambda state: state.ended)
            assert state.status is Status.CANCELLED
    assert len(records_of(lines, "wide")) == 10
    assert waiting.count(Status.RUNNING) == QUICK.jobs - 1


async def test_a_long_job_costs_a_worker_neither_its_membership_nor_its_commands(
    broker_settings: BrokerSettings, wide: Path
) -> None:
    one_partition = replace(broker_settings, partitions=1)
    async with (
        running_worker(one_partition, wide, catalogue={"wide": WIDE, "slow": SLOW}) as worker,
        JobClient(one_partition) as client,
    ):
        long = await client.submit(SMALL_IDS[:1500], ["slow"])
        await client.state_when(long, lambda state: state.status is Status.RUNNING)
        await asyncio.sleep(QUICK.session_timeout * 2)
        assert len(await client.lines(await client.submit(SMALL_IDS[:5], ["wide"]), seconds=20)) > 0
        await client.command(long, CANCEL)
        state = await client.state_when(long, lambda state: state.ended)
        states = await client.states(long)
    assert state.status is Status.CANCELLED
    assert max(each.tries for each in states) == 1
    assert worker.counters["starts"] == 2


async def test_a_query_that_is_refused_fails_the_job_with_the_reason(
    broker_settings: BrokerSettings, wide: Path
) -> None:
    broken = a_domain(
        "broken", "SELECT CONTAINERID, CAST(A AS INTEGER) AS N FROM WIDE WHERE CONTAINERID IN ({{ids}})"
    )
    async with (
        running_worker(broker_settings, wide, catalogue={"broken": broken}),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(SMALL_IDS[:10], ["broken"])
        lines = await client.lines(job_id)
        state = await client.state_when(job_id, lambda state: state.ended)
    assert kinds_of(lines)[-1] == "error"
    assert state.status is Status.FAILED
    assert state.problem is not None
    assert state.problem["type"].endswith(":source")


async def test_a_job_larger_than_it_may_be_fails_and_says_so(
    broker_settings: BrokerSettings, wide: Path
) -> None:
    async with (
        running_worker(
            broker_settings, wide, catalogue={"wide": WIDE}, settings=replace(QUICK, job_bytes=1_000_000)
        ),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(SMALL_IDS, ["wide"])
        state = await client.state_when(job_id, lambda state: state.ended)
    assert state.problem is not None
    assert state.problem["type"].endswith(":job-too-large")


class Slow:
    """A source that takes its time for each chunk."""

    def __init__(self, source: Source, seconds: float) -> None:
        self._source = source
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        await asyncio.sleep(self._seconds)
        rows = self._source.fetch_events_iter(container_ids, domain, batch_size, snapshot=snapshot)
        async with aclosing(rows):
            async for batch in rows:
                yield batch


async def test_the_chunks_of_a_slow_source_are_committed_as_they_come_though_no_message_is_full(
    broker_settings: BrokerSettings, wide: Path
) -> None:
    tens = replace(
        a_domain("wide", "SELECT CONTAINERID, N FROM WIDE WHERE CONTAINERID IN ({{ids}})"), chunk_size=10
    )
    source = Slow(open_source(replace(SourceSettings(), duckdb_path=wide)), 0.5)
    settings = replace(QUICK, parallel_chunks=1, transaction_seconds=0.2)
    ids = [f"C{WIDE_ROWS + number}" for number in range(80)]
    async with (
        running_worker(broker_settings, source=source, catalogue={"wide": tens}, settings=settings),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(ids, ["wide"])
        lines = await client.lines(job_id)
        committed = {state.progress[0].chunks for state in await client.states(job_id) if state.progress}
    assert len(records_of(lines, "wide")) == len(ids)
    assert len(committed - {0, 1, 8}) >= 3


async def test_each_transaction_has_its_time_anew(
    broker_settings: BrokerSettings, wide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the time of the first counted on, every chunk would be a transaction of its own from then on."""
    seconds = count(step=30)
    monkeypatch.setattr(extraction, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    ones = replace(
        a_domain("wide", "SELECT CONTAINERID, N FROM WIDE WHERE CONTAINERID IN ({{ids}})"), chunk_size=1
    )
    settings = replace(QUICK, transaction_seconds=100.0)
    ids = [f"C{WIDE_ROWS + number}" for number in range(40)]
    async with (
        running_worker(broker_settings, wide, catalogue={"wide": ones}, settings=settings),
        JobClient(broker_settings) as client,
    ):
        job_id = await client.submit(ids, ["wide"])
        await client.lines(job_id)
        committed = {state.progress[0].chunks for state in await client.states(job_id) if state.progress}
    assert 5 < len(committed) < 20
