"""A bounded pool of sessions with Oracle.

The driver's own pool is not used: a thread of its own asks one idle connection after the other whether it lives, opens and
closes them, so that one which no longer answers holds up all the others.

Rules: at most ``size`` sessions exist; whoever finds none free waits, for a bounded time; a session that lay idle is asked
whether it still lives before it is given out; one that is not clean is closed, beside whatever goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import oracledb

from producers.sources.oracle_session import Session
from producers.sources.protocol import SourceUnavailable

_TRUSTED_SECONDS = 2.0
"""For how long a session that lies idle is taken to be alive."""


class SessionPool:
    """``connect`` makes a session; ``connect_seconds`` bounds that, and the answer to a ping."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Session]],
        size: int,
        *,
        wait_seconds: float,
        connect_seconds: float,
    ) -> None:
        self._connect = connect
        self._size = size
        self._wait_seconds = wait_seconds
        self._connect_seconds = connect_seconds
        self._slots = asyncio.Semaphore(size)
        self._idle: list[tuple[Session, float]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    @contextlib.asynccontextmanager
    async def session(self, *, call_seconds: float) -> AsyncGenerator[Session, None]:
        """A session for one task. Raises SourceUnavailable when none becomes free in time, and the driver's errors."""
        await self._take_slot()
        try:
            session = await self._live_idle() or await self._fresh()
            try:
                session.allow(call_seconds)
                yield session
            finally:
                self._put_back(session)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Closes what is idle, and waits until all that is being closed is. Sessions in use are closed when they come back."""
        self._closed = True
        while self._idle:
            self._discard(self._idle.pop()[0])
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _take_slot(self) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise SourceUnavailable(
                f"All {self._size} connections to Oracle were in use for {self._wait_seconds:g} seconds.",
                code="busy",
                hint="Raise TRACE_SOURCE_CONNECTIONS or lower TRACE_PARALLEL_CHUNKS.",
            ) from None

    async def _live_idle(self) -> Session | None:
        """The session used last that still lives; those that don't are closed."""
        while self._idle:
            session, since = self._idle.pop()
            if session.clean and await self._lives(session, since):
                return session
            self._discard(session)
        return None

    async def _lives(self, session: Session, since: float) -> bool:
        if asyncio.get_running_loop().time() - since < _TRUSTED_SECONDS:
            return True
        try:
            # Half of the time, because the driver waits as long again for the answer to its break.
            session.allow(self._connect_seconds / 2)
            await session.ping()
        except (oracledb.Error, OSError):
            return False
        except BaseException:
            self._discard(session)
            raise
        return True

    async def _fresh(self) -> Session:
        async with asyncio.timeout(self._connect_seconds):
            return await self._connect()

    def _put_back(self, session: Session) -> None:
        if session.clean and not self._closed:
            self._idle.append((session, asyncio.get_running_loop().time()))
        else:
            self._discard(session)

    def _discard(self, session: Session) -> None:
        closing = asyncio.ensure_future(session.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
