"""One job's log as its writer sees it: append, checkpoint, finish (design: "A transaction", "The log is the truth").

The order of a commit, one deadline each: (1) every message of the job topic has been acknowledged; (2) the state is sent, as the
last write, because an open transaction in ``trace.jobs`` hides the other jobs' states of that partition; (3) it is
acknowledged; (4) the transaction is committed; (5) the view takes the state in.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from joblog.states import StateView
from joblog.transactions import Transactor
from schemas.headers import MessageHeaders
from schemas.jobs import JobState, changed, encode_state
from schemas.topics import Names


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class LogWriter:
    """Writes one job's log and states while it holds the job's id. ``state`` is the last one committed."""

    def __init__(
        self, transactor: Transactor, names: Names, partition: int, view: StateView, state: JobState
    ) -> None:
        self.state = state
        self._transactor = transactor
        self._names = names
        self._partition = partition
        self._view = view
        self.open_bytes = 0

    @property
    def open_seconds(self) -> float:
        """Age of the open transaction; 0 when none is open."""
        return self._transactor.open_seconds

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open."""
        return self._transactor.is_open

    async def append(self, value: bytes | bytearray | memoryview, headers: MessageHeaders) -> None:
        """Adds a message to the log; begins a transaction when none is open."""
        if not self._transactor.is_open:
            await self._transactor.begin()
        await self._transactor.send(self.state.topic, value, partition=0, headers=headers.encode())
        self.open_bytes += len(value)

    async def commit(self, **changes: Any) -> JobState:
        """Writes the next state with ``changes`` and commits it with what was appended. Returns the committed state.

        Once begun it goes on to its end even when the caller is cancelled, so that nobody has to guess the outcome.
        """
        work = asyncio.create_task(self._commit(changes))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise

    async def _commit(self, changes: dict[str, Any]) -> JobState:
        if not self._transactor.is_open:
            await self._transactor.begin()
        offsets = await self._transactor.settle()
        if offsets:
            changes["end_offset"] = offsets[-1] + 1
            if self.state.first_offset is None:
                changes["first_offset"] = offsets[0]
        state = changed(self.state, **changes)
        value = encode_state(state)
        key = state.job_id.encode("ascii")
        await self._transactor.send(self._names.jobs, value, partition=self._partition, key=key)
        (offset,) = await self._transactor.settle()
        await self._transactor.commit()
        self._view.put(self._partition, state.job_id, offset, now_ms(), value, own=True)
        self.state, self.open_bytes = state, 0
        return state

    async def abort(self) -> None:
        """Drops what was appended since the last commit: no reader ever sees it."""
        self.open_bytes = 0
        if self._transactor.is_open:
            await self._transactor.abort()
