"""The loopback server: a listener on 127.0.0.1 that speaks Oracle Net with the real driver.

    async with OracleServer(file) as server:
        connection = await oracledb.connect_async(user=server.user, password=server.password, dsn=server.dsn)

For synchronous clients, or to keep the server out of the test's event loop, :func:`serving` runs one in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.oracle.channel import Broken, Channel, Gone
from tests.oracle.clock import Clock
from tests.oracle.data import Data
from tests.oracle.database import Database
from tests.oracle.duck import Duck
from tests.oracle.faults import Faults
from tests.oracle.logon import accept, log_on
from tests.oracle.release import ORACLE_19, Release
from tests.oracle.session import Session
from tests.oracle.types import OracleType


class OracleServer:
    """A server; an asynchronous context manager, as which it listens."""

    def __init__(
        self,
        data: Path | Data | None = None,
        *,
        columns: Mapping[str, OracleType] | None = None,
        user: str = "trace",
        password: str = "secret",
        service: str = "free",
        port: int = 0,
        release: Release = ORACLE_19,
        most_sessions: int = 1000,
        repeats: bool = True,
        attention: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``data``: a DuckDB file, or none for an empty database; ``columns``: types by column name where they are to differ
        from what DuckDB's type would be; ``most_sessions``: beyond it logons fail with ORA-00018; ``repeats``: leave out values
        that are the same as in the row before, as Oracle does; ``attention``: take breaks out of band from clients that can send
        them so, which the synchronous driver can."""
        if not isinstance(data, Data):
            clock = Clock()
            data = Data(Duck(clock, data, columns), clock)
        self.database = Database(
            data,
            release,
            service=service,
            user=user,
            password=password,
            most_sessions=most_sessions,
            repeats=repeats,
            attention=attention,
        )
        self.password = password
        self.port = port
        self._tls = tls
        self._listening: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def user(self) -> str:
        return self.database.user

    @property
    def dsn(self) -> str:
        return f"{'tcps://' if self._tls else ''}127.0.0.1:{self.port}/{self.database.service}"

    @property
    def data(self) -> Data:
        return self.database.data

    @property
    def faults(self) -> Faults:
        return self.database.faults

    @property
    def counts(self) -> Counter[str]:
        """How often what has happened: ``connect``, ``logon``, ``break``, ``parse``, ``reexecute`` (executions of a cursor
        that was open) and each call by the name that faults use for it."""
        return self.database.counts

    @property
    def sessions(self) -> dict[int, Session]:
        """Who is logged on, by session number; the first is 1."""
        return self.database.sessions

    @property
    def failures(self) -> list[Exception]:
        """Mistakes of the server's own, each of which ended a call with ORA-00600."""
        return self.database.failures

    @property
    def most_sessions(self) -> int:
        return self.database.most_sessions

    @most_sessions.setter
    def most_sessions(self, value: int) -> None:
        self.database.most_sessions = value

    async def __aenter__(self) -> OracleServer:
        self._listening = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        self._listening.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self.data.duck is not None:
            self.data.duck.close()

    def kill_sessions(self, code: int = 28) -> None:
        """End all sessions at their next call with that error."""
        for session in self.sessions.values():
            session.kill(code)

    @staticmethod
    def wait_until(holds: Callable[[], bool]) -> None:
        """Wait in the client's thread for what the server's does in a moment; fails after a minute."""
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, "the server did not get there"
            time.sleep(0.005)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            # Cancelled at the server's end alone; a task of asyncio's server that ends so would be reported as lost.
            ends = (Gone, Broken, OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
            with contextlib.suppress(*ends):
                await self._conversation(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _conversation(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unit, attention = await accept(self.database, reader, writer)
        ends = self.database.release.end_of_response
        channel = Channel(reader, writer, unit, end_of_response=ends, tries_attention=attention)
        session = None
        try:
            session = await log_on(self.database, channel)
            if session is not None:
                await session.run()
        finally:
            if session is not None:
                self.sessions.pop(session.number, None)
            await channel.close()


@contextlib.contextmanager
def serving(data: Path | Data | None = None, **settings: Any) -> Iterator[OracleServer]:
    """A server in a thread of its own, with an event loop of its own; the settings are OracleServer's."""
    server = OracleServer(data, **settings)
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        async with server:
            started.set()
            await stop.wait()

    thread = threading.Thread(
        target=lambda: loop.run_until_complete(run()), name="oracle-server", daemon=True
    )
    thread.start()
    if not started.wait(30):
        raise RuntimeError("the Oracle server did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
