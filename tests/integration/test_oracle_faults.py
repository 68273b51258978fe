"""Everything that goes wrong with Oracle, through the whole producer: each ends in a right log, or in a failed job that says why.

Worker, Kafka and driver are the real ones; the database is the loopback server, which fails on command.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from broker.settings import BrokerSettings
from catalogue.domain import Domain, parse_domain
from producers.settings import ProducerSettings
from producers.sources.oracle import OracleSource
from producers.sources.protocol import SourceFailed, SourceUnavailable
from schemas.commands import CANCEL
from tests.oracle import types
from tests.oracle.server import OracleServer, serving
from tests.oracle.tables import Table
from tests.oraclesource import settings_for
from tests.workers import QUICK, JobClient, kinds_of, records_of, running_worker, until

IDS = [f"C{number}" for number in range(50)]
ROWS_EACH = 20
PASSWORD = "tiger-5up3r-s3cr3t"
SETTINGS = replace(QUICK, fetch_rows=50, transaction_seconds=0.0)
"""Chunks of 200 rows in four round trips, each a transaction of its own."""


def domain(name: str, **settings: Any) -> Domain:
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    return parse_domain(
        name,
        "SELECT t.CONTAINERID, t.N, t.AMOUNT FROM LOTS {{as_of}} t WHERE t.CONTAINERID IN ({{ids}})",
        f'description = "a test"\ncontainer_id = "CONTAINERID"\nchunk_size = 10\n{lines}',
    )


def lots(add: int = 0) -> Table:
    columns = {"CONTAINERID": types.varchar2(20), "N": types.number(10), "AMOUNT": types.number()}
    rows = [
        (cid, number * ROWS_EACH + row, Decimal(add) + Decimal("0.1"))
        for number, cid in enumerate(IDS)
        for row in range(ROWS_EACH)
    ]
    return Table.of(columns, rows)


@pytest.fixture
def oracle() -> Iterator[OracleServer]:
    with serving(password=PASSWORD) as server:
        server.data.tables.put("LOTS", lots())
        yield server


def source_of(server: OracleServer, **changes: Any) -> OracleSource:
    return OracleSource(settings_for(server, **changes))


@dataclass
class Plant:
    """A worker reading from the loopback server, and a client of the log."""

    client: JobClient
    server: OracleServer

    async def log(self, domains: tuple[str, ...] = ("lots",), seconds: float = 120.0) -> list[bytes]:
        """A job's whole log."""
        return await self.client.lines(await self.client.submit(IDS, domains), seconds)


@asynccontextmanager
async def plant(
    broker: BrokerSettings,
    server: OracleServer,
    *,
    settings: ProducerSettings = SETTINGS,
    timeout_seconds: float | None = None,
    **source: Any,
) -> AsyncIterator[Plant]:
    limits = {} if timeout_seconds is None else {"timeout_seconds": timeout_seconds}
    catalogue = {name: domain(name, **limits) for name in ("lots", "again")}
    async with (
        running_worker(broker, settings=settings, source=source_of(server, **source), catalogue=catalogue),
        JobClient(broker) as client,
    ):
        yield Plant(client, server)


def is_whole(lines: list[bytes], name: str = "lots") -> bool:
    """Whether every row stands in the log exactly once, and the job says that it is complete."""
    numbers = Counter(record["N"] for record in records_of(lines, name))
    return (
        numbers == Counter(range(len(IDS) * ROWS_EACH))
        and kinds_of(lines)[-1] == "complete"
        and msgspec.json.decode(lines[-1])["total_records"] % (len(IDS) * ROWS_EACH) == 0
    )


def problem_of(lines: list[bytes]) -> dict[str, Any]:
    """Why the job failed."""
    last = msgspec.json.decode(lines[-1])
    assert last["type"] == "error"
    problem: dict[str, Any] = last["problem"]
    return problem


async def test_a_job_reads_every_domain_at_one_scn_and_says_which(
    broker: BrokerSettings, oracle: OracleServer
) -> None:
    async with plant(broker, oracle) as at:
        lines = await at.log(("lots", "again"))
    assert is_whole(lines, "lots")
    assert is_whole(lines, "again")
    assert msgspec.json.decode(lines[0])["scn"] > 2**32
    assert all(record["AMOUNT"] == 0.1 for record in records_of(lines, "lots"))
    assert b'"AMOUNT":0.1}' in b"".join(lines)


async def test_rows_that_change_between_two_chunks_do_not_mix(
    broker: BrokerSettings, oracle: OracleServer
) -> None:
    slow = oracle.faults.delay(0.3, call="fetch", times=3)
    async with plant(broker, oracle) as at:
        job = asyncio.create_task(at.log())
        await until(lambda: _struck(slow))
        oracle.data.tables.put("LOTS", lots(add=7))
        lines = await job
        later = await at.log()
    assert is_whole(lines)
    assert {record["AMOUNT"] for record in records_of(lines, "lots")} == {0.1}
    assert {record["AMOUNT"] for record in records_of(later, "lots")} == {7.1}


