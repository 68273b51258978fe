"""The DuckDB source on real files: what is its own besides test_sources.py, how much it holds, how it is interrupted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.domain import DUCKDB, Domain, parse_domain
from catalogue.loader import load_catalogue
from producers.encode import drop_null_containers, encode_records
from producers.sources.duckdb import DuckDBSource
from producers.sources.open import open_source
from producers.sources.protocol import SourceError, SourceFailed, SourceUnavailable
from producers.sources.settings import SourceSettings
from tracestream.data import DemoData, container_ids, generate

ROWS = 3_000


def domain(sql: str, container_column: str = "cid") -> Domain:
    return parse_domain("probe", sql, f'description = "x"\ncontainer_id = "{container_column}"')


ALL = domain("SELECT cid, i, s FROM t WHERE cid IN ({{ids}})")
ENDLESS = domain(
    "SELECT a.cid, sum(a.i * b.i * c.i) AS q FROM t a, t b, t c WHERE a.cid IN ({{ids}}) GROUP BY a.cid"
)
LATE_ERROR = domain(
    "SELECT cid, CAST(CASE WHEN i = 2500 THEN 'x' ELSE '1' END AS INT) AS q FROM t WHERE cid IN ({{ids}})"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "probe.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"CREATE TABLE t AS SELECT 'C' || (i % 3) AS cid, i, repeat('s', 1000) AS s FROM range({ROWS}) r(i)"
        )
        connection.execute("CREATE TABLE odd (cid VARCHAR, v INTERVAL)")
    return file


@pytest.fixture
async def source(path: Path) -> AsyncIterator[DuckDBSource]:
    opened = DuckDBSource(path)
    await opened.open()
    yield opened
    await opened.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("duckdb")]


async def rows(
    source: DuckDBSource, asked: Domain, ids: list[str], batch_size: int = 500
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    async with aclosing(source.fetch_events_iter(ids, asked, batch_size)) as batches:
        async for batch in batches:
            assert 0 < batch.num_rows <= batch_size
            found += batch.to_pylist()
    return found


@given(st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_is_found_as_it_is(text: str) -> None:
    asked = domain("SELECT v AS cid FROM (SELECT unnest(getvariable('v')) AS v) WHERE v IN ({{ids}})")
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE v = ?", [[text, text + "'", text + "\\"]])
        assert connection.sql(asked.render(DUCKDB, [text])).fetchall() == [(text,)]


async def test_columns_are_described_without_reading(source: DuckDBSource) -> None:
    columns = [column.document() for column in await source.columns(ALL)]
    assert columns == [
        {"name": "cid", "type": "VARCHAR", "json": "string"},
        {"name": "i", "type": "BIGINT", "json": "number", "exact_as_double": False},
        {"name": "s", "type": "VARCHAR", "json": "string"},
    ]


@pytest.mark.parametrize(
    ("sql", "column", "reason"),
    [
        ("SELECT cid, i AS n, s AS n FROM t WHERE cid IN ({{ids}})", "cid", "column n twice"),
        ("SELECT cid, i FROM t WHERE cid IN ({{ids}})", "CID", "no column CID.*Its columns are cid, i"),
        ("SELECT cid, v FROM odd WHERE cid IN ({{ids}})", "cid", "column v has the type INTERVAL"),
        ("SELECT cid FROM nowhere WHERE cid IN ({{ids}})", "cid", "nowhere"),
        ("SELECT cid FRM t WHERE cid IN ({{ids}})", "cid", "DuckDB"),
    ],
)
async def test_a_domain_that_cannot_be_written_is_refused(
    source: DuckDBSource, sql: str, column: str, reason: str
) -> None:
    with pytest.raises(SourceFailed, match=reason) as caught:
        await source.columns(domain(sql, column))
    assert not caught.value.retryable


async def test_an_error_in_the_midst_of_the_rows_is_told(source: DuckDBSource) -> None:
    with pytest.raises(SourceFailed, match="Conversion Error"):
        await rows(source, LATE_ERROR, ["C0", "C1"], batch_size=100)


async def test_a_cancelled_query_stops_at_once_and_frees_its_thread(source: DuckDBSource) -> None:
    for waited in (0.0, 0.05, 0.3):
        running = asyncio.create_task(rows(source, ENDLESS, ["C0"]))
        await asyncio.sleep(waited)
        running.cancel()
        done, _ = await asyncio.wait((running,), timeout=30)
        assert done
        assert running.cancelled()
    assert len(await rows(source, ALL, ["C0"])) == ROWS // 3


async def test_closing_ends_a_running_fetch_with_a_retryable_error(path: Path) -> None:
    source = DuckDBSource(path)
    await source.open()
    running = asyncio.create_task(rows(source, ENDLESS, ["C0"]))
    await asyncio.sleep(0.2)
    await source.close()
    with pytest.raises(SourceUnavailable):
        await running
    with pytest.raises(SourceUnavailable, match="not open"):
        await source.columns(ALL)


async def test_a_missing_or_foreign_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no DuckDB file") as caught:
        await DuckDBSource(tmp_path / "absent.duckdb").open()
    assert caught.value.retryable
    (tmp_path / "foreign.duckdb").write_text("this is no database" * 1000)
    with pytest.raises(SourceError, match="cannot open"):
        await DuckDBSource(tmp_path / "foreign.duckdb").open()


def test_the_settings_name_the_source(path: Path) -> None:
    assert isinstance(open_source(SourceSettings(duckdb_path=path)), DuckDBSource)
    with pytest.raises(ValueError, match="duckdb or oracle"):
        open_source(SourceSettings(source="mysql"))


async def test_every_row_of_the_demo_data_comes_out_exactly(tmp_path: Path) -> None:
    plant = tmp_path / "plant.duckdb"
    data = DemoData().scaled(0.02)
    generate(plant, data)
    source = DuckDBSource(plant)
    await source.open()
    ids = list(container_ids(plant))
    for asked, expected, key in zip(
        load_catalogue().values(),
        (data.history_rows, data.material_rows),
        ("HISTORYID", "MATERIALTXNID"),
        strict=True,
    ):
        records: list[dict[str, object]] = []
        dropped = 0
        for first in range(0, len(ids), 1000):
            async with aclosing(source.fetch_events_iter(ids[first : first + 1000], asked, 700)) as batches:
                async for batch in batches:
                    kept, null_rows = drop_null_containers(batch, asked.container_column)
                    dropped += null_rows
                    encoded = encode_records(kept)
                    records += map(msgspec.json.decode, map(encoded.record, range(len(encoded))))
        assert len(records) + dropped == expected
        assert dropped == (0 if asked.name == "history" else data.material_rows // data.unconfirmed_every)
        assert len({record[key] for record in records}) == len(records)
        assert all(record["CONTAINERID"] for record in records)
        assert list(records[0]) == [column.name for column in await source.columns(asked)]
    await source.close()


ONE_CONTAINER = """
import asyncio, resource, sys
from pathlib import Path
from contextlib import aclosing
from catalogue.domain import parse_domain
from producers.sources.duckdb import DuckDBSource

