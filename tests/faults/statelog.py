"""Every state of every job since a moment, as a reader of ``trace.jobs`` sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from broker.errors import Retriable
from schemas.jobs import ENDED, Status, decode_state
from tests.workers import JobClient

_POLL = 0.1


class StateLog:
    """Follows all partitions, read committed, from where they end when the block begins."""

    def __init__(self, client: JobClient) -> None:
        self._client = client
        self._statuses: dict[str, list[Status | None]] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> StateLog:
        topic = self._client.names.jobs
        for number in range(self._client.broker.partitions):
            self._positions[topic, number] = (await self._client.reader.offsets(topic, number)).end
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    def statuses(self, job_id: str) -> list[Status | None]:
        """One for each state, None for a tombstone."""
        return self._statuses.get(job_id, [])

    def has_ended(self, job_id: str) -> bool:
        found = self.statuses(job_id)
        return bool(found) and (found[-1] is None or found[-1] in ENDED)

    def is_buried(self, job_id: str) -> bool:
        """Whether the tombstone is the last that was written."""
        found = self.statuses(job_id)
        return bool(found) and found[-1] is None

    async def until(self, check: Callable[[], bool], seconds: float) -> None:
        """Waits until the check holds. Raises TimeoutError, or what ended the following."""
        async with asyncio.timeout(seconds):
            while not check():
                await asyncio.sleep(_POLL)
                if self._following is not None and self._following.done():
                    self._following.result()

    async def _follow(self) -> None:
        while True:
            try:
                answers = await self._client.reader.fetch_many(self._positions)
            except Retriable:
                continue
            for place, fetched in answers.items():
                self._positions[place] = fetched.next_offset
                for batch in fetched.batches:
                    for record in batch.records():
                        status = None if record.value is None else decode_state(record.value).status
                        self._statuses.setdefault((record.key or b"").decode(), []).append(status)
            await asyncio.sleep(_POLL)
