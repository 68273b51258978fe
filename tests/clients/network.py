"""The network between a client and a gateway, with a script: what becomes of the first, second, … connection.

A proxy that understands as much of HTTP/1.1 as it needs, so that the script and what the client did can be told in requests.
Towards the client connections are kept as the gateway keeps them; towards the gateway each request has one of its own, whose end
is the response's end. What is not under ``/api/`` passes without taking from the script.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
_PIECE = 64 * 1024
_RESET = struct.pack("ii", 1, 0)
_LAST_CHUNK = b"0\r\n\r\n"
_DELIVERY = 0.05
"""Seconds that loopback gets to deliver what was sent before a reset throws it away."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request to the API, and when it came."""

    method: str
    target: str
    at: float

    @property
    def offset(self) -> int | None:
        """The offset that a stream was asked for from."""
        parts = urlsplit(self.target)
        values = parse_qs(parts.query).get("offset")
        return int(values[0]) if parts.path.endswith("/stream") and values else None


@dataclass(slots=True)
class Network:
    """Listens while its block lasts; ``url`` is the client's way to the gateway at ``target``, a port."""

    target: int
    script: Sequence[Mapping[str, Any]] = ()
    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    _server: asyncio.Server | None = None
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def __aenter__(self) -> Network:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    def cut(self) -> None:
        """Resets every connection that is open."""
        for task, writer in self._open.items():
            _reset(writer)
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            _reset(writer)
        finally:
            del self._open[task]
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Requests(reader)
        going = True
        while going and (request := await client.next()) is not None:
            fault: Mapping[str, Any] = {}
            if request.target.startswith("/api/"):
                fault = self.script[len(self.seen)] if len(self.seen) < len(self.script) else {}
                self.seen.append(Seen(request.method, request.target, time.monotonic()))
            if fault.get("refuse"):
                _reset(writer)
                return
            if "answer" in fault:
                writer.write(_response(**fault["answer"]))
                await writer.drain()
            else:
                going = await self._pass_on(request, client, writer, fault)

    async def _pass_on(
        self, request: _Request, client: _Requests, writer: asyncio.StreamWriter, fault: Mapping[str, Any]
    ) -> bool:
        """Carries a request and its response; False when the connection to the client is over."""
        upstream, to_gateway = await asyncio.open_connection(HOST, self.target)
        try:
            to_gateway.write(request.forwarded())
            back = asyncio.create_task(_back(upstream, writer, fault))
            gone = asyncio.create_task(client.until_gone())
            try:
                await asyncio.wait((back, gone), return_when=asyncio.FIRST_COMPLETED)
                return back.result() if back.done() else False
            finally:
                back.cancel()
                gone.cancel()
                # The next request is read only when nobody reads any more.
                await asyncio.gather(back, gone, return_exceptions=True)
        finally:
            to_gateway.close()


@dataclass(frozen=True, slots=True)
class _Request:
    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode()

    def forwarded(self) -> bytes:
        """The same request, after whose response the gateway closes."""
        first = self.head.split(b"\r\n", 1)[0]
        kept = [b"%b: %b" % (name, value) for name, value in _fields(self.head) if name != b"connection"]
        return b"\r\n".join([first, *kept, b"connection: close", b"", b""]) + self.body


@dataclass(slots=True)
class _Requests:
    """What a client sends on one connection."""

    reader: asyncio.StreamReader
    buffer: bytes = b""

    async def next(self) -> _Request | None:
        """The next request; None when the client has closed."""
        while b"\r\n\r\n" not in self.buffer:
            if not await self._more():
                return None
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        length = int(next((value for name, value in _fields(head) if name == b"content-length"), b"0"))
        self.buffer = rest
        while len(self.buffer) < length:
            if not await self._more():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return _Request(head, body)

    async def until_gone(self) -> None:
        """Returns when the client has closed; what it sends before is kept for :meth:`next`."""
        with suppress(ConnectionError):
            while await self._more():
                pass

    async def _more(self) -> bool:
        piece = await self.reader.read(_PIECE)
        self.buffer += piece
        return bool(piece)


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    lines = head.split(b"\r\n")[1:]
    return [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(b":") for line in lines) if n]


async def _back(
    upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Mapping[str, Any]
) -> bool:
    """Carries the response, as far as the fault lets it; False when the connection to the client is over."""
    writer.transport.set_write_buffer_limits(high=0)
    head = await _head(upstream)
    if "end" in fault:
        async for piece in _ended(head, upstream, fault["end"]):
            writer.write(piece)
            await writer.drain()
        return True
    size = fault.get("split", _PIECE)
    most = min((fault[name] for name in ("cut", "close", "silence") if name in fault), default=None)
    sent, waiting, tail = 0, head, b""
    while most is None or sent < most:
        waiting = waiting or await upstream.read(_PIECE)
        piece, waiting = waiting[:size], waiting[size:]
        if most is not None:
            piece = piece[: most - sent]
        if not piece:
            break
        writer.write(piece)
        await writer.drain()
        sent += len(piece)
        tail = (tail + piece)[-len(_LAST_CHUNK) :]
    if "cut" in fault:
        await asyncio.sleep(_DELIVERY)
        _reset(writer)
    elif "silence" in fault:
        await asyncio.Event().wait()
    elif most is None and not _is_whole(head, sent, tail):
        _reset(writer)  # the gateway died
        return False
    return most is None


def _is_whole(head: bytes, sent: int, tail: bytes) -> bool:
    """Whether the response ended where it should, by ``sent`` bytes of which ``tail`` are the last."""
    fields = dict(_fields(head))
    if b"transfer-encoding" in fields:
        return tail == _LAST_CHUNK
    return sent == len(head) + int(fields.get(b"content-length", b"0"))


async def _head(upstream: asyncio.StreamReader) -> bytes:
    """The response's head, without the word that the connection will be closed."""
    head = await upstream.readuntil(b"\r\n\r\n")
    first = head.split(b"\r\n", 1)[0]
    kept = [b"%b: %b" % (name, value) for name, value in _fields(head) if name != b"connection"]
    return b"\r\n".join([first, *kept, b"", b""])


async def _ended(head: bytes, upstream: asyncio.StreamReader, most: int) -> AsyncIterator[bytes]:
    """The response with a body of ``most`` bytes and a proper last chunk."""
    assert b"chunked" in head.lower(), head
    yield head
    while most > 0 and (size := int(await upstream.readuntil(b"\r\n"), 16)):
        data = await upstream.readexactly(size)
        await upstream.readexactly(2)
        yield b"%x\r\n%b\r\n" % (min(size, most), data[:most])
        most -= size
    yield _LAST_CHUNK


def _response(status: int, headers: Mapping[str, str], body: Any) -> bytes:
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode() + content


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() != -1:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
