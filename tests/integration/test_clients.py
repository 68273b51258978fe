"""The clients as we build them: how large a record may be, what a fenced producer says, how a group shares."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from broker import clients
from broker.admin import Admin
from broker.errors import Fenced, TooLarge, translated
from broker.settings import BrokerSettings
from schemas.topics import MAX_MESSAGE_BYTES, TopicSpec


@pytest.fixture
async def topic(admin: Admin, broker_settings: BrokerSettings) -> str:
    spec = TopicSpec(f"{broker_settings.prefix}t", 4, 1, {"max.message.bytes": str(MAX_MESSAGE_BYTES)})
    await admin.create_topics([spec])
    return spec.name


async def test_the_largest_record_that_a_producer_takes_can_be_read_even_if_it_does_not_compress(
    broker_settings: BrokerSettings, topic: str
) -> None:
    value = os.urandom(clients.LARGEST_SEND - 100)
    async with clients.producer(broker_settings) as producer:
        await producer.send_and_wait(topic, value, partition=0)
        with pytest.raises(TooLarge), translated():
            await producer.send_and_wait(topic, bytes(clients.LARGEST_SEND + 1), partition=0)
    async with clients.consumer(broker_settings) as consumer, asyncio.timeout(60):
        partition = clients.TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        assert (await consumer.getone()).value == value


async def test_whatever_a_fenced_producer_is_asked_it_answers_fenced(
    broker_settings: BrokerSettings, topic: str
) -> None:
    identity = f"{broker_settings.prefix}writer"
    old = clients.producer(broker_settings, transactional_id=identity)
    await old.start()
    await old.begin_transaction()
    await old.send_and_wait(topic, b"lost")
    new = clients.producer(broker_settings, transactional_id=identity)
    await new.start()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: old.send_and_wait(topic, b"late"),
        old.commit_transaction,
        old.abort_transaction,
        old.begin_transaction,
        lambda: old.send_and_wait(topic, b"later"),
    ]
    for call in calls:
        with pytest.raises(Fenced), translated():
            await call()
    await old.stop()
    async with new.transaction():
        await new.send_and_wait(topic, b"kept")
    await new.stop()


async def test_two_members_of_a_group_in_one_process_share_the_partitions(
    broker_settings: BrokerSettings, topic: str
) -> None:
    group = f"{broker_settings.prefix}group"
    first = clients.group_consumer(broker_settings, group, [topic])
    second = clients.group_consumer(broker_settings, group, [topic])
    await first.start()
    await second.start()
    try:
        async with asyncio.timeout(60):
            while not (len(first.assignment()) == len(second.assignment()) == 2):
                await asyncio.sleep(0.05)
        assert not first.assignment() & second.assignment()
    finally:
        await first.stop()
        await second.stop()
