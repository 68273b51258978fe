"""Oracle as a source: python-oracledb in thin mode, an asynchronous pool, data frames.

Each fetch has a connection of its own. All chunks of a job are read at one SCN where flashback is on. A cancelled fetch
sends Oracle a break and waits a moment for its answer; a connection that does not answer is dropped, never put back.

Verified here without a database: the decisions by type, the statements and the translation of errors. Not verified against a real
one: the driver's calls (parse, fetch_df_batches, cancel), ``TM9`` beyond 64 characters and what flashback needs to be granted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import oracledb
import pyarrow as pa

from catalogue.domain import ORACLE, ORACLE_WITHOUT_FLASHBACK, SCN_BIND, Domain, bind_names
from producers.chunks import padded
from producers.sources.oracle_errors import translated
from producers.sources.oracle_types import Reading, finished, reading, wrapped
from producers.sources.protocol import SourceError, SourceFailed, SourceUnavailable, check_columns
from producers.sources.settings import SourceSettings
from schemas.values import Column, UnsupportedType

Result = TypeVar("Result")

_SNAPSHOT = "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL"
_BREAK_SECONDS = 0.8
"""How long a broken call may take to end before its connection is given up."""
_LOB_ROWS = 50
"""Rows fetched at a time where a column is a LOB, each of which may have megabytes."""


class OracleSource:
    """Implements :class:`producers.sources.protocol.Source`."""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._pool: oracledb.AsyncConnectionPool | None = None
        self._readings: dict[str, tuple[Reading, ...]] = {}

    async def open(self) -> None:
        if self._pool is not None:
            return
        settings = self._settings
        try:
            self._pool = oracledb.create_pool_async(
                user=settings.oracle_user,
                password=settings.oracle_password,
                dsn=settings.oracle_dsn,
                min=0,
                max=settings.connections,
                increment=1,
                tcp_connect_timeout=settings.oracle_connect_seconds,
                getmode=oracledb.POOL_GETMODE_WAIT,
            )
            # The pool connects when first asked: a wrong password must show at start-up.
            await self._pool.release(await self._pool.acquire())
        except (oracledb.Error, OSError) as error:
            await self.close()
            raise _translated(error) from error

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        self._readings.clear()
        if pool is not None:
            await pool.close(force=True)

    async def snapshot(self) -> int | None:
        if not self._settings.oracle_flashback:
            return None
        connection = await self._acquire()
        try:
            row = await self._call(connection, connection.fetchone(_SNAPSHOT))
            return int(row[0])
        finally:
            await self._release(connection)

    async def columns(self, domain: Domain) -> tuple[Column, ...]:
        connection = await self._acquire()
        try:
            return tuple(known.column for known in await self._describe(connection, domain))
        finally:
            await self._release(connection)

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        connection = await self._acquire()
        try:
            readings = self._readings.get(domain.name) or await self._describe(connection, domain)
            statement, binds = statement_of(domain, readings, container_ids, snapshot)
            rows = min(batch_size, _LOB_ROWS) if any(known.is_lob for known in readings) else batch_size
            # Its annotation says Iterator, but it is an asynchronous generator.
            frames: Any = connection.fetch_df_batches(statement, binds, size=rows, fetch_decimals=True)
            while (frame := await self._call(connection, anext(frames, None))) is not None:
                for batch in pa.table(frame).to_batches(max_chunksize=rows):
                    if batch.num_rows:
                        yield finished(batch, readings, self._settings.lob_bytes)
        finally:
            await self._release(connection)

    async def _describe(self, connection: oracledb.AsyncConnection, domain: Domain) -> tuple[Reading, ...]:
        with connection.cursor() as cursor:
            await self._call(connection, cursor.parse(domain.render(ORACLE_WITHOUT_FLASHBACK, [""])))
            described = [_Described.of(info) for info in cursor.description or ()]
        try:
            readings = tuple(map(reading, described))
        except UnsupportedType as error:
            raise SourceFailed(f"Domain {domain.name}: {error}.") from None
        check_columns(domain, [known.column for known in readings])
        self._readings[domain.name] = readings
        return readings

    async def _acquire(self) -> oracledb.AsyncConnection:
        if self._pool is None:
            raise SourceUnavailable("The Oracle source is not open.")
        try:
            connection: oracledb.AsyncConnection = await self._pool.acquire()
            return connection
        except (oracledb.Error, OSError) as error:
            raise _translated(error) from error

    async def _release(self, connection: oracledb.AsyncConnection) -> None:
        if self._pool is None:
            return
        if connection.is_healthy():
            await self._pool.release(connection)
        else:
            await self._drop(connection)

    async def _call(self, connection: oracledb.AsyncConnection, call: Awaitable[Result]) -> Result:
        """Await the driver; when cancelled, break the statement and leave the connection either idle or dropped."""
        running = asyncio.ensure_future(call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            with contextlib.suppress(oracledb.Error, OSError):
                connection.cancel()
            await asyncio.wait((running,), timeout=_BREAK_SECONDS)
            if not running.done():
                await self._drop(connection)
            # Whatever it ended with is of no interest, and a task not asked for its exception is reported as lost.
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            raise
        except (oracledb.Error, OSError) as error:
            raise _translated(error) from error

    async def _drop(self, connection: Any) -> None:
        if self._pool is not None:
            with contextlib.suppress(oracledb.Error, OSError):
                await self._pool.drop(connection)


def statement_of(
    domain: Domain, readings: Sequence[Reading], container_ids: Sequence[str], snapshot: int | None
) -> tuple[str, dict[str, str | int]]:
    """The statement of a chunk and its binds. Chunks of like sizes have equal texts, so that Oracle parses few."""
    ids = padded(container_ids, domain.chunk_size)
    binds: dict[str, str | int] = dict(zip(bind_names(len(ids)), ids, strict=True))
    text = domain.render(ORACLE if snapshot is not None else ORACLE_WITHOUT_FLASHBACK, ids)
    if f":{SCN_BIND}" in text and snapshot is not None:
        binds[SCN_BIND] = snapshot
    return wrapped(text, readings), binds


@dataclass(frozen=True, slots=True)
class _Described:
    name: str
    type_name: str
    precision: int | None
    scale: int | None
    size: int | None

    @classmethod
    def of(cls, info: oracledb.FetchInfo) -> _Described:
        kind = info.type_code.name.removeprefix("DB_TYPE_")
        return cls(info.name, kind, info.precision, info.scale, info.display_size)


def _translated(error: oracledb.Error | OSError) -> SourceError:
    if isinstance(error, OSError):
        return SourceUnavailable(f"Oracle: {error}.")
    detail = error.args[0] if error.args else None
    return translated(
        getattr(detail, "full_code", "") or type(error).__name__, getattr(detail, "message", str(error))
    )
