"""A response body straight to the socket: one chunk a call, whatever its pieces."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from gateway.rawbody import EXTENSION, RawBody, offered


class Open:
    """A transport whose buffer is never full."""

    write_paused = False

    async def drain(self) -> None:
        await asyncio.sleep(0)


async def connected(near: socket.socket) -> asyncio.Transport:
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    return transport


async def test_pieces_become_one_chunk_and_are_counted() -> None:
    near, far = socket.socketpair()
    transport = await connected(near)
    sent: list[int] = []
    body = RawBody(transport, Open())
    body.on_sent = sent.append
    with far:
        await body.send(b'{"offset":7,', memoryview(b'"type":"meta"}\n'))
        assert await asyncio.to_thread(far.recv, 100) == b'1b\r\n{"offset":7,"type":"meta"}\n\r\n'
        assert sent == [27]
    transport.close()


async def test_an_empty_piece_writes_nothing_because_it_would_end_the_body() -> None:
    near, far = socket.socketpair()
    transport = await connected(near)
    await RawBody(transport, Open()).send(b"")
    transport.close()
    with far:
        assert await asyncio.to_thread(far.recv, 100) == b""


async def test_nothing_is_written_to_a_client_that_is_gone() -> None:
    near, far = socket.socketpair()
    transport = await connected(near)
    sent: list[int] = []
    transport.close()
    far.close()
    body = RawBody(transport, Open())
    body.on_sent = sent.append
    await body.send(b"line\n")
    assert sent == []


@pytest.mark.parametrize(
    ("change", "taken"),
    [({}, True), ({"method": "HEAD"}, False), ({"http_version": "1.0"}, False), ({"extensions": {}}, False)],
)
async def test_it_is_offered_for_bodies_that_are_sent_in_chunks(change: dict[str, Any], taken: bool) -> None:
    near, far = socket.socketpair()
    transport = await connected(near)
    raw = RawBody(transport, Open())
    scope = {"method": "GET", "http_version": "1.1", "extensions": {EXTENSION: {"body": raw}}, **change}
    assert (offered(scope) is raw) is taken
    transport.close()
    far.close()
