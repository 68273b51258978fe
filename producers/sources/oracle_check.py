"""What a user wants to know before the first job: does Oracle answer, may this account read as it must, what does a chunk cost.

Each check answers a :class:`Finding`; one that fails does not keep the others from being made, unless there is no connection.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from itertools import cycle, islice
from typing import Any

import oracledb

from catalogue.domain import MAX_IN_LIST, Domain
from producers.encode import drop_null_containers, encode_records
from producers.sources.oracle import OracleSource, binds_of
from producers.sources.oracle_query import explained
from producers.sources.protocol import SourceError
from producers.sources.settings import SourceSettings

_ABSENT = "tracestream check: no such container"
_PLAN = "SELECT PLAN_TABLE_OUTPUT FROM TABLE(DBMS_XPLAN.DISPLAY(NULL, 'tracestream', 'BASIC +PREDICATE +PARALLEL'))"
_WHO = (
    "SELECT SYS_CONTEXT('USERENV', 'SESSION_USER'), SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'),"
    " SYS_CONTEXT('USERENV', 'DB_NAME'), SYS_CONTEXT('USERENV', 'SERVICE_NAME') FROM DUAL"
)
_PRIVILEGES = "SELECT PRIVILEGE FROM SESSION_PRIVS ORDER BY PRIVILEGE"
_GRANTS = "SELECT TABLE_NAME, PRIVILEGE FROM USER_TAB_PRIVS_RECD ORDER BY TABLE_NAME, PRIVILEGE"
_NLS = (
    "SELECT PARAMETER, VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER IN"
    " ('NLS_CHARACTERSET', 'NLS_NCHAR_CHARACTERSET', 'NLS_LENGTH_SEMANTICS') ORDER BY PARAMETER"
)
_UNDO = "SELECT VALUE FROM V$PARAMETER WHERE NAME = 'undo_retention'"
_FULL_SCAN = "TABLE ACCESS FULL"
_WITH_JSON = (12, 1, 0, 2)
"""The first version with JSON_TABLE."""


class Verdict(Enum):
    GOOD = "ok"
    NOTE = "note"
    """Works, but somebody should look at it; or it cannot be asked, which keeps nothing from working."""
    BAD = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """``lines`` say more, as a plan does."""

    what: str
    verdict: Verdict
    text: str
    lines: Sequence[str] = ()


Check = Callable[[], Awaitable[Finding]]


async def check(
    settings: SourceSettings, catalogue: Mapping[str, Domain], container_ids: Sequence[str], rows: int
) -> AsyncGenerator[Finding, None]:
    """All findings, as they come. ``container_ids`` are the chunk that is timed; none: an ID that does not exist."""
    source = OracleSource(settings)
    try:
        begun = time.perf_counter()
        try:
            await source.open()
        except SourceError as error:
            yield Finding("connection", Verdict.BAD, str(error))
            return
        mode = "thick" if settings.oracle_thick else "thin"
        seconds = time.perf_counter() - begun
        yield Finding("connection", Verdict.GOOD, f"{settings.oracle_dsn} in {seconds:.2f} s, {mode} mode")
        probe = _Probe(source, settings, container_ids, rows)
        for what, ask in probe.checks(catalogue).items():
            try:
                yield await ask()
            except SourceError as error:
                yield Finding(what, Verdict.BAD, str(error))
    finally:
        await source.close()


class _Probe:
    def __init__(
        self, source: OracleSource, settings: SourceSettings, container_ids: Sequence[str], rows: int
    ) -> None:
        self._source = source
        self._settings = settings
        self._ids = container_ids
        self._rows = rows
        self._scn: int | None = None

    def checks(self, catalogue: Mapping[str, Domain]) -> dict[str, Check]:
        """In the order in which they are made: a later one uses what an earlier one found."""
        made: dict[str, Check] = {
            "version": lambda: self._version(catalogue),
            "account": self._account,
            "privileges": self._privileges,
            "NLS": self._nls,
            "flashback": self._flashback,
            "undo": self._undo,
        }
        for name, domain in catalogue.items():
            made[f"{name}: columns"] = lambda domain=domain: self._columns(domain)  # type: ignore[misc]
            made[f"{name}: plan"] = lambda domain=domain: self._plan(domain)  # type: ignore[misc]
            made[f"{name}: one chunk"] = lambda domain=domain: self._chunk(domain)  # type: ignore[misc]
        return made

    async def _version(self, catalogue: Mapping[str, Domain]) -> Finding:
        async with self._source.session() as session:
            version = session.version
        numbers = tuple(map(int, version.split(".")))
        long = [name for name, domain in catalogue.items() if domain.chunk_size > MAX_IN_LIST]
        if long and numbers < _WITH_JSON:
            text = f"{version}: chunk_size above {MAX_IN_LIST:,} ({', '.join(long)}) needs 12.1.0.2"
            return Finding("version", Verdict.BAD, text)
        return Finding("version", Verdict.NOTE if numbers[0] < 12 else Verdict.GOOD, version)

    async def _account(self) -> Finding:
        found = await self._asked(_WHO)
        if not found:
            return Finding("account", Verdict.NOTE, "cannot be asked")
        ((user, schema, database, service),) = found
        return Finding(
            "account", Verdict.GOOD, f"{user}, schema {schema}, database {database}, service {service}"
        )

    async def _privileges(self) -> Finding:
        system = [name for (name,) in await self._asked(_PRIVILEGES) or []]
        objects = [f"{privilege} on {table}" for table, privilege in await self._asked(_GRANTS) or []]
        too_much = [
            name for name in system if name.startswith(("DROP ANY", "DELETE ANY", "UPDATE ANY", "INSERT ANY"))
        ]
        verdict = Verdict.NOTE if too_much else Verdict.GOOD
        text = f"{len(system)} of the system, {len(objects)} on objects"
        if too_much:
            text += f"; reading needs none of {', '.join(too_much)}"
        return Finding("privileges", verdict, text, [*system, *objects])

    async def _nls(self) -> Finding:
        found = dict(await self._asked(_NLS) or [])
        if not found:
            return Finding(
                "NLS", Verdict.NOTE, "cannot be asked; nothing here depends on the session's formats"
            )
        return Finding("NLS", Verdict.GOOD, ", ".join(f"{key} {value}" for key, value in found.items()))

    async def _flashback(self) -> Finding:
        if not self._settings.oracle_flashback:
            return Finding(
                "flashback", Verdict.NOTE, "switched off: the chunks of a job are read at different times"
            )
        self._scn = await self._source.snapshot()
        return Finding("flashback", Verdict.GOOD, f"SCN {self._scn}")

    async def _undo(self) -> Finding:
        found = await self._asked(_UNDO)
        if not found:
            return Finding(
                "undo", Verdict.NOTE, "UNDO_RETENTION cannot be asked (V$PARAMETER): longer than a job takes?"
            )
        return Finding("undo", Verdict.GOOD, f"UNDO_RETENTION {found[0][0]} s: longer than a job takes?")

    async def _columns(self, domain: Domain) -> Finding:
        columns = await self._source.columns(domain)
        inexact = [column.name for column in columns if column.exact_as_double is False]
        text = f"{len(columns)}; JavaScript's numbers lose digits of {len(inexact)}"
        return Finding(
            f"{domain.name}: columns", Verdict.GOOD, text, [f"{c.name} {c.database_type}" for c in columns]
        )

    async def _plan(self, domain: Domain) -> Finding:
        what = f"{domain.name}: plan"
        query = explained(domain, self._chosen(domain), self._scn)
        try:
            with self._source.telling(domain):
                async with self._source.session(domain) as session:
                    binds = await binds_of(query, session)
                    # Its rows in PLAN_TABLE are never committed, and the session is not used again.
                    session.spend()
                    await session.rows(query.text, binds)
                    lines = [str(line) for (line,) in await session.rows(_PLAN)]
        except SourceError as error:
            return Finding(what, Verdict.NOTE, f"cannot be shown: {error.message}")
        full = any(_FULL_SCAN in line for line in lines)
        text = (
            "reads a whole table: is there an index on the container's column?"
            if full
            else "no table is read whole"
        )
        return Finding(what, Verdict.NOTE if full else Verdict.GOOD, text, lines)

    async def _chunk(self, domain: Domain) -> Finding:
        ids = self._chosen(domain)
        begun = time.perf_counter()
        first, rows, size = 0.0, 0, 0
        async with aclosing(
            self._source.fetch_events_iter(ids, domain, self._rows, snapshot=self._scn)
        ) as batches:
            async for batch in batches:
                first = first or time.perf_counter() - begun
                kept, _ = drop_null_containers(batch, domain.container_column)
                rows += kept.num_rows
                size += encode_records(kept).size
        seconds = time.perf_counter() - begun
        if not self._ids:
            text = f"{seconds:.3f} s for an ID that does not exist; give IDs with --ids to time a real one"
        else:
            known = len(self._ids[: len(ids)])
            given = f"{known} IDs" if known == len(ids) else f"{known} IDs (repeated up to {len(ids):,})"
            text = (
                f"{given}, {rows} rows, {size / 1e6:.1f} MB in {seconds:.2f} s, the first after {first:.2f} s"
            )
        return Finding(f"{domain.name}: one chunk", Verdict.GOOD, text)

    def _chosen(self, domain: Domain) -> Sequence[str]:
        """A chunk. More IDs than an IN-list may have are another statement, so there are always that many where a job has them."""
        ids = self._ids[: domain.chunk_size] or [_ABSENT]
        return list(islice(cycle(ids), domain.chunk_size)) if domain.chunk_size > MAX_IN_LIST else ids

    async def _asked(self, statement: str) -> list[tuple[Any, ...]] | None:
        """The rows of a question that an account need not be allowed to ask; None where it is not."""
        try:
            async with self._source.session() as session:
                return await session.rows(statement)
        except oracledb.Error:
            return None
