"""Appends single record batches, acknowledged by all replicas, without a producer's state.

For records that may stand twice, such as commands: an attempt whose answer is lost is repeated, so that what is written at
least once is reported as written. Outcomes are three: the offset; ``Refused``, ``TooLarge`` or ``TopicGone``, when nothing was
written; ``Retriable``, when the time is over and it may or may not have been.
"""

from __future__ import annotations

import asyncio
from io import BytesIO

from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest_v7, ProduceResponse_v7

from broker.cluster import Cluster
from broker.errors import BrokerError, Retriable, translate
from broker.settings import BrokerSettings
from broker.wire import Access

_ALL_REPLICAS = -1
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
_CONNECT_TIMEOUT = 5.0


class Appender:
    """Connections of its own to the leaders; opened when first needed. ``deadline`` in seconds bounds an append."""

    def __init__(self, settings: BrokerSettings, *, client_id: str, deadline: float) -> None:
        self._cluster = Cluster(Access(settings, client_id, min(deadline, _CONNECT_TIMEOUT)), connections=2)
        self._deadline = deadline

    async def close(self) -> None:
        """Closes the connections."""
        await self._cluster.close()

    async def append(self, topic: str, partition: int, batch: bytes) -> int:
        """The offset of the batch (:func:`broker.recordbatch.encode_batch`) once all replicas have it."""
        clock = asyncio.get_running_loop().time
        until, pause = clock() + self._deadline, _FIRST_PAUSE
        while True:
            try:
                return await self._once(topic, partition, batch, max(until - clock(), 0.1))
            except Retriable:
                self._cluster.forget(topic)
                if clock() + pause >= until:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _once(self, topic: str, partition: int, batch: bytes, timeout: float) -> int:
        pool = await self._cluster.leader(topic, partition)
        request = ProduceRequest_v7(None, _ALL_REPLICAS, int(timeout * 1000), [(topic, [(partition, batch)])])
        (response,) = await pool.request(request, timeout=timeout)
        answer = ProduceResponse_v7.decode(BytesIO(response))
        pool.be_silent(answer.throttle_time_ms)
        ((_, ((_, code, offset, *_),)),) = answer.topics
        if code:
            raise _failure(code, f"{topic}/{partition}")
        return int(offset)


def _failure(code: int, place: str) -> BrokerError:
    error = for_code(code)(f"{place} was not written")
    return translate(error) or Retriable(str(error))