async def test_without_flashback_each_chunk_sees_what_is_there_when_it_is_read(
    broker: BrokerSettings, oracle: OracleServer
) -> None:
    slow = oracle.faults.delay(0.3, call="fetch", times=3)
    async with plant(broker, oracle, oracle_flashback=False) as at:
        job = asyncio.create_task(at.log())
        await until(lambda: _struck(slow))
        oracle.data.tables.put("LOTS", lots(add=7))
        lines = await job
    assert is_whole(lines)
    assert msgspec.json.decode(lines[0])["scn"] is None
    assert {record["AMOUNT"] for record in records_of(lines, "lots")} == {0.1, 7.1}


async def _struck(*faults: Any) -> bool:
    return all(fault.struck for fault in faults)


TRANSIENT: dict[str, Any] = {
    "a delay": lambda faults: faults.delay(0.5, call="fetch", times=3),
    "a cut in the middle of a fetch": lambda faults: faults.cut(call="fetch", rows=120),
    "a cut in the middle of a row's packet": lambda faults: faults.cut(rows=77),
    "a killed session": lambda faults: faults.fail(28, call="fetch", rows=120),
    "an end of file": lambda faults: faults.fail(3113, call="execute"),
    "an internal error": lambda faults: faults.fail(600, call="fetch", times=2),
    "no temporary space": lambda faults: faults.fail(1652, call="fetch", times=2),
    "a statement cancelled by the administrator": lambda faults: faults.fail(1013, call="fetch"),
    "too many sessions": lambda faults: faults.fail(18, call="logon", times=2),
    "a listener that refuses": lambda faults: faults.refuse(12514, times=2),
    "a listener that has no handler": lambda faults: faults.refuse(12516, times=2),
    "a database that starts": lambda faults: faults.fail(1033, call="logon", times=2),
    "a connection lost at connect": lambda faults: faults.cut(call="connect", times=2),
}


@pytest.mark.parametrize("name", TRANSIENT)
async def test_what_passes_leaves_a_whole_log(
    broker: BrokerSettings, oracle: OracleServer, name: str
) -> None:
    async with plant(broker, oracle) as at:
        # The session that opened the source is taken away, so that the job has to connect.
        oracle.kill_sessions()
        fault = TRANSIENT[name](oracle.faults)
        lines = await at.log()
    assert fault.struck
    assert is_whole(lines)


@pytest.mark.parametrize("kind", ["stall", "deaf"])
async def test_a_query_that_stands_still_is_broken_after_its_time_and_read_again(
    broker: BrokerSettings, oracle: OracleServer, kind: str
) -> None:
    fault = getattr(oracle.faults, kind)(call="fetch", rows=100)
    async with plant(broker, oracle, timeout_seconds=5.0) as at:
        lines = await at.log()
    assert fault.struck
    assert is_whole(lines)


@pytest.mark.parametrize("kind", ["stall", "deaf"])
async def test_a_cancel_does_not_wait_for_a_query_that_stands_still(
    broker: BrokerSettings, oracle: OracleServer, kind: str
) -> None:
    fault = getattr(oracle.faults, kind)(call="fetch", rows=100, times=10)
    async with plant(broker, oracle) as at:
        job_id = await at.client.submit(IDS, ["lots"])
        await until(lambda: _struck(fault))
        begun = asyncio.get_running_loop().time()
        await at.client.command(job_id, CANCEL)
        lines = await at.client.lines(job_id)
        # Far below the time-outs of a chunk and of a call (120 s each).
        assert asyncio.get_running_loop().time() - begun < 60
        assert kinds_of(lines)[-1] == "cancelled"
        oracle.faults.clear()
        assert is_whole(await at.log())


async def test_a_session_that_died_unseen_is_noticed_before_it_is_used(
    broker: BrokerSettings, oracle: OracleServer
) -> None:
    async with plant(broker, oracle) as at:
        assert is_whole(await at.log())
        before = oracle.counts["logon"]
        oracle.kill_sessions()
        assert is_whole(await at.log())
    assert oracle.counts["logon"] > before


async def test_a_lost_snapshot_is_replaced_as_long_as_the_log_is_empty(
    broker: BrokerSettings, oracle: OracleServer
) -> None:
    fault = oracle.faults.fail(1555, call="fetch", statement="LOTS AS OF", times=1)
    async with plant(broker, oracle, settings=replace(SETTINGS, parallel_chunks=1)) as at:
        job_id = await at.client.submit(IDS, ["lots"])
        lines = await at.client.lines(job_id)
        scns = [state.scn for state in await at.client.states(job_id) if state.scn is not None]
    assert fault.struck == 1
    assert is_whole(lines)
    assert len(set(scns)) == 2
    assert msgspec.json.decode(lines[0])["scn"] == scns[-1]


