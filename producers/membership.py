"""The group of the workers: who owns which partition of ``trace.commands``, and so of ``trace.jobs`` (design: "Admission").

A consumer of aiokafka is used for its membership alone; it reads nothing, because its positions start refreshing before the
listener is called. Rebalances revoke everything: what a worker owned stays with its jobs until the new assignment is
known, and only partitions that did not come back are given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient

from broker import clients
from broker.errors import translated
from broker.settings import BrokerSettings
from producers.settings import ProducerSettings
from schemas.topics import Names

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member. ``on_revoked()`` is called when a rebalance begins, ``on_assigned(partitions)`` when it is over."""

    def __init__(
        self,
        broker: BrokerSettings,
        settings: ProducerSettings,
        names: Names,
        worker_id: str,
        on_revoked: Callable[[], None],
        on_assigned: Callable[[set[int]], None],
    ) -> None:
        self._broker = broker
        self._names = names
        self._on_revoked = on_revoked
        self._on_assigned = on_assigned
        self._worker_id = worker_id
        self._settings = settings
        self._consumer: Any = None
        self._poll: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Joins the group. Raises ``BrokerError``."""
        self._consumer = clients.group_consumer(
            self._broker,
            self._names.workers,
            [self._names.commands],
            client_id=self._worker_id,
            listener=self,
            session_timeout=self._settings.session_timeout,
        )
        with translated():
            await self._consumer.start()
        self._poll = asyncio.create_task(self._keep_polled())

    async def stop(self) -> None:
        """Leaves the group, so that the others get the partitions at once."""
        if self._poll is not None:
            self._poll.cancel()
        with suppress(Exception):
            async with asyncio.timeout(self._settings.heartbeat * 2):
                await self._consumer.stop()

    async def join(self) -> None:
        """Waits until the membership ends by itself. Raises what ended it."""
        if self._poll is not None:
            await asyncio.wait({self._poll})
            if not self._poll.cancelled():
                self._poll.result()

    async def committed(self, partition: int) -> int | None:
        """The group's committed offset of a partition of ``trace.commands``, None when there is none."""
        with translated():
            async with asyncio.timeout(self._settings.broker_deadline):
                offset = await self._consumer.committed(TopicPartition(self._names.commands, partition))
        return None if offset is None else int(offset)

    async def members(self) -> set[str]:
        """The client ids of the group's members now."""
        shared = clients.connection(self._broker, f"{self._worker_id}-admin")
        admin = AIOKafkaAdminClient(**shared)
        with translated():
            async with asyncio.timeout(self._settings.broker_deadline):
                try:
                    await admin.start()
                    (answer,) = await admin.describe_consumer_groups([self._names.workers])
                finally:
                    await admin.close()
        return {member[1] for group in answer.groups for member in group[5]}

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        self._on_revoked()

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        partitions = {place.partition for place in assigned}
        self._consumer.pause(*assigned)
        log.info("owns partitions %s", sorted(partitions))
        self._on_assigned(partitions)

    async def _keep_polled(self) -> None:
        """A member that is never polled is taken for dead after max.poll.interval; everything is paused, so nothing comes.

        Raises what ended aiokafka's coordination: without it the partitions would be kept and the others not heard of.
        """
        while True:
            try:
                await self._consumer.getmany(timeout_ms=0)
            except Exception:
                if self._consumer._coordinator._coordination_task.done():
                    raise
            await asyncio.sleep(_POLL_SECONDS)
