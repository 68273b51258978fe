"""Which broker leads which partition, and a few connections to each broker (design: "The read path of the gateway").

Rules: a topic is gone only when two answers, a moment apart, say so: a broker that has just started may not know it yet. What is
known of leaders is bounded, and forgotten when a broker says that it does not lead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.protocol.api import RequestStruct

from broker.errors import BrokerError, Retriable, TopicGone
from broker.protocol import Metadata, Place, metadata_request, read_metadata
from broker.wire import Access, Connection

_CONFIRM_GONE = 0.1
_TOPICS_KNOWN = 4096


class _Slot:
    """One place for a connection, opened when first needed and again after it broke."""

    def __init__(self) -> None:
        self.users = 0
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()

    @property
    def load(self) -> int:
        return max(self.users, self._connection.pending if self._connection else 0)

    async def ready(self, host: str, port: int, access: Access) -> Connection:
        async with self._opening:
            if self._connection is None or self._connection.closed:
                self._connection = await Connection.open(host, port, access)
            return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class Pool:
    """The connections to one broker. A request takes the least loaded one; those behind it on it wait their turn."""

    def __init__(self, host: str, port: int, access: Access, connections: int) -> None:
        self.address = (host, port)
        self._access = access
        self._slots = [_Slot() for _ in range(connections)]
        self._silent_until = 0.0

    async def request(self, *requests: RequestStruct, timeout: float, long: bool = False) -> list[memoryview]:
        """The responses to ``requests``, sent together on one connection. Raises as :meth:`Connection.request`.

        ``long``: a long poll; when its caller is cancelled the connection is closed, as its answer may be far away.
        """
        delay = self._silent_until - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.sleep(delay)
        async with self._slot() as slot:
            connection = await slot.ready(*self.address, self._access)
            try:
                if len(requests) == 1:
                    return [await connection.request(requests[0], timeout)]
                return await asyncio.gather(*(connection.request(each, timeout) for each in requests))
            except asyncio.CancelledError:
                if long:
                    connection.close()
                raise

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[_Slot]:
        slot = min(self._slots, key=lambda each: each.load)
        slot.users += 1
        try:
            yield slot
        finally:
            slot.users -= 1

    def be_silent(self, throttle_ms: int) -> None:
        """Sends nothing to this broker for so long: what ``throttle_time_ms`` asks for."""
        if throttle_ms > 0:
            self._silent_until = asyncio.get_running_loop().time() + throttle_ms / 1000

    def close(self) -> None:
        for slot in self._slots:
            slot.close()


class Cluster:
    """The brokers of one cluster as one reader sees them."""

    def __init__(self, access: Access, connections: int) -> None:
        self._access = access
        self._connections = connections
        self._brokers: dict[int, tuple[str, int]] = {}
        self._pools: dict[tuple[str, int], Pool] = {}
        self._leaders: dict[str, dict[int, int]] = {}
        self._asking: dict[str, asyncio.Task[dict[int, int]]] = {}
        self._control: Connection | None = None
        self._control_lock = asyncio.Lock()

    async def connect(self) -> None:
        """Reaches any broker and learns of all. Raises Retriable or Refused."""
        await self._metadata([])

    async def leader(self, topic: str, partition: int) -> Pool:
        """The connections to the partition's leader. Raises TopicGone, Retriable while there is no leader, or Refused."""
        leaders = self._leaders.get(topic)
        if leaders is None:
            leaders = await self._ask(topic)
        if partition not in leaders:
            raise TopicGone(f"The topic {topic} has no partition {partition}.")
        address = self._brokers.get(leaders[partition])
        if address is None:
            self.forget(topic)
            raise Retriable(f"{topic}/{partition} has no leader.")
        if address not in self._pools:
            self._pools[address] = Pool(*address, self._access, self._connections)
        return self._pools[address]

    def forget(self, topic: str) -> None:
        """Asks again for the topic's leaders when they are needed next."""
        self._leaders.pop(topic, None)

    async def close(self) -> None:
        for task in list(self._asking.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, BrokerError):
                await task
        for pool in self._pools.values():
            pool.close()
        if self._control is not None:
            self._control.close()

    async def _ask(self, topic: str) -> dict[int, int]:
        """One question at a time for a topic, however many wait for it."""
        task = self._asking.get(topic)
        if task is None:
            task = asyncio.create_task(self._learn(topic))
            self._asking[topic] = task
            task.add_done_callback(lambda done: self._answered(topic, done))
        return await asyncio.shield(task)

    def _answered(self, topic: str, task: asyncio.Task[dict[int, int]]) -> None:
        self._asking.pop(topic, None)
        if not task.cancelled():
            task.exception()

    async def _learn(self, topic: str) -> dict[int, int]:
        found = (await self._metadata([topic])).leaders.get(topic)
        if isinstance(found, TopicGone):
            await asyncio.sleep(_CONFIRM_GONE)
            found = (await self._metadata([topic])).leaders.get(topic)
        if isinstance(found, BrokerError):
            raise found
        if found is None:
            raise Retriable(f"The cluster said nothing of {topic}.")
        while len(self._leaders) >= _TOPICS_KNOWN:
            self._leaders.pop(next(iter(self._leaders)))
        self._leaders[topic] = found
        return found

    async def _metadata(self, topics: Sequence[str]) -> Metadata:
        connection = await self._control_connection()
        metadata = read_metadata(await connection.request(metadata_request(topics), self._access.timeout))
        self._brokers = metadata.brokers
        for address in [each for each in self._pools if each not in metadata.brokers.values()]:
            self._pools.pop(address).close()
        return metadata

    async def _control_connection(self) -> Connection:
        async with self._control_lock:
            if self._control is None or self._control.closed:
                self._control = await self._open_any()
            return self._control

    async def _open_any(self) -> Connection:
        failures: list[BrokerError] = []
        for host, port in self._addresses():
            try:
                return await Connection.open(host, port, self._access)
            except BrokerError as failed:
                failures.append(failed)
        raise next((each for each in failures if not isinstance(each, Retriable)), None) or Retriable(
            f"No broker of {self._access.settings.bootstrap} can be reached: {failures[-1]}"
        )

    def _addresses(self) -> list[tuple[str, int]]:
        first = [each.strip().rsplit(":", 1) for each in self._access.settings.bootstrap.split(",")]
        bootstrap = [(host.strip("[]"), int(port)) for host, port in first]
        return list(dict.fromkeys([*self._brokers.values(), *bootstrap]))


__all__ = ["Cluster", "Place", "Pool"]
