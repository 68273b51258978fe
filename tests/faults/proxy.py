"""A TCP proxy whose connections can be cut, delayed and stalled: the network between two processes, in the tests' hand.

Bytes pass unchanged and in order. What is stalled is held back and comes later, or never when the connection is cut meanwhile: so
a request may have been carried out whose answer is never seen.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum

from broker.embedded_properties import HOST

_PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)


class Way(StrEnum):
    """A direction, as the client sees it."""

    OUT = "out"
    BACK = "back"


BOTH = (Way.OUT, Way.BACK)


class Proxy:
    """Listens at ``port`` and passes on to ``target``. ``counts`` says what was really hit:

    ``accepted`` and ``cut`` connections, ``refused`` ones, pieces ``delayed`` and ``stalled``.
    """

    def __init__(self, target: int, port: int = 0) -> None:
        self.target = target
        self.port = port
        self.delay = 0.0
        """Seconds that each piece takes longer, either way."""
        self.refusing = False
        """New connections are closed at once."""
        self.counts: Counter[str] = Counter()
        self._open: dict[Way, asyncio.Event] = {way: asyncio.Event() for way in BOTH}
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self.restore()
        self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=_PIECE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cuts everything and listens no longer."""
        if self._server is not None:
            self._server.close()
        self.cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._ends) // 2

    def cut(self) -> int:
        """Resets every open connection, both ends; what was on the way is lost. Returns how many there were."""
        hit = self.connections
        for writer in list(self._ends):
            opened = writer.get_extra_info("socket")
            with suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        self._ends.clear()
        self.counts["cut"] += hit
        return hit

    def stall(self, ways: Iterable[Way] = BOTH) -> None:
        """Holds back what comes from now on; connections stay open, new ones too."""
        for way in ways:
            self._open[way].clear()

    def restore(self) -> None:
        """Takes every fault back: what was held goes on its way."""
        self.delay, self.refusing = 0.0, False
        for gate in self._open.values():
            gate.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._pass_on(reader, writer)
        except asyncio.CancelledError:
            # Only stop() cancels: asyncio's own callback would log it as an error.
            pass
        finally:
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            self.counts["refused"] += 1
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target, limit=_PIECE)
        except OSError:
            writer.transport.abort()
            return
        self.counts["accepted"] += 1
        ends = {writer, far_writer}
        self._ends |= ends
        try:
            await asyncio.gather(
                self._pump(reader, far_writer, Way.OUT), self._pump(far_reader, writer, Way.BACK)
            )
        finally:
            self._ends -= ends
            for end in ends:
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        gate = self._open[way]
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                if self.delay:
                    self.counts["delayed"] += 1
                    await asyncio.sleep(self.delay)
                if not gate.is_set():
                    self.counts["stalled"] += 1
                    await gate.wait()
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            return
        writer.transport.abort()
