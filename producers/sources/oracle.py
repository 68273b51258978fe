"""Oracle as a source: python-oracledb, a pool of sessions, data frames.

Each fetch has a session of its own. All chunks of a job are read at one SCN where flashback is on. What a column's type needs to
arrive exactly is decided from its description (:mod:`producers.sources.oracle_types`) before a row is read. A cancelled fetch
interrupts Oracle. After any error the session is closed, so that the next try has a new one.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence

import oracledb
import pyarrow as pa

from catalogue.domain import SCN_BIND, Domain
from producers.sources.oracle_arrow import finished
from producers.sources.oracle_connect import pool_of, secrets
from producers.sources.oracle_errors import SNAPSHOT_GRANT, redacted, translated
from producers.sources.oracle_pool import SessionPool
from producers.sources.oracle_query import SNAPSHOT, Query, description_of, query_of, rows_at_a_time
from producers.sources.oracle_session import Session
from producers.sources.oracle_types import Reading, reading
from producers.sources.protocol import SourceError, SourceFailed, SourceUnavailable, check_columns
from producers.sources.settings import SourceSettings
from schemas.values import Column, UnsupportedType


class OracleSource:
    """Implements :class:`producers.sources.protocol.Source`."""

    def __init__(self, settings: SourceSettings) -> None:
        self._settings = settings
        self._pool: SessionPool | None = None
        self._readings: dict[tuple[str, str], tuple[Reading, ...]] = {}

    async def open(self) -> None:
        if self._pool is not None:
            return
        with self.telling():
            pool = pool_of(self._settings)
            # A wrong password or address must show at the start.
            async with pool.session(call_seconds=self._settings.oracle_connect_seconds) as session:
                await session.ping()
        self._pool = pool

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        self._readings.clear()
        if pool is not None:
            await pool.close()

    async def snapshot(self) -> int | None:
        if not self._settings.oracle_flashback:
            return None
        try:
            with self.telling():
                async with self.session() as session:
                    ((scn,),) = await session.rows(SNAPSHOT)
                    return int(scn)
        except SourceFailed as error:
            # Without the grant the package is not seen at all, so that the code says something else each time.
            raise SourceFailed(error.message, code=error.code, hint=SNAPSHOT_GRANT) from None

    async def columns(self, domain: Domain) -> tuple[Column, ...]:
        # Asked anew for each job: a table may have changed since the last.
        with self.telling(domain):
            async with self.session(domain) as session:
                return tuple(known.column for known in await self._describe(session, domain))

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        lob_bytes = self._settings.lob_bytes
        with self.telling(domain, at_snapshot=snapshot is not None):
            async with self.session(domain) as session:
                readings = self._readings.get(_key(domain)) or await self._describe(session, domain)
                query = query_of(domain, readings, container_ids, snapshot, lob_bytes)
                rows = rows_at_a_time(readings, batch_size, lob_bytes)
                binds = await binds_of(query, session)
                async with contextlib.aclosing(session.frames(query.text, binds, rows)) as frames:
                    async for frame in frames:
                        for batch in pa.table(frame).to_batches():
                            if batch.num_rows:
                                yield finished(batch, readings, lob_bytes)

    def session(self, domain: Domain | None = None) -> contextlib.AbstractAsyncContextManager[Session]:
        """A session of the pool, for a call on the domain's behalf. Raises SourceUnavailable when the source is not open."""
        if self._pool is None:
            raise SourceUnavailable("The Oracle source is not open.")
        own = domain.timeout_seconds if domain else None
        return self._pool.session(call_seconds=own or self._settings.oracle_call_seconds)

    async def _describe(self, session: Session, domain: Domain) -> tuple[Reading, ...]:
        described = await session.describe(description_of(domain))
        try:
            readings = tuple(map(reading, described))
        except UnsupportedType as error:
            raise SourceFailed(f"Domain {domain.name}: {error}.") from None
        check_columns(domain, [known.column for known in readings])
        self._readings[_key(domain)] = readings
        return readings

    @contextlib.contextmanager
    def telling(self, domain: Domain | None = None, *, at_snapshot: bool = True) -> Iterator[None]:
        """Whatever comes out of the driver becomes a SourceError that names the domain and no secret."""
        name, hidden = (domain.name if domain else ""), secrets(self._settings)
        where = f"Oracle, domain {name}" if name else "Oracle"
        try:
            yield
        except SourceError:
            raise
        except oracledb.Error as error:
            self._forget(domain)
            # Not "from error": its text and its traceback may hold what the message leaves out.
            raise translated(error.args[0], domain=name, at_snapshot=at_snapshot, secrets=hidden) from None
        except TimeoutError:
            raise SourceUnavailable(
                f"{where}: no connection within {self._settings.oracle_connect_seconds:g} seconds.",
                code="timeout",
                hint="Check TRACE_ORACLE_DSN, or raise TRACE_ORACLE_CONNECT_SECONDS.",
            ) from None
        except OSError as error:
            raise SourceUnavailable(redacted(f"{where}: {error}.", hidden)) from None
        except (ValueError, ArithmeticError, pa.ArrowException) as error:
            # What the driver lets through of a value that Python or Arrow has no room for: a year before Christ.
            self._forget(domain)
            raise SourceFailed(redacted(f"{where}: a value can't be read: {error}.", hidden)) from None

    def _forget(self, domain: Domain | None) -> None:
        """A column may have another type by now."""
        if domain is not None:
            self._readings.pop(_key(domain), None)


def _key(domain: Domain) -> tuple[str, str]:
    return domain.name, domain.sql


async def binds_of(query: Query, session: Session) -> dict[str, object]:
    """The query's binds, made for this session's next call."""
    values: Sequence[object]
    if query.bind_size is None:
        values = [await session.clob(each) for each in query.values]
    else:
        values = session.texts(query.values, query.bind_size)
    binds: dict[str, object] = dict(zip(query.names, values, strict=True))
    if query.scn is not None:
        binds[SCN_BIND] = query.scn
    return binds
