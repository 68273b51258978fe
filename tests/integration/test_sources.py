"""What every source keeps to (``producers.sources.protocol.Source``): one specification, tried with each of them.

DuckDB on a file; Oracle's driver against the loopback server; and against a real database where the environment names one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from catalogue.domain import Domain, parse_domain
from producers.encode import drop_null_containers, encode_records
from producers.sources.open import open_source
from producers.sources.protocol import Source, SourceError, SourceFailed, SourceUnavailable
from producers.sources.settings import SourceSettings
from tests.oracle import Table, serving, types
from tests.oraclesource import settings_for
from tests.realoracle import PREFIX, RealOracle, real_oracle

ROWS = 1500
COLUMNS = {
    "CID": types.varchar2(300),
    "I": types.number(10),
    "S": types.varchar2(1000),
    "V": types.interval_ds(),
}
HEAVY = {
    "SQL",
    "' OR 1=1 --",
    "C1') OR ('1'='1",
    "\\' OR true --",
    "漢字",
    "''",
    "a\tb",
    '"',
    "%",
    "_",
    ":c1",
    "𠮷",
}


def rows_of_the_table() -> list[tuple[Any, ...]]:
    numbered = [(f"C{i % 3}", i, "s" * 200, None) for i in range(ROWS)]
    return [*numbered, *[(odd, -1, "odd", None) for odd in sorted(HEAVY)], (None, -2, "nobody's", None)]


@dataclass
class Plant:
    """A database with the table of this suite, and how to open it as a source."""

    settings: SourceSettings
    table: str = "PROBE"

    def domain(
        self, select: str = "t.CID, t.I, t.S", column: str = "CID", table: str = "", **more: Any
    ) -> Domain:
        lines = "".join(f"{key} = {value}\n" for key, value in more.items())
        return parse_domain(
            "probe",
            f"SELECT {select} FROM {table or self.table} t WHERE t.CID IN ({{{{ids}}}})",
            f'description = "x"\ncontainer_id = "{column}"\n{lines}',
        )


def duckdb_plant(folder: Path) -> Plant:
    file = folder / "probe.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE PROBE (CID VARCHAR, I INTEGER, S VARCHAR, V INTERVAL)")
        connection.executemany("INSERT INTO PROBE VALUES (?, ?, ?, ?)", rows_of_the_table())
    return Plant(SourceSettings(source="duckdb", duckdb_path=file, connections=4))


@pytest.fixture(scope="module", params=["duckdb", "oracle", "real oracle"])
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    if request.param == "duckdb":
        yield duckdb_plant(tmp_path_factory.mktemp("sources"))
        return
    with ExitStack() as held:
        server: Any = held.enter_context(serving() if request.param == "oracle" else real_oracle())
        server.data.tables.put("PROBE", Table.of(COLUMNS, rows_of_the_table()))
        yield Plant(
            settings_for(server, connections=4),
            f"{PREFIX}PROBE" if isinstance(server, RealOracle) else "PROBE",
        )


@pytest.fixture
async def source(plant: Plant) -> AsyncIterator[Source]:
    opened = open_source(plant.settings)
    await opened.open()
    yield opened
    await opened.close()


async def read(source: Source, asked: Domain, ids: list[str], batch_size: int = 500) -> list[dict[str, Any]]:
    """The records, as the log has them."""
    found: list[dict[str, Any]] = []
    async with aclosing(source.fetch_events_iter(ids, asked, batch_size)) as batches:
        async for batch in batches:
            assert 0 < batch.num_rows <= batch_size
            kept, _ = drop_null_containers(batch, asked.container_column)
            rows = encode_records(kept)
            found += [msgspec.json.decode(rows.record(index)) for index in range(len(rows))]
    return found


async def test_a_chunk_gives_the_rows_of_its_containers_and_no_others(plant: Plant, source: Source) -> None:
    found = await read(source, plant.domain(), ["C1", "C2", "absent", "C1"])
    assert sorted(row["I"] for row in found) == [i for i in range(ROWS) if i % 3]
    assert await read(source, plant.domain(), ["absent"]) == []


async def test_ids_are_values_and_never_sql(plant: Plant, source: Source) -> None:
    for odd in HEAVY:
        assert [row["CID"] for row in await read(source, plant.domain(), [odd])] == [odd]
    assert await read(source, plant.domain(), ["C1 ", "c1", "x" * 256, "𠮷" * 256]) == []


@pytest.mark.parametrize("count", [1, 2, 10, 11, 100, 101, 999, 1000])
async def test_a_list_of_any_length_finds_its_rows(plant: Plant, source: Source, count: int) -> None:
    ids = [f"absent{number}" for number in range(count - 1)] + ["C0"]
    assert len(await read(source, plant.domain(), ids)) == ROWS // 3


@pytest.mark.parametrize("count", [1001, 2500, 10_000])
async def test_a_chunk_of_thousands_finds_each_row_once(plant: Plant, source: Source, count: int) -> None:
    ids = [*HEAVY, "C0", "C1", *[f"absent{number}" for number in range(count - len(HEAVY) - 3)], "C0"]
    found = await read(source, plant.domain(chunk_size=count), ids)
    assert len(ids) == count
    assert Counter(row["CID"] for row in found) == {
        **dict.fromkeys(HEAVY, 1),
        "C0": ROWS // 3,
        "C1": ROWS // 3,
    }
    assert sorted(row["I"] for row in found if row["I"] >= 0) == [i for i in range(ROWS) if i % 3 < 2]


@pytest.mark.parametrize("batch_size", [1, 7, 500, 5000])
async def test_batches_are_as_large_as_asked_for_at_most(
    plant: Plant, source: Source, batch_size: int
) -> None:
    wanted = [i for i in range(ROWS) if i % 3 == 0]
    found = await read(source, plant.domain(), ["C0"], batch_size)
    assert sorted(row["I"] for row in found) == wanted


async def test_columns_are_described_in_order_without_reading(plant: Plant, source: Source) -> None:
    columns = await source.columns(plant.domain())
    assert [column.name for column in columns] == ["CID", "I", "S"]
    assert [column.json.value for column in columns] == ["string", "number", "string"]
    assert columns[1].exact_as_double is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"select": "t.CID, t.I AS N, t.S AS N"}, "column N twice"),
        ({"column": "NOBODY"}, "no column NOBODY.*Its columns are CID, I, S"),
        ({"select": "t.CID, t.V"}, "column V has the type INTERVAL"),
        ({"table": "NOWHERE"}, "."),
        ({"select": "t.CID, t.NOTHING"}, "."),
    ],
)
async def test_a_domain_that_cannot_be_written_is_refused(
    plant: Plant, source: Source, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SourceFailed, match=reason) as caught:
        await source.columns(plant.domain(**changes))
    assert not caught.value.retryable
    assert len(await read(source, plant.domain(), ["C0"])) == ROWS // 3


async def test_a_generator_closed_early_leaves_the_source_usable(plant: Plant, source: Source) -> None:
    for _ in range(10):
        async with aclosing(source.fetch_events_iter(["C0"], plant.domain(), 100)) as batches:
            await anext(batches)
    assert len(await read(source, plant.domain(), ["C0"])) == ROWS // 3


async def test_a_read_cancelled_at_any_moment_leaves_the_source_usable(plant: Plant, source: Source) -> None:
    for pause in (0.0, 0.001, 0.005, 0.02, 0.05):
        running = asyncio.create_task(read(source, plant.domain(), ["C0", "C1"], 10))
        await asyncio.sleep(pause)
        running.cancel()
        done, _ = await asyncio.wait((running,), timeout=60)
        assert done
    assert len(await read(source, plant.domain(), ["C0"])) == ROWS // 3


async def test_more_reads_than_connections_all_end(plant: Plant, source: Source) -> None:
    reads = (read(source, plant.domain(), ["C0", "C1"], 200) for _ in range(12))
    assert {len(found) for found in await asyncio.gather(*reads)} == {2 * ROWS // 3}


async def test_a_source_can_be_opened_twice_and_closed_twice_and_says_when_it_is_closed(plant: Plant) -> None:
    source = open_source(plant.settings)
    with pytest.raises(SourceUnavailable, match="not open"):
        await source.columns(plant.domain())
    await source.open()
    await source.open()
    assert len(await read(source, plant.domain(), ["C0"])) == ROWS // 3
    await source.close()
    await source.close()
    with pytest.raises(SourceUnavailable):
        await read(source, plant.domain(), ["C0"])


async def test_closing_ends_what_runs(plant: Plant) -> None:
    source = open_source(plant.settings)
    await source.open()
    async with AsyncExitStack() as held:
        stream = await held.enter_async_context(
            aclosing(source.fetch_events_iter(["C0"], plant.domain(), 10))
        )
        await anext(stream)
        await source.close()


async def test_two_sources_read_the_same_database(plant: Plant, source: Source) -> None:
    other = open_source(replace(plant.settings, connections=1))
    await other.open()
    try:
        found = await asyncio.gather(
            read(source, plant.domain(), ["C1"]), read(other, plant.domain(), ["C1"])
        )
    finally:
        await other.close()
    assert sorted(row["I"] for row in found[0]) == sorted(row["I"] for row in found[1])


async def test_every_error_is_a_source_error(plant: Plant, source: Source) -> None:
    with pytest.raises(SourceError):
        await read(source, plant.domain(table="NOWHERE"), ["C0"])
