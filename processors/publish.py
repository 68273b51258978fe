"""Publishes results to ``trace.results``: idempotent, acknowledged by all, and again until it is done."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from broker import clients
from broker.errors import BrokerError, TooLarge, translated
from broker.settings import BrokerSettings
from schemas.results import Result, encode_result
from schemas.topics import Names, partition_of

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_CLOSE_DEADLINE = 2.0


class ResultPublisher:
    """One producer for all folds of a process, made anew after an error: an idempotent one may be of no more use then."""

    def __init__(self, settings: BrokerSettings, deadline: float) -> None:
        self._settings = settings
        self._topic = Names(settings.prefix).results
        self._deadline = deadline
        self._producer: Any = None
        self._making = asyncio.Lock()

    async def publish(self, result: Result) -> None:
        """Returns when the result stands in the topic. Raises TooLarge."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._send(result.job_id, encode_result(result))
                return
            except TooLarge:
                raise
            except BrokerError as error:
                log.warning("the result of job %s can't be published now: %s", result.job_id, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _send(self, job_id: str, value: bytes) -> None:
        producer = await self._started()
        try:
            with translated():
                async with asyncio.timeout(self._deadline):
                    await producer.send_and_wait(
                        self._topic,
                        value,
                        key=job_id.encode("ascii"),
                        partition=partition_of(job_id, self._settings.partitions),
                    )
        except TooLarge:
            raise
        except BrokerError:
            await self.stop()
            raise

    async def _started(self) -> Any:
        async with self._making:
            if self._producer is None:
                producer = clients.producer(self._settings, client_id="tracestream-results")
                with translated():
                    await producer.start()
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                async with asyncio.timeout(_CLOSE_DEADLINE):
                    await producer.stop()
