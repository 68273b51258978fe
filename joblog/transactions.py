"""One holder of one transactional id (design: "Who writes what", "A transaction", "aiokafka").

Rules:
1. Taking an id fences its former holder and aborts what that holder left open.
2. Every call has one deadline, because a producer on a deleted topic retries for ever without being told that it is fenced.
3. Before a commit every send has been awaited and has succeeded: aiokafka commits without a batch that failed.
4. After any error the object is worth nothing: close it, read again, and take the id anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import ProducerClosed

from broker import clients
from broker.errors import translated
from broker.prepared import PreparedBatch
from broker.settings import BrokerSettings

log = logging.getLogger(__name__)

CLOSE_DEADLINE = 2.0
"""Seconds that closing a connection may take."""

LARGE = 64 * 1024
"""Bytes from which a message is compressed in a thread, before the producer gets it."""

T = TypeVar("T")


class Transactor:
    """Writes transactions under one transactional id. Made by :meth:`take`; every method raises ``BrokerError``."""

    def __init__(self, producer: Any, transactional_id: str, deadline: float) -> None:
        self.transactional_id = transactional_id
        self._producer = producer
        self._deadline = deadline
        self._sends: list[asyncio.Future[Any]] = []
        self._opened_at: float | None = None
        self._used_at = time.monotonic()

    @classmethod
    async def take(
        cls, settings: BrokerSettings, transactional_id: str, *, timeout: float, deadline: float
    ) -> Transactor:
        """Takes the id from whoever has it. ``timeout`` (seconds) is when Kafka aborts an open transaction by itself."""
        # With batch_bytes=1 each message is a record batch of its own: the unit of the readers' memory.
        producer = clients.producer(
            settings,
            client_id=f"tracestream-writer-{transactional_id}",
            transactional_id=transactional_id,
            transaction_timeout=timeout,
            batch_bytes=1,
        )
        taken = cls(producer, transactional_id, deadline)
        try:
            await taken._within(producer.start())
        except BaseException:
            await taken.close()
            raise
        return taken

    @property
    def open_seconds(self) -> float:
        """How long the open transaction has been open; 0 when none is."""
        return 0.0 if self._opened_at is None else time.monotonic() - self._opened_at

    @property
    def idle_seconds(self) -> float:
        """How long ago the last transaction began, or the id was taken."""
        return time.monotonic() - self._used_at

    @property
    def is_open(self) -> bool:
        return self._opened_at is not None

    @property
    def producer_id(self) -> int:
        """What Kafka calls this id in the batches that are written under it."""
        return int(self._producer._txn_manager.producer_id)

    async def begin(self) -> None:
        await self._within(self._producer.begin_transaction())
        self._opened_at = self._used_at = time.monotonic()

    async def send(
        self,
        topic: str,
        value: bytes | bytearray | memoryview | None,
        *,
        partition: int,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Adds a message; returns when the one before it on this partition has gone out, so that little is queued."""
        if value is None or len(value) < LARGE:
            sending = self._producer.send(topic, value, key=key, partition=partition, headers=list(headers))
        else:
            timestamp = time.time_ns() // 1_000_000
            batch = await asyncio.to_thread(PreparedBatch.of, key, value, headers, timestamp)
            sending = self._producer.send_batch(batch, topic, partition=partition)
        future = await self._within(sending)
        future.add_done_callback(_retrieve)
        self._sends.append(future)

    async def settle(self) -> list[int]:
        """Waits for every send since the last call and returns their Kafka offsets, in the order of the sends."""
        sends, self._sends = self._sends, []
        return [(await self._within(asyncio.shield(send))).offset for send in sends]

    async def send_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Commits a group's offsets with the transaction; the epoch of this id fences a former owner, not the group's."""
        await self._within(self._producer.send_offsets_to_transaction(dict(offsets), group))

    async def commit(self) -> None:
        await self.settle()
        await self._within(self._producer.commit_transaction())
        self._opened_at = None

    async def abort(self) -> None:
        for send in self._sends:
            send.cancel()
        self._sends = []
        await self._within(self._producer.abort_transaction())
        self._opened_at = None

    async def mark(self, topic: str, partition: int, *, commit: bool) -> None:
        """Ends whatever stands open in the partition under this id, without a record: a transaction that has only the marker."""
        log.warning(
            "%s: %s what was left open in %s/%d",
            self.transactional_id,
            "commits" if commit else "aborts",
            topic,
            partition,
        )
        await self.begin()
        self._producer._txn_manager.maybe_add_partition_to_txn(TopicPartition(topic, partition))
        await (self.commit() if commit else self.abort())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A whole transaction: committed at the end, aborted when the body raises."""
        await self.begin()
        try:
            yield
        except BaseException:
            with suppress(Exception):
                await self.abort()
            raise
        await self.commit()

    async def close(self) -> None:
        """Lets go of the connection; never raises. An open transaction is left to be aborted by the next holder.

        Once begun it goes on to its end even when the caller is cancelled, so that no connection is left behind.
        """
        await asyncio.shield(asyncio.create_task(self._close()))

    async def _close(self) -> None:
        for send in self._sends:
            send.cancel()
        # stop() flushes first, which on a deleted topic never ends: fail what waits, then end the sender.
        self._producer._message_accumulator.fail_all(ProducerClosed())
        sender = self._producer._sender.sender_task
        if sender is not None:
            sender.cancel()
        for closing in (self._producer.stop, self._producer.client.close):
            await _ended(closing(), CLOSE_DEADLINE)

    async def _within(self, call: Awaitable[T]) -> T:
        with translated():
            async with asyncio.timeout(self._deadline):
                return await call


async def _ended(work: Coroutine[Any, Any, object], seconds: float) -> None:
    """Waits so long for ``work``, then cancels it; what it raises is of no interest.

    In a task of its own: a producer that stops while a request is under way cancels its sender twice and so answers
    CancelledError, which would end whoever closes it without a word.
    """
    task = asyncio.create_task(work)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=seconds)
    if task.done():
        _retrieve(task)


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
