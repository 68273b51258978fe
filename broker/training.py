"""Makes the class cache: one broker that starts, does a little of everything, and leaves its classes behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

from broker import clients
from broker.admin import Admin
from broker.class_cache import class_cache
from broker.embedded import EmbeddedKafka
from broker.errors import EmbeddedBrokerError
from broker.settings import BrokerSettings
from schemas.topics import TopicSpec

_DUMP_DEADLINE = 120.0


async def train(cache: Path | None = None) -> Path:
    """Makes the class cache unless it exists, and returns its path. Takes some 12 s.

    Raises :class:`EmbeddedBrokerError` when the JVM leaves none behind.
    """
    path = class_cache(cache)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".training-") as scratch:
        made = Path(scratch) / path.name
        broker = EmbeddedKafka(Path(scratch) / "data", cache=cache, jvm=[f"-XX:AOTCacheOutput={made}"])
        await broker.start()
        try:
            await _exercise(BrokerSettings(bootstrap=broker.bootstrap))
        finally:
            await broker.stop(_DUMP_DEADLINE)
        if not made.exists():
            raise EmbeddedBrokerError("The JVM made no class cache.")
        made.replace(path)
    return path


async def _exercise(settings: BrokerSettings) -> None:
    """What brings in the classes of topics, transactions, fetches and deletion."""
    topic = TopicSpec("training", 1, 1)
    async with Admin(settings) as admin:
        await admin.create_topics([topic])
        async with (
            clients.producer(settings, transactional_id="training") as producer,
            producer.transaction(),
        ):
            await producer.send_and_wait(topic.name, b"x")
        async with clients.consumer(settings) as consumer:
            partition = clients.TopicPartition(topic.name, 0)
            consumer.assign([partition])
            consumer.seek(partition, 0)
            await consumer.getone()
        await admin.delete_topics([topic.name])
