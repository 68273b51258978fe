"""What a worker does again, how often, and what it makes of a state that was lost."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from broker.admin import Admin
from broker.errors import WrongPartitions
from broker.settings import BrokerSettings
from catalogue.domain import Domain
from producers.sources.open import open_source
from producers.sources.protocol import Source, SourceUnavailable
from producers.sources.settings import SourceSettings
from schemas import commands
from schemas.commands import SET_TTL
from schemas.ids import ContainerIds
from schemas.jobs import CommandPlace, Status, encode_state, new_state
from schemas.topics import Names, shared_topics
from schemas.values import Column
from tests.integration.lots import CATALOGUE, IDS
from tests.workers import QUICK, JobClient, kinds_of, records_of, running_worker
from tracestream.exits import Exit


class Troubled:
    """A source that fails so often when it is asked for its snapshot or its columns, and stops before a container ID."""

    def __init__(self, lots: Path, *, stops_at: str = "") -> None:
        self._source: Source = open_source(replace(SourceSettings(), duckdb_path=lots))
        self._stops_at = stops_at
        self.snapshot_failures = 0
        self.column_failures = 0
        self.stopped = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def snapshot(self) -> int | None:
        if self.snapshot_failures:
            self.snapshot_failures -= 1
            raise SourceUnavailable("The database is away.")
        return await self._source.snapshot()

    async def columns(self, domain: Domain) -> tuple[Column, ...]:
        if self.column_failures:
            self.column_failures -= 1
            raise SourceUnavailable("The database is away.")
        return await self._source.columns(domain)

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        if self._stops_at in container_ids:
            self.stopped.set()
            await asyncio.Event().wait()
        rows = self._source.fetch_events_iter(container_ids, domain, batch_size, snapshot=snapshot)
        async with aclosing(rows):
            async for batch in rows:
                yield batch


async def test_a_database_that_is_away_for_a_moment_when_a_job_starts_costs_no_try(
    broker: BrokerSettings, lots: Path
) -> None:
    source = Troubled(lots)
    async with running_worker(broker, source=source, catalogue=CATALOGUE), JobClient(broker) as client:
        source.snapshot_failures = source.column_failures = 2
        job_id = await client.submit(IDS, ["lots"])
        assert kinds_of(await client.lines(job_id))[-1] == "complete"
        assert max(state.tries for state in await client.states(job_id)) <= 1
    assert (source.snapshot_failures, source.column_failures) == (0, 0)


async def test_a_cancellation_that_nobody_asked_for_does_not_end_a_job(
    broker: BrokerSettings, lots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library may let one of its own out; the job would stand still, with no word of it, until the next take-over."""
    source, strays = Troubled(lots), 0

    async def stray(domain: Domain) -> tuple[Column, ...]:
        nonlocal strays
        if strays:
            strays -= 1
            raise asyncio.CancelledError
        return await source._source.columns(domain)

    monkeypatch.setattr(source, "columns", stray)
    async with running_worker(broker, source=source, catalogue=CATALOGUE), JobClient(broker) as client:
        strays = 2
        job_id = await client.submit(IDS, ["lots"])
        assert kinds_of(await client.lines(job_id))[-1] == "complete"
    assert strays == 0


async def test_a_database_that_stays_away_fails_the_job_with_its_words(
    broker: BrokerSettings, lots: Path
) -> None:
    source = Troubled(lots)
    few = replace(QUICK, chunk_tries=2)
    async with (
        running_worker(broker, source=source, catalogue=CATALOGUE, settings=few),
        JobClient(broker) as client,
    ):
        source.snapshot_failures = 99
        job_id = await client.submit(IDS, ["lots"])
        state = await client.state_when(job_id, lambda state: state.ended)
        lines = await client.lines(job_id)
    assert state.status is Status.FAILED
    assert state.problem is not None
    assert state.problem["detail"] == "The database is away."
    assert kinds_of(lines) == ["meta", "error"]
    assert source.snapshot_failures == 97


async def test_a_changed_life_does_not_begin_the_wait_for_the_result_anew(
    broker: BrokerSettings, lots: Path
) -> None:
    short = replace(QUICK, result_timeout=4.0)
    async with (
        running_worker(broker, lots, catalogue=CATALOGUE, settings=short),
        JobClient(broker) as client,
    ):
        job_id = await client.submit(IDS, ["lots"], aggregation="msd")
        await client.state_when(job_id, lambda state: state.status is Status.EXTRACTED)
        async with asyncio.timeout(60):
            seconds = 3600
            while not (await client.states(job_id))[-1].ended:
                seconds += 1
                await client.command(job_id, SET_TTL, ttl_seconds=seconds)
                await asyncio.sleep(0.5)
        state = (await client.states(job_id))[-1]
    assert state.status is Status.FAILED
    assert state.problem is not None
    assert state.problem["type"].endswith(":result-timeout")
    assert state.ttl > 3600