async def test_a_snapshot_lost_in_the_middle_fails_the_job_and_says_what_to_raise(
    broker: BrokerSettings, oracle: OracleServer
) -> None:
    async with plant(broker, oracle, settings=replace(SETTINGS, parallel_chunks=1)) as at:
        slow = oracle.faults.delay(0.5, call="execute", statement="LOTS AS OF", times=2)
        job = asyncio.create_task(at.log())

        async def has_read_a_chunk() -> bool:
            return slow.struck == 2

        await until(has_read_a_chunk)
        oracle.data.clock.forget()
        lines = await job
    problem = problem_of(lines)
    assert problem["code"] == "ORA-01555"
    assert problem["detail"].startswith("Oracle, domain lots: ORA-01555: ")
    assert "UNDO_RETENTION" in problem["detail"]
    assert records_of(lines, "lots")


async def test_a_lost_past_is_no_trouble_without_flashback_and_the_log_of_the_worker_tells_of_it(
    broker: BrokerSettings, oracle: OracleServer, caplog: pytest.LogCaptureFixture
) -> None:
    fault = oracle.faults.fail(1555, call="fetch", rows=120, times=2)
    async with plant(broker, oracle, oracle_flashback=False) as at:
        lines = await at.log()
    assert fault.struck
    assert is_whole(lines)
    assert "Oracle, domain lots: ORA-01555: " in caplog.text


LASTING: dict[str, tuple[Any, str, str]] = {
    "a table that is not there": (
        lambda faults: faults.fail(942, call="execute", statement="FROM LOTS", times=99),
        "ORA-00942",
        "grant SELECT on it",
    ),
    "a missing grant": (
        lambda faults: faults.fail(1031, call="execute", statement="FROM LOTS", times=99),
        "ORA-01031",
        "FLASHBACK",
    ),
    "a value that is no number": (
        lambda faults: faults.fail(1722, call="fetch", rows=120, times=99),
        "ORA-01722",
        "Correct the domain's SQL",
    ),
    "an error of the plant's own": (
        lambda faults: faults.fail(20001, call="fetch", times=99),
        "ORA-20001",
        "",
    ),
    "a listener that refuses for good": (
        lambda faults: faults.refuse(12514),
        "ORA-12514",
        "TRACE_ORACLE_DSN",
    ),
    "sessions that are used up for good": (
        lambda faults: faults.fail(18, call="logon", times=99),
        "ORA-00018",
        "PROCESSES",
    ),
}


@pytest.mark.parametrize("name", LASTING)
async def test_what_stays_fails_the_job_with_the_code_the_domain_and_a_hint(
    broker: BrokerSettings, oracle: OracleServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    arm, code, hint = LASTING[name]
    caplog.set_level(logging.DEBUG)
    async with plant(broker, oracle, settings=replace(SETTINGS, chunk_tries=3)) as at:
        oracle.kill_sessions()
        arm(oracle.faults)
        lines = await at.log()
    problem = problem_of(lines)
    assert problem["code"] == code
    assert f"{code}: " in problem["detail"]
    assert hint in problem["detail"]
    assert problem["type"].endswith(":source")
    for told in (b"".join(lines).decode(), caplog.text):
        assert PASSWORD not in told
        assert "Traceback" not in told
        assert "oracledb" not in told


async def test_a_wrong_password_is_told_at_the_start_and_not_repeated(
    oracle: OracleServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    source = source_of(oracle, oracle_password="another-5ecret")
    with pytest.raises(SourceFailed, match=r"ORA-01017.*TRACE_ORACLE_PASSWORD") as caught:
        await source.open()
    assert caught.value.code == "ORA-01017"
    assert "another-5ecret" not in str(caught.value) + caplog.text
    assert caught.value.__cause__ is None


async def test_a_grant_that_is_missing_for_the_snapshot_is_named(oracle: OracleServer) -> None:
    source = source_of(oracle)
    await source.open()
    oracle.faults.fail(904, '"DBMS_FLASHBACK"."GET_SYSTEM_CHANGE_NUMBER": invalid identifier', call="execute")
    with pytest.raises(SourceFailed, match=r"EXECUTE on DBMS_FLASHBACK.*TRACE_ORACLE_FLASHBACK"):
        await source.snapshot()
    await source.close()


async def test_queries_wait_for_a_connection_and_for_a_bounded_time(oracle: OracleServer) -> None:
    source = source_of(oracle, connections=2, oracle_wait_seconds=0.2)
    await source.open()
    oracle.faults.delay(30, call="fetch", times=2)
    lots_domain = domain("lots")

    async def first_batch() -> int:
        stream = source.fetch_events_iter(IDS[:10], lots_domain, 50)
        try:
            return sum([batch.num_rows async for batch in stream])
        finally:
            await stream.aclose()

    held = [asyncio.create_task(first_batch()) for _ in range(2)]
    await asyncio.sleep(0.3)
    with pytest.raises(SourceUnavailable, match="All 2 connections"):
        await first_batch()
    for task in held:
        task.cancel()
    await asyncio.wait(held)
    assert await first_batch() == 10 * ROWS_EACH
    await source.close()
    await asyncio.to_thread(oracle.wait_until, lambda: not oracle.sessions)
