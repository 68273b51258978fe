"""One connection to Oracle, and the few calls a source makes on it.

There are two kinds: the driver's asynchronous connection (thin mode), and its synchronous one in threads, because thick mode
has no other. A call that is cancelled is broken: Oracle gets an interrupt, and stops. A session that was broken, failed or left
with rows unread is no longer ``clean``, and is not used again.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
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


class Session(ABC):
    """A connection in the hands of one task. Every call raises the driver's errors (``oracledb.Error``, OSError)."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._clean = True

    @property
    def clean(self) -> bool:
        """Whether the next task may have it."""
        return self._clean and self._connection.is_healthy()

    def allow(self, seconds: float) -> None:
        """From now on a round trip may take that long. When it takes longer it is broken (DPY-4024)."""
        self._connection.call_timeout = min(max(1, round(seconds * 1000)), _MOST_MILLISECONDS)

    async def describe(self, statement: str) -> list[Description]:
        """The columns of a query, which is parsed and not run."""
        with self._connection.cursor() as cursor:
            await self._call(partial(cursor.parse, statement))
            return [Description.of(info) for info in cursor.description or ()]

    async def rows(self, statement: str, binds: Binds | None = None) -> list[tuple[Any, ...]]:
        """All rows of a small answer."""
        found: list[tuple[Any, ...]] = await self._call(
            partial(self._connection.fetchall, statement, dict(binds or {}))
        )
        return found

    async def run(self, statement: str, binds: Binds | None = None) -> None:
        """Runs a statement that has no rows."""
        await self._call(partial(self._connection.execute, statement, dict(binds or {})))

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
        batches = self._connection.fetch_df_batches(statement, dict(binds), size=size, fetch_decimals=True)
        while (frame := await self._next(batches)) is not None:
            yield frame
        self._clean = clean

    async def close(self) -> None:
        """Logs off within a second or two, whatever state the connection is in. Never raises."""
        with contextlib.suppress(Exception):
            self.allow(_CLOSE_SECONDS)
            await self._settled(self._call(self._connection.close), 4 * _CLOSE_SECONDS)

    async def _settled(self, call: Awaitable[Any], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            await call

    @abstractmethod
    async def _next(self, batches: Any) -> Any:
        """The next data frame, or None."""

    @abstractmethod
    def _begun(self, call: Callable[[], Any]) -> asyncio.Future[Any]:
        """The driver's call, running."""

    async def _call(self, call: Callable[[], Any]) -> Any:
        running = self._begun(call)
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
        # Let it send its request first: an interrupt that comes before would hit nothing.
        await asyncio.sleep(0)
        with contextlib.suppress(oracledb.Error, OSError):
            self._connection.cancel()
        await asyncio.wait((running,), timeout=_BREAK_SECONDS)
        for _ in range(2):
            # Cancelled once, the driver sends a break of its own and waits for the answer; cancelled twice it lets go.
            if not running.done():
                running.cancel()
                await asyncio.wait((running,), timeout=0.05)
        # What it ended with is of no interest, but an exception that nobody asks for is reported as lost.
        running.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


class AsyncSession(Session):
    """The driver's asynchronous connection."""

    @classmethod
    async def connect(cls, parameters: Mapping[str, Any]) -> Session:
        return cls(await oracledb.connect_async(**parameters))

    async def _next(self, batches: Any) -> Any:
        return await self._call(partial(anext, batches, None))

    def _begun(self, call: Callable[[], Any]) -> asyncio.Future[Any]:
        async def awaited() -> Any:
            return await call()

        return asyncio.ensure_future(awaited())


class ThreadedSession(Session):
    """The driver's synchronous connection, each call in a thread."""

    @classmethod
    async def connect(cls, parameters: Mapping[str, Any]) -> Session:
        connecting = _in_thread(partial(_connect, parameters))
        try:
            return cls(await asyncio.shield(connecting))
        except asyncio.CancelledError:
            connecting.add_done_callback(_close_late)
            raise

    async def rows(self, statement: str, binds: Binds | None = None) -> list[tuple[Any, ...]]:
        def fetched() -> list[tuple[Any, ...]]:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, dict(binds or {}))
                return list(cursor.fetchall())

        found: list[tuple[Any, ...]] = await self._call(fetched)
        return found

    async def run(self, statement: str, binds: Binds | None = None) -> None:
        def executed() -> None:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, dict(binds or {}))

        await self._call(executed)

    async def _next(self, batches: Iterator[Any]) -> Any:
        return await self._call(partial(next, batches, None))

    def _begun(self, call: Callable[[], Any]) -> asyncio.Future[Any]:
        return _in_thread(call)


def _connect(parameters: Mapping[str, Any]) -> oracledb.Connection:
    return oracledb.connect(**parameters)


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
