"""What stands behind the server: answers given by a test, typed tables, DuckDB; asked in this order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TypeVar

from tests.oracle import types
from tests.oracle.binds import Value
from tests.oracle.clock import Clock
from tests.oracle.duck import Duck, DuckSession
from tests.oracle.errors import OracleError
from tests.oracle.rows import Result
from tests.oracle.statements import Statement, parse
from tests.oracle.tables import Table, Tables

Found = TypeVar("Found")
Answer = Table | OracleError | Callable[[], Table]
_IGNORED = re.compile(r"\s*(ALTER\s+SESSION|BEGIN|DECLARE|EXPLAIN\s+PLAN)\b", re.IGNORECASE)
_SCN = re.compile(r"\bGET_SYSTEM_CHANGE_NUMBER\b|\bCURRENT_SCN\b", re.IGNORECASE)


class Data:
    """Shared by all sessions of a server."""

    def __init__(self, duck: Duck | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.tables = Tables(self.clock)
        self.duck = duck
        self._answers: list[tuple[re.Pattern[str], Answer]] = []
        self.tables.put("DUAL", Table.of({"DUMMY": types.varchar2(1)}, [("X",)]))
        self.answer(_SCN.pattern, self._present)

    def _present(self) -> Table:
        return Table.of({"SCN": types.number()}, [(Decimal(self.clock.read()),)])

    def answer(self, pattern: str, answer: Answer) -> None:
        """Answer statements in which the regular expression is found (without regard to case); the last one given wins."""
        self._answers.insert(0, (re.compile(pattern, re.IGNORECASE | re.DOTALL), answer))

    def is_answered(self, sql: str) -> bool:
        return any(pattern.search(sql) for pattern, _ in self._answers)

    def answer_of(self, sql: str) -> Result | None:
        """Raises the OracleError that was given as the answer."""
        for pattern, answer in self._answers:
            if pattern.search(sql):
                if isinstance(answer, OracleError):
                    raise answer
                table = answer() if callable(answer) else answer
                return Result(table.columns, table.rows)
        return None

    def scn(self, statement: Statement, named: Mapping[str, Value]) -> int | None:
        """As of when the statement reads, None for the present. Raises ORA-01555 and ORA-08181."""
        scn = statement.scn(named)
        if scn is not None:
            self.clock.check(scn)
        return scn

    def session(self) -> DataSession:
        return DataSession(self)


class DataSession:
    """One session's statements. A cancelled call is interrupted, not waited for longer than that takes."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self._duck = data.duck.session() if data.duck else None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="oracle-session")

    @property
    def in_transaction(self) -> bool:
        return self._duck is not None and self._duck.in_transaction

    def key(self, sql: str, values: Sequence[Value]) -> object:
        """Equal for queries that find the same; None where that can't be told. Raises OracleError."""
        if self.in_transaction or is_ignored(sql) or self._data.is_answered(sql):
            return None
        statement = parse(sql)
        if not statement.is_query:
            return None
        named = statement.named(values)
        scn = self._data.scn(statement, named)
        if statement.as_of is not None:
            named.pop(statement.as_of[1:], None)
        return sql, tuple(named.items()), self._data.clock.state(scn)

    async def describe(self, sql: str) -> Result | None:
        """The columns of a query; None for another statement. Raises OracleError."""
        if is_ignored(sql):
            return None
        if (known := self._data.answer_of(sql)) is not None:
            return known
        statement = parse(sql)
        if not statement.is_query:
            return None
        if self._data.tables.answers(statement):
            nothing = dict.fromkeys(statement.binds)
            return Result(self._data.tables.query(statement, nothing, None).columns, [])
        duck = self._needed()
        return await self._in_thread(lambda: duck.describe(statement))

    async def run(self, sql: str, executions: Sequence[list[Value]]) -> Result | int:
        """Rows of a query, or how many rows were changed. Raises OracleError."""
        if is_ignored(sql):
            return 0
        if (known := self._data.answer_of(sql)) is not None:
            return known
        statement = parse(sql)
        named = [statement.named(values) for values in executions or [[]]]
        if not statement.is_query:
            duck = self._needed()
            return await self._in_thread(lambda: duck.change(statement, named))
        scn = self._data.scn(statement, named[0])
        if self._data.tables.answers(statement):
            return self._data.tables.query(statement, named[0], scn)
        duck = self._needed()
        return await self._in_thread(lambda: duck.query(statement, named[0], scn))

    async def commit(self) -> None:
        if self._duck is not None:
            await self._in_thread(self._duck.commit)

    async def rollback(self) -> None:
        if self._duck is not None:
            await self._in_thread(self._duck.rollback)

    def close(self) -> None:
        self._thread.shutdown(wait=False)
        if self._duck is not None:
            self._duck.close()

    def _needed(self) -> DuckSession:
        if self._duck is None:
            raise OracleError(942)
        return self._duck

    async def _in_thread(self, work: Callable[[], Found]) -> Found:
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done() and self._duck is not None:
                self._duck.interrupt()
                await asyncio.wait((running,), timeout=0.02)
            await asyncio.gather(running, return_exceptions=True)
            raise


def is_ignored(sql: str) -> bool:
    """Statements that are taken without doing anything: session settings, PL/SQL, plans."""
    return _IGNORED.match(sql) is not None
