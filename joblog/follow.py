"""Follows logs while they grow (design: "Who writes what", "The read path of the gateway").

Rules:
1. A position moves only forward, and only after what stands before it has been delivered.
2. "To the end" means that the position reached the high watermark as of the question. Behind an open transaction a committed
   reader does not get there; then the deadline passes and nothing is decided.
3. A leader that moves, a broker that restarts, a connection that breaks: the follower goes on by itself, with back-off.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType

from broker.cluster import Pool
from broker.errors import BrokerError, OffsetOutOfRange, Retriable, TopicGone
from broker.fetch import Fetched, LogReader, Record
from broker.protocol import Place
from broker.settings import BrokerSettings

log = logging.getLogger(__name__)

Deliver = Callable[[str, int, list[Record], int, int], Awaitable[None]]
"""Called with topic, partition, the records of one batch (none where only markers stood), the offset to read on from, and the
high watermark. Quick: the partitions of one broker wait for it. What it raises ends the follower."""

Gone = Callable[[str, int], Awaitable[None]]
"""Called with topic and partition when the topic was deleted; it is no longer followed."""

MAX_WAIT_MS = 500
MAX_BYTES = 1 << 20
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class _Lane:
    """One long poll at one broker, and the partitions it asks for."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.places: list[Place] = []
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None


