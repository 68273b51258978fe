"""One connection to Oracle, and the few calls a source makes on it.

The driver's synchronous connection, each call in a thread. Its asynchronous one is not used: where the server does not mark the
end of a response (before Oracle 23), its data frames break as soon as a row that repeats values of the row before lies across two
packets (docs/decisions/0010). Thick mode has synchronous connections only, so that both modes are one.

A call that is cancelled is broken: Oracle gets an interrupt, and stops. A session that was broken, failed or left with rows
unread is no longer ``clean``, and is not used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

import oracledb

Result = TypeVar("Result")
Binds = Mapping[str, Any]

_BREAK_SECONDS = 0.8
"""How long a broken call may take to end before its connection is given up."""
_CLOSE_SECONDS = 0.5
"""How long Oracle may take for the answer to a log-off."""
_MOST_MILLISECONDS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Description:
    """A column of a query (implements :class:`producers.sources.oracle_types.Described`)."""

    name: str
    type_name: str
    precision: int | None
    scale: int | None
    size: int | None

    @classmethod
    def of(cls, info: oracledb.FetchInfo) -> Description:
        kind = info.type_code.name.removeprefix("DB_TYPE_")
        return cls(info.name, kind, info.precision, info.scale, info.display_size)


class Session:
    """A connection in the hands of one task. Every call raises the driver's errors (``oracledb.Error``, OSError)."""

    def __init__(self, connection: oracledb.Connection, thread: _Thread) -> None:
        self._connection = connection
        self._thread = thread
        self._texts: dict[tuple[int, int], list[Any]] = {}
        self._clob: oracledb.LOB | None = None
        self._clean = True
        self._running: asyncio.Future[Any] | None = None

    @classmethod
    async def connect(cls, parameters: Mapping[str, Any]) -> Session:
        """A new one; ``parameters`` are those of ``oracledb.connect``."""
        thread = _Thread()
        made: list[oracledb.Connection] = []
        try:
            await thread.run(lambda: made.append(oracledb.connect(**parameters)))
        except BaseException:
            # One that nobody waits for any more may still come: it is closed behind that.
            thread.run(lambda: [late.close() for late in made])
            thread.end()
            raise
        return cls(made[0], thread)

    @property
    def clean(self) -> bool:
        """Whether the next task may have it."""
        return self._clean and self._connection.is_healthy()

    @property
    def version(self) -> str:
        """The server's."""
        return str(self._connection.version)

    def spend(self) -> None:
        """Nobody else may have it after this task."""
        self._clean = False

    def allow(self, seconds: float) -> None:
        """From now on a round trip may take that long. When it takes longer it is broken (DPY-4024)."""
        if self._is_at_work or not self._connection.is_healthy():
            # A time-out given to a connection that is closed kills the process (tests/integration/test_oracle_driver.py).
            return
        self._connection.call_timeout = min(max(1, round(seconds * 1000)), _MOST_MILLISECONDS)

    async def describe(self, statement: str) -> list[Description]:
        """The columns of a query, which is parsed and not run."""

        def described() -> list[Description]:
            with self._connection.cursor() as cursor:
                cursor.parse(statement)
                return [Description.of(info) for info in cursor.description or ()]

        return await self._call(described)

    async def rows(self, statement: str, binds: Binds | None = None) -> list[tuple[Any, ...]]:
        """All rows of a small answer; none of a statement that has no rows."""

        def fetched() -> list[tuple[Any, ...]]:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, dict(binds or {}))
                return list(cursor.fetchall()) if cursor.description else []

        return await self._call(fetched)

    async def ping(self) -> None:
        """Raises when the other side does not answer."""
        await self._call(self._connection.ping)

    def texts(self, values: Sequence[str], size: int) -> list[Any]:
        """Binds for these texts, each declared with ``size`` bytes: then a statement's binds never change their kind.

        They are used again by the next call, so only one statement at a time may have them.
        """
        binds = self._texts.get((len(values), size))
        if binds is None:
            with self._connection.cursor() as cursor:
                binds = [cursor.var(oracledb.DB_TYPE_VARCHAR, size) for _ in values]
            self._texts[len(values), size] = binds
        for bind, value in zip(binds, values, strict=True):
            bind.setvalue(0, value)
        return binds

    async def clob(self, value: str) -> oracledb.LOB:
        """A bind for a text of any length: two round trips. It lasts until the next one of this session is made.

        The session holds it, because the driver notes for the next call that a LOB is to be freed when the last reference to it
        goes: that must not happen in another thread while a call is under way.
        """

        def made() -> oracledb.LOB:
            self._clob = self._connection.createlob(oracledb.DB_TYPE_CLOB, value)
            return self._clob

        return await self._call(made)

    async def frames(self, statement: str, binds: Binds, size: int) -> AsyncGenerator[Any, None]:
        """The rows of a query as data frames of ``size`` rows, the first of which may be empty."""
        clean, self._clean = self._clean, False
        frames = self._connection.fetch_df_batches(statement, dict(binds), size=size, fetch_decimals=True)
        while (frame := await self._call(partial(next, frames, None))) is not None:
            yield frame
        self._clean = clean

    async def close(self) -> None:
        """Logs off within a second or two. Never raises.

        While a call is under way nobody else may touch the connection: the driver would go on with a socket that this call has
        given up meanwhile, and the process would die. The thread logs off when the call has ended, its time being up.
        """
        self.allow(_CLOSE_SECONDS)
        closing = self._thread.run(self._log_off)
        self._thread.end()
        if not self._is_at_work:
            await asyncio.wait((closing,), timeout=4 * _CLOSE_SECONDS)

    def _log_off(self) -> None:
        with contextlib.suppress(oracledb.Error, OSError):
            if self._connection.is_healthy():
                self._connection.close()

    @property
    def _is_at_work(self) -> bool:
        return self._running is not None and not self._running.done()

    async def _call(self, call: Callable[[], Result]) -> Result:
        self._running = running = self._thread.run(call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._clean = False
            await self._break(running)
            raise
        except BaseException:
            self._clean = False
            raise

    async def _break(self, running: asyncio.Future[Any]) -> None:
        """Interrupts the call and waits a moment for its end."""
        # What it ends with is of no interest, but an exception that nobody asks for is reported as lost.
        running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        with contextlib.suppress(oracledb.Error, OSError):
            if not running.done() and self._connection.is_healthy():
                self._connection.cancel()
        await asyncio.wait((running,), timeout=_BREAK_SECONDS)


class _Thread:
    """One thread that makes one call after the other, and does not keep the process alive when Oracle never answers.

    One for a session's whole life: a new thread for each call would begin with memory of its own, faulted in anew.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True, name="oracle").start()

    def run(self, call: Callable[[], Result]) -> asyncio.Future[Result]:
        """The call's outcome, in the running event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
            if not future.done():
                set_outcome(outcome)

        def work() -> None:
            try:
                outcome: Any = call()
            except BaseException as error:
                told = partial(settle, future.set_exception, error)
            else:
                told = partial(settle, future.set_result, outcome)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(told)

        self._calls.put(work)
        return future

    def end(self) -> None:
        """The thread ends behind the calls that it was given."""
        self._calls.put(None)

    def _work(self) -> None:
        while (work := self._calls.get()) is not None:
            work()
