"""One connection's packets: messages out, cut to size; requests in, with breaks noticed while a call runs.

A break is answered as the driver expects it: a break marker, the client's reset marker, ours, and then the error of the call that
was broken, even where that had ended just before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from tests.oracle.packets import END_OF_FILE, END_OF_RESPONSE, Kind, Marker, data_packets, marker, read_packet
from tests.oracle.ttc import Incomplete

Found = TypeVar("Found")
Request = TypeVar("Request")
_BURST = 65536
"""Bytes handed to the socket at a time: a break is seen between two bursts."""


class Gone(Exception):
    """The client has said good-bye or is not there any more."""


class Broken(Exception):
    """The client has broken the call."""


class Channel:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        unit: int,
        *,
        end_of_response: bool,
        tries_attention: bool,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._unit = unit
        self._flags = END_OF_RESPONSE if end_of_response else 0
        self._packets: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._break = asyncio.Event()
        self._reset = asyncio.Event()
        self._gone = asyncio.Event()
        self._tries_attention = tries_attention
        """The client's first attention is a trial, which a reset marker follows."""
        self.attentions = 0
        """How many have come."""
        self._deaf = False
        self.bytes_sent = 0
        """Of messages, without what stands around them."""
        self._pump = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                packet = await read_packet(self._reader, large=True)
                if packet.kind == Kind.DATA:
                    if packet.flags & END_OF_FILE:
                        break
                    self._packets.put_nowait(packet.body)
                elif packet.kind == Kind.MARKER and packet.marker == Marker.RESET:
                    self._reset.set()
                elif packet.kind == Kind.ATTENTION:
                    self.attentions += 1
                    if self._tries_attention:
                        self._tries_attention = False
                    else:
                        self._hear_break()
                elif packet.kind == Kind.MARKER:
                    self._hear_break()
        self._gone.set()
        self._packets.put_nowait(None)

    def _hear_break(self) -> None:
        if not self._deaf:
            self._reset.clear()
            self._break.set()

    async def request(self, read: Callable[[bytes], Request]) -> Request:
        """The next request, as ``read`` makes it of bytes; raises Broken or Gone, and whatever ``read`` raises."""
        data = b""
        while True:
            data += await self._unless(self._packet(), {self._break: Broken})
            with contextlib.suppress(Incomplete):
                return read(data)

    async def _packet(self) -> bytes:
        packet = await self._packets.get()
        if packet is None:
            raise Gone
        return packet

    async def call(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work of a call; raises Broken when the client breaks it and Gone when it leaves."""
        await self._unless(work, {self._break: Broken, self._gone: Gone})

    async def _unless(
        self, work: Coroutine[Any, Any, Found], ends: Mapping[asyncio.Event, type[Exception]]
    ) -> Found:
        """Do the work, or cancel it and raise what belongs to the first of the events that comes."""
        running = asyncio.ensure_future(work)
        signals = [asyncio.create_task(event.wait()) for event in ends]
        try:
            await asyncio.wait((running, *signals), return_when=asyncio.FIRST_COMPLETED)
            for event, end in ends.items():
                if event.is_set() and (end is Broken or not running.done()):
                    raise end
            return running.result()
        finally:
            for task in (running, *signals):
                task.cancel()
            await asyncio.gather(running, *signals, return_exceptions=True)

    async def send(self, message: bytes, *, last: bool = True) -> None:
        """A message as data packets; ``last``: it ends the response."""
        self.bytes_sent += len(message)
        packets = data_packets(message, self._unit, last_flags=self._flags if last else 0)
        burst = max(1, _BURST // self._unit)
        for start in range(0, len(packets), burst):
            self._writer.write(b"".join(packets[start : start + burst]))
            await self._writer.drain()

    async def interrupt_client(self) -> None:
        """The markers around an error: ours, then the client's reset, then ours. What the client sent before is void."""
        if not self._break.is_set():
            self._reset.clear()
        self._writer.write(marker(Marker.BREAK))
        await self._writer.drain()
        waits = [asyncio.create_task(event.wait()) for event in (self._reset, self._gone)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self._reset.is_set():
            raise Gone
        self._break.clear()
        while not self._packets.empty():
            if self._packets.get_nowait() is None:
                raise Gone
        self._writer.write(marker(Marker.RESET))
        await self._writer.drain()

    async def hear_out(self) -> None:
        """Wait until the client says anything more or leaves: closing now could take back what was just sent to it."""
        await self._packets.get()

    def deafen(self) -> None:
        """Hear no break from now on."""
        self._deaf = True

    def cut(self) -> None:
        """Close without a word; what has not left yet is lost."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self._pump.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()