async def test_an_error_of_ours_before_the_start_is_stored_counts_as_a_try_all_the_same(
    broker: BrokerSettings, lots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bytes] = []

    def breaks(value: bytes) -> ContainerIds:
        calls.append(value)
        raise RuntimeError("a bug")

    few = replace(QUICK, max_tries=2)
    async with (
        running_worker(broker, lots, catalogue=CATALOGUE, settings=few),
        JobClient(broker) as client,
    ):
        with monkeypatch.context() as patched:
            patched.setattr(ContainerIds, "from_command", breaks)
            job_id = await client.submit(IDS, ["lots"])
            state = await client.state_when(job_id, lambda state: state.ended, 60)
            lines = await client.lines(job_id)
        good = await client.submit(IDS, ["lots"])
        assert kinds_of(await client.lines(good))[-1] == "complete"
    assert state.status is Status.FAILED
    assert state.problem is not None
    assert state.problem["type"].endswith(":tries-exhausted")
    assert kinds_of(lines) == ["meta", "error"]
    # The first before anything was counted, then the two that were.
    assert len(calls) == 3


async def lose_the_state(client: JobClient, job_id: str, **request: Any) -> None:
    """Writes the job's first state again, as if all later ones had been lost."""
    made = commands.Request(job_id, ("lots",), len(IDS), 0, 10, 3600, "127.0.0.1", "h", 0)
    state = new_state(msgspec.structs.replace(made, **request), CommandPlace(0, 0), client.names.job(job_id))
    await client.producer.send_and_wait(
        client.names.jobs, encode_state(state), key=job_id.encode(), partition=0
    )


async def test_a_job_whose_state_was_lost_goes_on_behind_the_last_whole_chunk_of_its_log(
    broker: BrokerSettings, lots: Path
) -> None:
    source = Troubled(lots, stops_at="C15")
    async with JobClient(broker) as client:
        async with running_worker(broker, source=source, catalogue=CATALOGUE):
            # A message is full exactly where the chunk ends.
            job_id = await client.submit(IDS, ["lots"], batch_size=10)
            await source.stopped.wait()
            await client.state_when(job_id, lambda state: state.progress[0].records > 0)
        await lose_the_state(client, job_id)
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            lines = await client.lines(job_id)
            state = await client.state_when(job_id, lambda state: state.ended)
    assert [record["CONTAINERID"] for record in records_of(lines, "lots")] == IDS
    assert kinds_of(lines).count("meta") == kinds_of(lines).count("domain_start") == 1
    assert state.progress[0].records == len(IDS)


async def test_a_job_that_has_ended_and_lost_its_state_gets_it_back_from_its_log(
    broker: BrokerSettings, lots: Path
) -> None:
    async with JobClient(broker) as client:
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            job_id = await client.submit(IDS, ["lots"])
            before = await client.lines(job_id)
        known = (await client.states(job_id))[-1]
        await lose_the_state(client, job_id)
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            state = await client.state_when(job_id, lambda state: state.ended)
            await asyncio.sleep(1)
            assert await client.lines(job_id) == before
    assert state.status is Status.COMPLETE
    assert state.end_offset == known.end_offset
    assert state.progress[0].records == len(IDS)
    assert state.ended_at is not None
    assert state.expires_at == state.ended_at + 3600 * 1000


async def test_a_worker_with_another_number_of_partitions_than_the_topics_have_does_not_start(
    broker: BrokerSettings, lots: Path
) -> None:
    async with running_worker(broker, lots, catalogue=CATALOGUE):
        pass
    with pytest.raises(WrongPartitions, match="has 1 partitions and not 4: set TRACE_PARTITIONS to 1"):
        async with running_worker(replace(broker, partitions=4), lots, catalogue=CATALOGUE):
            pass


@pytest.mark.parametrize("process", ["worker", "processor"])
async def test_a_process_with_another_number_of_partitions_ends_with_a_sentence_and_no_stack_trace(
    broker: BrokerSettings, lots: Path, admin: Admin, process: str
) -> None:
    specs = shared_topics(Names(broker.prefix), 1, 1, 1, broker.command_retention)
    await admin.create_topics(specs)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRACE_")},
        "TRACE_KAFKA_BOOTSTRAP": broker.bootstrap,
        "TRACE_TOPIC_PREFIX": broker.prefix,
        "TRACE_PARTITIONS": "4",
        "TRACE_DUCKDB_PATH": str(lots),
    }
    ended = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracestream", process, env=environment, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        _, said = await ended.communicate()
    assert ended.returncode == Exit.USAGE
    last = said.decode().splitlines()[-1]
    assert re.fullmatch(
        r"tracestream: Topic \S+ has 1 partitions and not 4: set TRACE_PARTITIONS to 1, or .*", last
    )
    assert b"Traceback" not in said
