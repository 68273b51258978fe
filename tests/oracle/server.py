"""The loopback server: a listener on 127.0.0.1 that speaks Oracle Net with the real driver.

    async with OracleServer(data=file) as server:
        connection = await oracledb.connect_async(user=server.user, password=server.password, dsn=server.dsn)

For synchronous clients, or to keep the server out of the test's event loop, :func:`serving` runs one in a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.oracle import handshake
from tests.oracle.channel import Broken, Channel, Gone
from tests.oracle.clock import Clock
from tests.oracle.data import Data
from tests.oracle.duck import Duck
from tests.oracle.errors import End, OracleError, end_of_call, status
from tests.oracle.faults import Faults, What
from tests.oracle.lobs import Lobs
from tests.oracle.packets import Kind, packet, read_packet
from tests.oracle.password import Logon, Verifier
from tests.oracle.release import FAST_AUTHENTICATION_FIELDS, ORACLE_19, Release
from tests.oracle.rows import Playback
from tests.oracle.session import END_OF_RESPONSE, Session
from tests.oracle.ttc import Reader
from tests.oracle.types import OracleType

_UNIT = 65535
"""The longest packet the server takes part in; a client usually asks for 8,192."""
_PLAYBACK_BYTES = 1 << 30


class Database:
    """What all sessions of a server share."""

    def __init__(self, data: Data, release: Release, *, repeats: bool) -> None:
        self.data = data
        self.release = release
        self.repeats = repeats
        self.faults = Faults()
        self.lobs = Lobs()
        self.playback = Playback(_PLAYBACK_BYTES)
        self.counts: Counter[str] = Counter()


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
    ) -> None:
        """``data``: a DuckDB file, or none for an empty database; ``columns``: types by column name where they are to differ
        from what DuckDB's type would be; ``most_sessions``: beyond it logons fail with ORA-00018; ``repeats``: leave out values
        that are the same as in the row before, as Oracle does."""
        self.user = user
        self.password = password
        self.service = service
        self.port = port
        self.most_sessions = most_sessions
        if not isinstance(data, Data):
            clock = Clock()
            data = Data(Duck(clock, data, columns), clock)
        self.database = Database(data, release, repeats=repeats)
        self.sessions: dict[int, Session] = {}
        """Logged on, by session number."""
        self._verifier = Verifier.of(password)
        self._listening: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def dsn(self) -> str:
        return f"127.0.0.1:{self.port}/{self.service}"

    @property
    def data(self) -> Data:
        return self.database.data

    @property
    def counts(self) -> Counter[str]:
        """How often what has happened: ``connect``, ``logon``, ``break``, ``parse``, ``reexecute`` (executions of a cursor
        that was open) and each call by the name that faults use for it."""
        return self.database.counts

    @property
    def faults(self) -> Faults:
        return self.database.faults

    async def __aenter__(self) -> OracleServer:
        self._listening = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
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
            ends = (Gone, Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
            with contextlib.suppress(*ends):
                await self._conversation(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _conversation(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unit = await self._accept(reader, writer)
        release = self.database.release
        channel = Channel(reader, writer, unit, end_of_response=release.end_of_response)
        number = 0
        try:
            number = await self._log_on(channel)
            if number:
                await self.sessions[number].run()
        finally:
            self.sessions.pop(number, None)
            await channel.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        """The listener's part: refuse the client, or accept it and tell how long packets may be."""
        first = await read_packet(reader, large=False)
        if first.kind != Kind.CONNECT:
            raise Gone
        self.counts["connect"] += 1
        connect = handshake.Connect.of(first.body)
        descriptor = connect.descriptor
        if descriptor is None:
            descriptor = (await read_packet(reader, large=False)).body.decode()
        refusal = 0 if handshake.service_of(descriptor).lower() == self.service.lower() else 12514
        fault = self.faults.before("connect")
        if fault is not None:
            if fault.what is What.FAIL and fault.error is not None:
                refusal = fault.error.code
            elif fault.what is What.CUT:
                raise Gone
            else:
                await asyncio.sleep(fault.seconds if fault.what is What.DELAY else 3600)
        if refusal:
            writer.write(packet(Kind.REFUSE, handshake.refuse(refusal), large=False))
            await writer.drain()
            raise Gone
        unit = min(connect.unit, _UNIT)
        # Still with the short length: the client knows of the long one when it has read this.
        writer.write(packet(Kind.ACCEPT, handshake.accept(self.database.release, unit), large=False))
        await writer.drain()
        return unit

    async def _log_on(self, channel: Channel) -> int:
        """Protocol, data types and password; the number of the session, 0 where the client was refused."""
        release = self.database.release
        first = await channel.request(_first_message)
        prefix = b""
        if isinstance(first, tuple):
            types, authentication = first
            prefix = handshake.protocol(release) + handshake.data_types(types)
        else:
            await channel.send(handshake.protocol(release), last=False)
            types = await channel.request(_data_types)
            await channel.send(handshake.data_types(types), last=False)
            authentication = await channel.request(partial(_authentication, fields=release.fields))
        logon = Logon(
            self._verifier if authentication.user.lower() == self.user.lower() else Verifier.of_nobody()
        )
        closing = bytes([END_OF_RESPONSE]) if release.end_of_response else b""
        good = status(in_transaction=False) + closing
        await channel.send(prefix + handshake.parameters(logon.challenge()) + good)
        answer = await channel.request(partial(_authentication, fields=release.fields))
        error = None if logon.accepts(answer.values) else OracleError(1017)
        fault = self.faults.before("logon")
        if fault is not None and fault.what is What.FAIL:
            error = fault.error
        elif fault is not None:
            await asyncio.sleep(fault.seconds if fault.what is What.DELAY else 3600)
        if error is None and len(self.sessions) >= self.most_sessions:
            error = OracleError(18)
        if error is not None:
            await channel.send(end_of_call(End(error=error), release.fields) + closing)
            return 0
        self.counts["logon"] += 1
        number = self.counts["logon"]
        self.sessions[number] = Session(self.database, channel, number)
        await channel.send(handshake.parameters(self._welcome(logon, number)) + good)
        return number

    def _welcome(self, logon: Logon, number: int) -> list[tuple[str, str, int]]:
        values = {
            "AUTH_SVR_RESPONSE": logon.proof(),
            "AUTH_VERSION_NO": str(self.database.release.number),
            "AUTH_SESSION_ID": str(number),
            "AUTH_SERIAL_NUM": "1",
            "AUTH_SC_DBUNIQUE_NAME": self.service.upper(),
            "AUTH_SC_REAL_DBUNIQUE_NAME": self.service.upper(),
            "AUTH_SC_SERVICE_NAME": self.service,
            "AUTH_INSTANCENAME": self.service.upper(),
            "AUTH_MAX_OPEN_CURSORS": "300",
            "AUTH_MAX_IDEN_LENGTH": "128",
        }
        return [(key, value, 0) for key, value in values.items()]


def _first_message(data: bytes) -> Any:
    """None for a protocol message, types and logon for a fast authentication."""
    reader = Reader(data)
    if reader.u8() == handshake.FAST_AUTHENTICATION:
        return handshake.read_fast_authentication(reader, FAST_AUTHENTICATION_FIELDS)
    return handshake.read_protocol(reader)


def _data_types(data: bytes) -> list[tuple[int, int, int]]:
    reader = Reader(data)
    reader.u8()
    return handshake.read_data_types(reader)


def _authentication(data: bytes, fields: int) -> handshake.Authentication:
    reader = Reader(data)
    reader.u8()
    return handshake.read_authentication(reader, fields)


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
