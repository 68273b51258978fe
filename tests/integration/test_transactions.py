"""The holder of a transactional id: what it leaves behind."""

from __future__ import annotations

import asyncio

from broker.settings import BrokerSettings
from joblog.transactions import Transactor
from tests.workers import until


async def test_a_close_that_is_cancelled_still_leaves_no_connection_behind(
    broker_settings: BrokerSettings,
) -> None:
    transactor = await Transactor.take(broker_settings, "closing", timeout=10, deadline=15)
    connections = transactor._producer.client._conns
    assert connections
    closing = asyncio.create_task(transactor.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})

    async def is_closed() -> bool:
        return not any(connection.connected() for connection in connections.values())

    await until(is_closed, 10)
