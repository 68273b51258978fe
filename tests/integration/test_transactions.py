"""The holder of a transactional id: what it leaves behind."""

from __future__ import annotations

import asyncio

import pytest

from broker.admin import Admin
from broker.errors import Fenced
from broker.settings import BrokerSettings
from joblog.transactions import Transactor
from schemas.topics import TopicSpec
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


async def test_a_close_after_a_transaction_that_timed_out_lets_its_caller_go_on(
    broker_settings: BrokerSettings, admin: Admin
) -> None:
    topic = f"{broker_settings.prefix}topic"
    await admin.create_topics([TopicSpec(topic, 1, 1)])
    writer_id = f"{broker_settings.prefix}late"
    transactor = await Transactor.take(broker_settings, writer_id, timeout=1, deadline=15)
    await transactor.begin()
    await transactor.send(topic, b"in time", partition=0)
    await transactor.settle()
    await asyncio.sleep(4)
    with pytest.raises(Fenced):
        for _ in range(10):
            await transactor.send(topic, b"too late", partition=0)
        await transactor.settle()
    await transactor.close()
