"""Chunks of more container IDs than an IN-list may have: a JSON array in a temporary CLOB, through source and producer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from broker.settings import BrokerSettings
from catalogue.domain import parse_domain
from producers.sources.oracle import OracleSource
from schemas.commands import CANCEL
from tests.oracle import OracleServer, Table, serving, types
from tests.oraclesource import settings_for
from tests.workers import QUICK, JobClient, kinds_of, records_of, running_worker, until

IDS = [f"C{number}" for number in range(5000)]
CHUNK = 2000
LOTS = parse_domain(
    "lots",
    "SELECT t.CONTAINERID, t.N, t.AMOUNT FROM LOTS {{as_of}} t WHERE t.CONTAINERID IN ({{ids}})",
    f'description = "a test"\ncontainer_id = "CONTAINERID"\nchunk_size = {CHUNK}\n',
)
SETTINGS = replace(QUICK, fetch_rows=500, transaction_seconds=0.0)


def lots(amount: int = 0) -> Table:
    columns = {"CONTAINERID": types.varchar2(20), "N": types.number(10), "AMOUNT": types.number(5)}
    return Table.of(columns, [(cid, number, Decimal(amount)) for number, cid in enumerate(IDS)])


@pytest.fixture
def oracle() -> Iterator[OracleServer]:
    with serving() as server:
        server.data.tables.put("LOTS", lots())
        yield server


def source_of(server: OracleServer, **changes: Any) -> OracleSource:
    return OracleSource(settings_for(server, **changes))


async def numbers_of(source: OracleSource, ids: Sequence[str], scn: int | None = None) -> list[int]:
    """The rows of one chunk, by their number."""
    async with aclosing(source.fetch_events_iter(ids, LOTS, 500, snapshot=scn)) as batches:
        return sorted([number async for batch in batches for number in batch["N"].to_pylist()])


@asynccontextmanager
async def producing(
    broker: BrokerSettings, server: OracleServer, timeout_seconds: float | None = None
) -> AsyncIterator[JobClient]:
    catalogue = {"lots": replace(LOTS, timeout_seconds=timeout_seconds)}
    source = source_of(server)
    async with (
        running_worker(broker, settings=SETTINGS, source=source, catalogue=catalogue),
        JobClient(broker) as client,
    ):
        yield client


async def whole_log(client: JobClient) -> bool:
    """Whether a job's log has each row once and ends as complete."""
    lines = await client.lines(await client.submit(IDS, ("lots",)), 120.0)
    numbers = Counter(record["N"] for record in records_of(lines, "lots"))
    return numbers == Counter(range(len(IDS))) and kinds_of(lines)[-1] == "complete"


async def test_a_session_goes_from_chunk_to_chunk_with_one_statement_and_one_list(
    oracle: OracleServer,
) -> None:
    source = source_of(oracle, connections=1)
    await source.open()
    scn = await source.snapshot()
    await source.columns(LOTS)
    before = oracle.counts.copy()
    for first in (0, 1000, 3000):
        assert await numbers_of(source, IDS[first : first + CHUNK], scn) == list(range(first, first + CHUNK))
        assert len(oracle.database.lobs.temporary) == 1
    made = oracle.counts - before
    assert (made["parse"], made["reexecute"], made["lob"], made["logon"]) == (1, 2, 6, 0)
    assert await numbers_of(source, IDS[:10], scn) == list(range(10))
    await source.close()
    await asyncio.to_thread(oracle.wait_until, lambda: not oracle.sessions)
    assert not oracle.database.lobs.temporary


async def test_a_chunk_of_thousands_is_read_as_of_the_jobs_scn(oracle: OracleServer) -> None:
    source = source_of(oracle)
    await source.open()
    scn = await source.snapshot()
    oracle.data.tables.put("LOTS", lots(amount=7))
    for snapshot, amount in ((scn, 0), (None, 7)):
        async with aclosing(source.fetch_events_iter(IDS, LOTS, 500, snapshot=snapshot)) as batches:
            amounts = [value async for batch in batches for value in batch["AMOUNT"].to_pylist()]
        assert amounts == [amount] * len(IDS)
    await source.close()


TRANSIENT: dict[str, Any] = {
    "a cut when the list is made": lambda faults: faults.cut(call="lob"),
    "a cut when the list is written": lambda faults: faults.cut(call="lob", after=1),
    "a session killed when the list is written": lambda faults: faults.fail(28, call="lob", after=1),
    "no temporary space for the list": lambda faults: faults.fail(1652, call="lob", times=2),
    "a cut when the query begins": lambda faults: faults.cut(call="execute", statement="JSON_TABLE"),
    "a cut in the middle of a fetch": lambda faults: faults.cut(call="fetch", rows=1200),
    "no temporary space for the query": lambda faults: faults.fail(1652, call="fetch", rows=700, times=2),
    "a list that stands still": lambda faults: faults.stall(call="lob", after=1),
    "a list that does not even hear a break": lambda faults: faults.deaf(call="lob"),
}


@pytest.mark.parametrize("name", TRANSIENT)
async def test_a_chunk_that_is_read_again_has_each_row_once_in_the_log(
    broker: BrokerSettings, oracle: OracleServer, name: str
) -> None:
    async with producing(broker, oracle, timeout_seconds=5.0) as client:
        fault = TRANSIENT[name](oracle.faults)
        assert await whole_log(client)
    assert fault.struck
    await asyncio.to_thread(oracle.wait_until, lambda: not oracle.sessions)
    assert not oracle.database.lobs.temporary


@pytest.mark.parametrize("kind", ["stall", "deaf"])
async def test_a_cancel_does_not_wait_for_a_list_that_stands_still(
    broker: BrokerSettings, oracle: OracleServer, kind: str
) -> None:
    async with producing(broker, oracle) as client:
        fault = getattr(oracle.faults, kind)(call="lob", times=10)
        job_id = await client.submit(IDS, ["lots"])

        async def struck() -> bool:
            return bool(fault.struck)

        await until(struck)
        begun = asyncio.get_running_loop().time()
        await client.command(job_id, CANCEL)
        lines = await client.lines(job_id)
        # Far below the time-outs of a chunk and of a call (120 s each).
        assert asyncio.get_running_loop().time() - begun < 60
        assert kinds_of(lines)[-1] == "cancelled"
        oracle.faults.clear()
        assert await whole_log(client)