async def main(path):
    source = DuckDBSource(Path(path), memory="64MB")
    await source.open()
    asked = parse_domain("all", "SELECT cid, s FROM big WHERE cid IN ({{ids}})", 'description = "x"\\ncontainer_id = "cid"')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = 0
    async with aclosing(source.fetch_events_iter(["C0"], asked, 2000)) as batches:
        async for batch in batches:
            size += batch.nbytes
    await source.close()
    print(size >> 20, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="getrusage")
def test_a_container_of_300_mb_needs_the_memory_of_a_batch(tmp_path: Path) -> None:
    path = tmp_path / "big.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE big AS SELECT 'C0' AS cid, repeat(md5(i::VARCHAR), 47) AS s FROM range(200000) r(i)"
        )
    run = subprocess.run(
        [sys.executable, "-c", ONE_CONTAINER, str(path)], capture_output=True, text=True, check=True
    )
    read, grown = map(int, run.stdout.split())
    assert read > 280
    assert grown < 150


async def test_as_many_half_read_chunks_as_a_worker_has_fit_into_the_default_memory(tmp_path: Path) -> None:
    plant = tmp_path / "plant.duckdb"
    generate(plant, DemoData().scaled(0.08))
    settings = SourceSettings(duckdb_path=plant)
    source = open_source(settings)
    await source.open()
    ids = list(container_ids(plant))
    fetches = [
        source.fetch_events_iter(ids[1000 * index : 1000 * (index + 1)], asked, 100)
        for index, asked in enumerate(list(load_catalogue().values()) * (settings.connections // 2))
    ]
    first = await asyncio.gather(*map(anext, fetches))
    assert all(batch.num_rows == 100 for batch in first)
    for fetch in fetches:
        async for batch in fetch:
            assert batch.num_rows
    await source.close()
