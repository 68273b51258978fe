"""Writes ``trace.commands``: one record a request, acknowledged by all replicas (design: "Submit").

What a caller learns is one of three things: the place of the record; a problem that says nothing was written; or OutcomeUnknown,
when the record may or may not stand there. A producer that failed is replaced, because aiokafka's keeps its troubles.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from broker import clients
from broker.errors import BrokerError, Refused, TooLarge, TopicGone, translate, translated
from broker.settings import BrokerSettings
from schemas.commands import command_headers
from schemas.jobs import CommandPlace
from schemas.problems import BodyTooLarge, BrokerUnavailable, OutcomeUnknown
from schemas.topics import Names, partition_of

log = logging.getLogger(__name__)

_RETRY_AFTER = 2
_PAUSE = 1.0


class CommandLog:
    """Appends commands; ``deadline`` in seconds bounds an append."""

    def __init__(self, broker: BrokerSettings, deadline: float) -> None:
        self._broker = broker
        self._deadline = deadline
        self._topic = Names(broker.prefix).commands
        self._producer: Any = None
        self._background: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Keeps a producer ready until cancelled; then what is under way is sent."""
        try:
            while True:
                if self._producer is None:
                    await self._connect()
                self._wanted.clear()
                await self._wanted.wait()
        finally:
            await self._retire()
            await asyncio.gather(*self._background, return_exceptions=True)

    async def append(
        self, job_id: str, headers: list[tuple[str, bytes]], value: bytes | None = None
    ) -> CommandPlace:
        """Writes one command; returns when all replicas have it. Raises BrokerUnavailable or BodyTooLarge (nothing was
        written) or OutcomeUnknown."""
        producer = self._producer
        if producer is None:
            raise _unavailable("no connection to it yet")
        until = asyncio.get_running_loop().time() + self._deadline
        sent = await self._hand_over(producer, until, job_id, headers, value)
        try:
            async with asyncio.timeout_at(until):
                stored = await asyncio.shield(sent)
        except Exception as error:
            self._replace(producer)
            failure = translate(error)
            if failure is None:
                raise
            _raise_if_refused(failure)
            raise OutcomeUnknown(
                "Kafka did not confirm the command in time. Repeat the request with the same Idempotency-Key.",
                retry_after=_RETRY_AFTER,
            ) from error
        return CommandPlace(stored.partition, stored.offset)

    async def append_short(self, job_id: str, kind: str, value: bytes | None = None) -> CommandPlace:
        """A cancel, delete or set_ttl, as :meth:`append`."""
        return await self.append(job_id, command_headers(kind), value)

    async def _hand_over(
        self, producer: Any, until: float, job_id: str, headers: list[tuple[str, bytes]], value: bytes | None
    ) -> asyncio.Future[Any]:
        """The future of a record that the producer has taken; whatever is raised here was not sent."""
        try:
            with translated():
                async with asyncio.timeout_at(until):
                    sent: asyncio.Future[Any] = await producer.send(
                        self._topic,
                        value,
                        key=job_id.encode("ascii"),
                        partition=partition_of(job_id, self._broker.partitions),
                        headers=headers,
                    )
        except BrokerError as error:
            self._replace(producer)
            _raise_if_refused(error)
            raise _unavailable(str(error)) from error
        sent.add_done_callback(lambda done: done.cancelled() or done.exception())
        return sent

    async def _connect(self) -> None:
        while True:
            producer = clients.producer(
                self._broker, client_id="tracestream-gateway", request_timeout=self._deadline
            )
            try:
                with translated():
                    async with asyncio.timeout(self._deadline):
                        await producer.start()
                        await producer.partitions_for(self._topic)
            except BrokerError as error:
                log.info("can't write commands: %s; trying again in %.1f s", error, _PAUSE)
                with suppress(Exception):
                    await producer.stop()
                await asyncio.sleep(_PAUSE)
                continue
            self._producer = producer
            return

    def _replace(self, failed: Any) -> None:
        """Another producer for what comes next; the failed one goes on with what it has taken, then ends."""
        if self._producer is not failed:
            return
        task = asyncio.create_task(self._retire())
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        self._wanted.set()

    async def _retire(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                async with asyncio.timeout(self._deadline):
                    await producer.stop()


def _raise_if_refused(error: BrokerError) -> None:
    """Raises for what Kafka has rejected without writing anything."""
    if isinstance(error, TooLarge):
        raise BodyTooLarge(
            f"The container IDs do not fit into one Kafka message ({error}). Split them into several jobs."
        ) from error
    if isinstance(error, Refused | TopicGone):
        raise _unavailable(str(error)) from error


def _unavailable(why: str) -> BrokerUnavailable:
    return BrokerUnavailable(
        f"Kafka can't take the request now ({why.rstrip('.')}). Nothing was written; try again.",
        retry_after=_RETRY_AFTER,
    )
