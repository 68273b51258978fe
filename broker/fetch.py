"""Reads logs on demand: a Fetch request when somebody wants the next batch, and never one ahead (design: "The read path of
the gateway").

Rules:
1. ``max_bytes=1`` makes the broker answer exactly one whole batch, so that nothing is cut and thrown away and the batch is
   the unit of memory.
2. A request is repeated, with back-off and fresh knowledge of the leader, until it succeeds or its time is over: a restarted
   broker or a moved leader is not seen by the caller, who gets Retriable only after ``timeout`` seconds.
3. A long poll holds up what is sent behind it on its connection: catch-up reads and long polls take readers of their own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from broker.cluster import Cluster, Pool
from broker.errors import BrokerError, Retriable
from broker.protocol import (
    EARLIEST,
    LATEST,
    Fetched,
    Place,
    fetch_request,
    offset_request,
    read_fetch,
    read_offset,
)
from broker.records import Batch, Record
from broker.settings import BrokerSettings
from broker.wire import Access

__all__ = ["Batch", "Fetched", "LogReader", "Offsets", "Record"]

TIMEOUT = 10.0
MANY_BYTES = 1 << 20
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
_CONNECT_TIMEOUT = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offsets:
    """The first offset of a partition, its last stable offset, and its end (the high watermark)."""

    start: int
    last_stable: int
    end: int

    @property
    def has_open(self) -> bool:
        """Whether a transaction stands open, behind which no committed reader gets."""
        return self.last_stable < self.end


class LogReader:
    """Reads any partition of one cluster. ``connections`` a broker; ``timeout`` in seconds for each call."""

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        connections: int = 4,
        client_id: str = "tracestream-reader",
        timeout: float = TIMEOUT,
    ) -> None:
        self._access = Access(settings, client_id, min(timeout, _CONNECT_TIMEOUT))
        self.connections = connections
        self._timeout = timeout
        self._cluster_made: Cluster | None = None

    async def start(self) -> None:
        """Reaches the cluster. Raises Retriable when that fails until the time is over, Refused when it does not let us in."""
        self._cluster_made = Cluster(self._access, self.connections)
        try:
            await self._steadily(None, lambda _left: self._cluster.connect())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Closes the connections; calls under way fail."""
        cluster, self._cluster_made = self._cluster_made, None
        if cluster is not None:
            await cluster.close()

    async def fetch(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        committed: bool = True,
        max_bytes: int = 1,
        max_wait_ms: int = 0,
    ) -> Fetched:
        """Whole batches from the one that holds ``offset`` on: one, or as many as fit into ``max_bytes``; none when
        nothing (committed) stands there and ``max_wait_ms`` has passed.

        Raises TopicGone, OffsetOutOfRange, Refused, and Retriable when the time is over.
        """
        place = (topic, partition)

        async def once(left: float) -> Fetched:
            pool = await self._cluster.leader(topic, partition)
            answers = await self.poll(
                pool,
                {place: offset},
                committed=committed,
                max_bytes=max_bytes,
                max_wait_ms=max_wait_ms,
                timeout=left,
            )
            answer = answers.get(place)
            if isinstance(answer, Fetched):
                return answer
            raise answer or Retriable(f"The broker said nothing of {topic}/{partition}.")

        return await self._steadily(topic, once, max_wait_ms / 1000)

    async def fetch_many(
        self,
        positions: Mapping[Place, int],
        *,
        committed: bool = True,
        max_bytes: int = MANY_BYTES,
        max_wait_ms: int = 0,
    ) -> dict[Place, Fetched]:
        """The same for several partitions, with one request to each leader; ``max_bytes`` bounds each response.

        Raises what :meth:`fetch` raises when any of the partitions has that trouble.
        """

        async def once(left: float) -> dict[Place, Fetched]:
            groups: dict[Pool, dict[Place, int]] = defaultdict(dict)
            for (topic, partition), offset in positions.items():
                groups[await self._cluster.leader(topic, partition)][(topic, partition)] = offset
            answered: dict[Place, Fetched] = {}
            for part in await asyncio.gather(
                *(
                    self.poll(
                        pool,
                        group,
                        committed=committed,
                        max_bytes=max_bytes,
                        max_wait_ms=max_wait_ms,
                        timeout=left,
                    )
                    for pool, group in groups.items()
                )
            ):
                for place, answer in part.items():
                    if isinstance(answer, BrokerError):
                        self._cluster.forget(place[0])
                        raise answer
                    answered[place] = answer
            return answered

        return await self._steadily(None, once, max_wait_ms / 1000)

    async def offsets(self, topic: str, partition: int) -> Offsets:
        """Where the partition begins and ends at this moment. Raises TopicGone, Refused or Retriable."""

        async def once(left: float) -> Offsets:
            pool = await self._cluster.leader(topic, partition)
            start, stable, end = await pool.request(
                offset_request(topic, partition, EARLIEST, read_committed=False),
                offset_request(topic, partition, LATEST, read_committed=True),
                offset_request(topic, partition, LATEST, read_committed=False),
                timeout=left,
            )
            return Offsets(read_offset(start), read_offset(stable), read_offset(end))

        return await self._steadily(topic, once)

    async def leader(self, topic: str, partition: int) -> Pool:
        """The connections to the partition's leader, for :meth:`poll`. One attempt: raises TopicGone, Retriable, Refused."""
        return await self._cluster.leader(topic, partition)

    def forget(self, topic: str) -> None:
        """Learns the leaders of ``topic`` anew before the next use."""
        self._cluster.forget(topic)

    async def poll(
        self,
        pool: Pool,
        positions: Mapping[Place, int],
        *,
        committed: bool,
        max_bytes: int,
        max_wait_ms: int,
        timeout: float = TIMEOUT,
    ) -> dict[Place, Fetched | BrokerError]:
        """One request to one broker, not repeated. A cancelled call with ``max_wait_ms`` closes its connection."""
        request = fetch_request(
            positions, read_committed=committed, max_bytes=max_bytes, max_wait_ms=max_wait_ms
        )
        (response,) = await pool.request(request, timeout=timeout + max_wait_ms / 1000, long=max_wait_ms > 0)
        throttle, answers = read_fetch(response, positions, read_committed=committed)
        pool.be_silent(throttle)
        return answers

    @property
    def _cluster(self) -> Cluster:
        if self._cluster_made is None:
            raise Retriable("The reader is not started.")
        return self._cluster_made

    async def _steadily(
        self, topic: str | None, once: Callable[[float], Awaitable[T]], extra: float = 0.0
    ) -> T:
        """Repeats ``once`` while it raises Retriable and there is time; ``extra`` seconds come on top."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout + extra
        pause = _FIRST_PAUSE
        while True:
            try:
                return await once(max(deadline - clock(), 0.1))
            except Retriable:
                if topic is not None:
                    self._cluster.forget(topic)
                if self._cluster_made is None or clock() + pause >= deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
