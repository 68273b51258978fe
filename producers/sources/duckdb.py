"""A DuckDB file as a source: the embedded one, for demonstrations, tests and plants without Oracle.

The file is opened for reading only, so any number of workers share it. A fetch has a cursor of its own and works in a
thread of the source's small pool, a batch at a time. One DuckDB thread a query keeps the rows in the same order every
time. DuckDB forgets an interrupt that comes before the query has begun, hence the repetition in ``_call``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from catalogue.domain import DUCKDB, Domain
from producers.sources.protocol import SourceError, SourceFailed, SourceUnavailable, check_columns
from schemas.values import Column, Database, UnsupportedType, column

Result = TypeVar("Result")

_ATTACHED = "plant"
_INTERRUPT_EVERY = 0.02
"""Seconds between two interrupts of a query that is to end."""


class DuckDBSource:
    """Implements :class:`producers.sources.protocol.Source`."""

    def __init__(self, path: Path, *, connections: int = 4, memory: str = "96MB") -> None:
        self._path = path
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "threads": "1",
            "memory_limit": memory,
        }
        self._threads = connections
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._running: set[duckdb.DuckDBPyConnection] = set()

    async def open(self) -> None:
        if self._connection is not None:
            return
        if not self._path.is_file():
            raise SourceUnavailable(
                f"There is no DuckDB file at {self._path}.",
                hint="Make the demo data, or set TRACE_DUCKDB_PATH.",
            )
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="duckdb")
        try:
            self._connection = await asyncio.get_running_loop().run_in_executor(pool, self._connect)
        except duckdb.Error as error:
            pool.shutdown()
            raise SourceUnavailable(f"DuckDB cannot open {self._path}: {_first_line(error)}") from error
        self._pool = pool

    def _connect(self) -> duckdb.DuckDBPyConnection:
        # Attached rather than connected to: DuckDB refuses two connections of one process to a file with different settings.
        connection = duckdb.connect(":memory:", config=self._config)
        path = str(self._path).replace("'", "''")
        try:
            connection.execute(f"ATTACH '{path}' AS {_ATTACHED} (READ_ONLY)")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
        except duckdb.Error:
            connection.close()
            raise
        return connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        pool, self._pool = self._pool, None
        if connection is None or pool is None:
            return
        while self._running:
            for cursor in self._running:
                cursor.interrupt()
            await asyncio.sleep(_INTERRUPT_EVERY)
        pool.shutdown()
        connection.close()

    async def snapshot(self) -> int | None:
        return None

    async def columns(self, domain: Domain) -> tuple[Column, ...]:
        cursor = self._cursor()
        try:
            relation = await self._call(cursor, partial(_relation, cursor, domain, ()))
            columns = tuple(
                column(name, Database.DUCKDB, str(kind))
                for name, kind in zip(relation.columns, relation.types, strict=True)
            )
        except UnsupportedType as error:
            raise SourceFailed(f"Domain {domain.name}: {error}.") from None
        finally:
            cursor.close()
        check_columns(domain, columns)
        return columns

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        cursor = self._cursor()
        try:
            reader = await self._call(
                cursor, lambda: _relation(cursor, domain, container_ids).to_arrow_reader(batch_size)
            )
            while (batch := await self._call(cursor, partial(next, reader, None))) is not None:
                if batch.num_rows:
                    yield batch
        finally:
            # Closing the cursor alone would leave the reader's query open. The source may have been closed meanwhile.
            with contextlib.suppress(duckdb.Error):
                cursor.interrupt()
                cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise SourceUnavailable("The DuckDB source is not open.")
        cursor = self._connection.cursor()
        cursor.execute(f"USE {_ATTACHED}")
        return cursor

    async def _call(self, cursor: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
        """Run ``work`` on ``cursor`` in the pool; when cancelled, interrupt it and wait until its thread is free again."""
        if self._pool is None:
            raise SourceUnavailable("The DuckDB source is closed.")
        self._running.add(cursor)
        future = self._pool.submit(work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            while not future.cancel() and not future.done():
                cursor.interrupt()
                await asyncio.sleep(_INTERRUPT_EVERY)
            raise
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise _translated(error) from error
        finally:
            self._running.discard(cursor)


def _relation(cursor: duckdb.DuckDBPyConnection, domain: Domain, container_ids: Sequence[str]) -> Any:
    # A relation streams; the result of execute() would be held whole before its first batch.
    return cursor.sql(domain.render(DUCKDB, container_ids))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


_RETRYABLE = (duckdb.InterruptException, duckdb.OperationalError)
_RETRYABLE_TEXTS = ("IO Error", "Out of Memory Error", "INTERRUPT Error", "Connection Error")
"""How an error begins that comes out of a half-read stream: there Arrow's C interface leaves only the text of it."""


def _translated(error: Exception) -> SourceError:
    text = _first_line(error)
    unavailable = isinstance(error, _RETRYABLE) or text.startswith(_RETRYABLE_TEXTS)
    hint = "Raise TRACE_DUCKDB_MEMORY." if text.startswith("Out of Memory") else ""
    return (SourceUnavailable if unavailable else SourceFailed)(
        f"DuckDB: {text}", code=type(error).__name__, hint=hint
    )
