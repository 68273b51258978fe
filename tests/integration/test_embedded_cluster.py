"""Three embedded brokers are a cluster that one of them may leave."""

from __future__ import annotations

import asyncio

from broker import clients
from broker.admin import Admin
from broker.embedded_cluster import EmbeddedCluster
from broker.settings import BrokerSettings
from schemas.topics import TopicSpec

TOPIC = TopicSpec("t", 1, 3, {"min.insync.replicas": "2"})


async def test_a_replicated_topic_is_written_and_read_on_after_its_leader_was_killed(
    kafka_cluster: EmbeddedCluster,
) -> None:
    settings = BrokerSettings(bootstrap=kafka_cluster.bootstrap)
    async with Admin(settings) as admin:
        await admin.create_topics([TOPIC])
    async with clients.producer(settings, transactional_id="writer") as producer, asyncio.timeout(120):
        async with producer.transaction():
            await producer.send_and_wait(TOPIC.name, b"before")
        leader = producer.client.cluster.leader_for_partition(clients.TopicPartition(TOPIC.name, 0))
        kafka_cluster.nodes[leader - 1].kill()
        async with producer.transaction():
            await producer.send_and_wait(TOPIC.name, b"after")
        async with clients.consumer(settings) as consumer:
            partition = clients.TopicPartition(TOPIC.name, 0)
            consumer.assign([partition])
            consumer.seek(partition, 0)
            assert [(await consumer.getone()).value for _ in range(2)] == [b"before", b"after"]
        async with Admin(settings) as admin:
            assert await admin.delete_topics([TOPIC.name]) == [TOPIC.name]
    await kafka_cluster.nodes[leader - 1].start()
    assert all(node.running for node in kafka_cluster.nodes)
