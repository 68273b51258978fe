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

    def __init__(self, connection: oracledb.Connection) -> None:
        self._connection = connection
        self._clean = True
        self._running: asyncio.Future[Any] | None = None

    @classmethod
    async def connect(cls, parameters: Mapping[str, Any]) -> Session:
        """A new one; ``parameters`` are those of ``oracledb.connect``."""
        connecting = _in_thread(lambda: oracledb.connect(**parameters))
        try:
            return cls(await asyncio.shield(connecting))
        except asyncio.CancelledError:
            connecting.add_done_callback(_close_late)
            raise

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
        """Binds for these texts, each declared with ``size`` bytes: then a statement's binds never change their kind."""
        with self._connection.cursor() as cursor:
            binds = [cursor.var(oracledb.DB_TYPE_VARCHAR, size) for _ in values]
        for bind, value in zip(binds, values, strict=True):
            bind.setvalue(0, value)
        return binds

    async def frames(self, statement: str, binds: Binds, size: int) -> AsyncGenerator[Any, None]:
        """The rows of a query as data frames of ``size`` rows, the first of which may be empty."""
        clean, self._clean = self._clean, False
        frames = self._connection.fetch_df_batches(statement, dict(binds), size=size, fetch_decimals=True)
        while (frame := await self._call(partial(next, frames, None))) is not None:
            yield frame
        self._clean = clean

    async def close(self) -> None:
        """Logs off within a second or two. Never raises."""
        running = self._running
        if running is not None and not running.done():
            # While a call is under way nobody else may touch the connection: the driver would go on with a socket that
            # this call has given up meanwhile, and the process would die. The call ends when its time is up.
            running.add_done_callback(lambda _: _in_thread(self._log_off))
            return
        self.allow(_CLOSE_SECONDS)
        await asyncio.wait((_in_thread(self._log_off),), timeout=4 * _CLOSE_SECONDS)

    def _log_off(self) -> None:
        with contextlib.suppress(oracledb.Error, OSError):
            if self._connection.is_healthy():
                self._connection.close()

    @property
    def _is_at_work(self) -> bool:
        return self._running is not None and not self._running.done()

    async def _call(self, call: Callable[[], Result]) -> Result:
        self._running = running = _in_thread(call)
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


def _close_late(connecting: asyncio.Future[oracledb.Connection]) -> None:
    """Closes a connection that came when nobody waited for it any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        threading.Thread(target=connecting.result().close, daemon=True, name="oracle").start()


def _in_thread(call: Callable[[], Result]) -> asyncio.Future[Result]:
    """The call in a thread of its own, which does not keep the process alive when Oracle never answers."""
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

    threading.Thread(target=work, daemon=True, name="oracle").start()
    return future
