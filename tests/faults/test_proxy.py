"""The tests' own proxy does what the fault runs rely on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from broker.embedded_properties import HOST
from tests.faults.proxy import Proxy, Way


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that sends back what it gets; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1 << 16):
            writer.write(piece)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[Proxy]:
    async with Proxy(echo) as started:
        yield started


async def test_bytes_pass_unchanged_and_the_end_passes_too(proxy: Proxy) -> None:
    sent = bytes(range(256)) * 4096
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(sent)
    writer.write_eof()
    assert await reader.read(-1) == sent
    writer.close()


async def test_a_cut_resets_what_is_open_and_lets_new_connections_in(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"a"
    assert proxy.cut() == 1
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(b"b")
    assert await reader.readexactly(1) == b"b"
    writer.close()


async def test_a_refusing_proxy_closes_new_connections(proxy: Proxy) -> None:
    proxy.refusing = True
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    assert await reader.read(1) == b""
    assert proxy.counts["refused"] == 1
    writer.close()


async def test_what_is_stalled_comes_when_it_is_restored(proxy: Proxy) -> None:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    proxy.stall([Way.BACK])
    writer.write(b"late")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(reading := asyncio.create_task(reader.readexactly(4))), 0.2)
    assert proxy.counts["stalled"] == 1
    proxy.restore()
    assert await reading == b"late"
    writer.close()


async def test_a_delay_is_added_to_each_piece(proxy: Proxy) -> None:
    proxy.delay = 0.1
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    begun = asyncio.get_running_loop().time()
    writer.write(b"slow")
    assert await reader.readexactly(4) == b"slow"
    assert asyncio.get_running_loop().time() - begun >= 0.2
    assert proxy.counts["delayed"] == 2
    writer.close()


async def test_nobody_behind_the_proxy_is_a_closed_connection() -> None:
    async with Proxy(1) as proxy:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        assert await reader.read(1) == b""
        writer.close()