class Follower:
    """Follows a set of topic partitions that may change at any time; a change takes effect at once.

    ``committed`` reads committed records only. ``max_wait_ms`` is how long a quiet poll lasts, ``max_bytes`` bounds a response
    (a larger batch still comes, alone).
    """

    def __init__(
        self,
        settings: BrokerSettings,
        deliver: Deliver,
        *,
        committed: bool = True,
        gone: Gone | None = None,
        max_wait_ms: int = MAX_WAIT_MS,
        max_bytes: int = MAX_BYTES,
        client_id: str = "tracestream-follower",
    ) -> None:
        self._reader = LogReader(settings, connections=3, client_id=client_id)
        self._deliver = deliver
        self._gone = gone
        self._committed = committed
        self._max_wait_ms = max_wait_ms
        self._max_bytes = max_bytes
        self._positions: dict[Place, int] = {}
        self._lane_of: dict[Place, _Lane] = {}
        self._lanes: dict[Pool, _Lane] = {}
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._pause = _FIRST_PAUSE
        self._supervisor: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None

    async def start(self) -> None:
        """Connects and begins. Raises Retriable or Refused as :meth:`LogReader.start`."""
        await self._reader.start()
        self._supervisor = asyncio.create_task(self._supervise())
        self._supervisor.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Ends; nothing is delivered afterwards."""
        tasks = [lane.task for lane in self._lanes.values()] + [self._supervisor]
        for task in tasks:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
        await self._reader.stop()

    async def join(self) -> None:
        """Waits until the follower ends. Raises what ended it."""
        while self._failure is None and self._supervisor is not None and not self._supervisor.done():
            await self._move()
        if self._failure is not None:
            raise self._failure

    @property
    def positions(self) -> Mapping[Place, int]:
        """The offset behind what was delivered, for each partition followed; live, not a copy."""
        return MappingProxyType(self._positions)

    def add(self, topic: str, partition: int, offset: int) -> None:
        """Follows a partition from ``offset`` on; one already followed is never set back."""
        place = (topic, partition)
        known = self._positions.get(place)
        if known is not None and offset <= known:
            return
        self._positions[place] = offset
        if known is not None:
            self._unassign(place)
        self._wake.set()

    def remove(self, topic: str, partition: int) -> None:
        """Follows a partition no longer; a delivery under way is the last."""
        place = (topic, partition)
        if self._positions.pop(place, None) is not None:
            self._unassign(place)
            self._notify()

    async def caught_up(self, topic: str, partition: int, deadline: float) -> int:
        """Returns the high watermark as of now once the position has reached it.

        Raises TimeoutError after ``deadline`` seconds, KeyError when the partition is not followed, TopicGone, Refused.
        """
        place = (topic, partition)
        async with asyncio.timeout(deadline):
            end = (await self._reader.offsets(topic, partition)).end
            await self._reached(place, end)
        return end

    async def passed(self, topic: str, partition: int, offset: int, deadline: float) -> None:
        """Returns once the position is behind ``offset``. Raises as :meth:`caught_up`."""
        async with asyncio.timeout(deadline):
            await self._reached((topic, partition), offset + 1)

    async def _reached(self, place: Place, end: int) -> None:
        while self._positions[place] < end:
            if self._failure is not None:
                raise self._failure
            await self._move()

    async def _move(self) -> None:
        await self._moved.wait()

    def _notify(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
        if self._failure is not None:
            for lane in self._lanes.values():
                if lane.task is not None:
                    lane.task.cancel()
            if self._supervisor is not None:
                self._supervisor.cancel()
        self._notify()

    async def _supervise(self) -> None:
        """Gives every partition without a lane one, and those that lost it another, after a pause."""
        while True:
            self._wake.clear()
            homeless = [place for place in self._positions if place not in self._lane_of]
            settled = await asyncio.gather(*(self._assign(place) for place in homeless))
            if all(settled):
                await self._wake.wait()
                continue
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _assign(self, place: Place) -> bool:
        """Finds the partition's leader; False when it must be tried again."""
        try:
            pool = await self._reader.leader(*place)
        except TopicGone:
            if self._positions.pop(place, None) is not None and self._gone is not None:
                await self._gone(*place)
            self._notify()
            return True
        except BrokerError as error:
            log.info("%s/%d can't be followed now: %s", *place, error)
            return False
        if place in self._positions:
            lane = self._lanes.setdefault(pool, _Lane(pool))
            self._lane_of[place] = lane
            lane.places.append(place)
            lane.changed.set()
            if lane.task is None:
                lane.task = asyncio.create_task(self._poll(lane))
                lane.task.add_done_callback(self._ended)
        return True

    def _unassign(self, place: Place) -> None:
        lane = self._lane_of.pop(place, None)
        if lane is not None:
            lane.places.remove(place)
            lane.changed.set()

    def _release(self, place: Place, error: BrokerError) -> None:
        """A partition in trouble: its leader is looked up again, after a pause."""
        log.info("%s/%d is looked up again: %s", *place, error)
        self._unassign(place)
        self._reader.forget(place[0])
        asyncio.get_running_loop().call_later(self._pause, self._wake.set)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _poll(self, lane: _Lane) -> None:
        """Polls until no partition is left; a change of the set ends the poll under way."""
        while lane.places:
            lane.changed.clear()
            asked = {place: self._positions[place] for place in lane.places}
            poll = asyncio.create_task(self._ask(lane, asked))
            answers = await _unless(poll, lane.changed)
            if answers is None:
                continue
            for place, answer in answers.items():
                if self._lane_of.get(place) is lane and self._positions.get(place) == asked[place]:
                    await self._take(lane, place, answer)
            # Another partition first: what comes first may fill the response.
            lane.places.append(lane.places.pop(0)) if lane.places else None
        del self._lanes[lane.pool]

    async def _ask(self, lane: _Lane, asked: Mapping[Place, int]) -> dict[Place, Fetched | BrokerError]:
        try:
            answers = await self._reader.poll(
                lane.pool,
                asked,
                committed=self._committed,
                max_bytes=self._max_bytes,
                max_wait_ms=self._max_wait_ms,
            )
        except BrokerError as error:
            return dict.fromkeys(asked, error)
        self._pause = _FIRST_PAUSE
        return answers

    async def _take(self, lane: _Lane, place: Place, answer: Fetched | BrokerError) -> None:
        try:
            if isinstance(answer, OffsetOutOfRange):
                start = (await self._reader.offsets(*place)).start
                if start <= self._positions.get(place, start):
                    raise Retriable(f"It ends before its reader's position: {answer}")
                self._positions[place] = start
                return
            if isinstance(answer, BrokerError):
                raise answer
            await self._hand_over(lane, place, answer)
        except BrokerError as error:
            if self._lane_of.get(place) is lane:
                self._release(place, error)

    async def _hand_over(self, lane: _Lane, place: Place, fetched: Fetched) -> None:
        """Delivers batch by batch; the position follows each."""
        last = fetched.batches[-1] if fetched.batches else None
        steps = [
            (batch, fetched.next_offset if batch is last else batch.last_offset + 1)
            for batch in fetched.batches
        ]
        if last is None and fetched.next_offset > self._positions[place]:
            await self._step(lane, place, [], fetched.next_offset, fetched.high_watermark)
        for batch, behind in steps:
            if self._lane_of.get(place) is not lane:
                return
            await self._step(lane, place, batch.records(), behind, fetched.high_watermark)

    async def _step(self, lane: _Lane, place: Place, records: list[Record], behind: int, high: int) -> None:
        await self._deliver(*place, records, behind, high)
        if self._lane_of.get(place) is lane:
            self._positions[place] = behind
            self._notify()


async def _unless(
    poll: asyncio.Task[dict[Place, Fetched | BrokerError]], changed: asyncio.Event
) -> dict[Place, Fetched | BrokerError] | None:
    """What the poll brings, or None when ``changed`` is set first: then the poll is cancelled."""
    change = asyncio.create_task(changed.wait())
    try:
        await asyncio.wait({poll, change}, return_when=asyncio.FIRST_COMPLETED)
        return poll.result() if poll.done() else None
    finally:
        change.cancel()
        poll.cancel()
