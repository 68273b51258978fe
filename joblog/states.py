"""A worker's view of ``trace.jobs``: the latest state of each job of the partitions it owns (design: "Who writes what").

Rule: the view moves only forward in offset. What this process has committed itself is put in at once; the same record read
back later changes nothing. States are kept as they are encoded, about 0.7 KB a job.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from schemas.jobs import JobState, Status, decode_state


@dataclass(frozen=True, slots=True)
class Stored:
    """A state as it stands in the topic: ``written_at`` in milliseconds since the epoch; ``is_read`` as
    :meth:`StateView.is_read` says."""

    offset: int
    written_at: int
    value: bytes
    is_read: bool


class StateView:
    """The states of several partitions. ``put`` is called in any order of offsets and keeps the newest."""

    def __init__(self) -> None:
        self._partitions: dict[int, dict[str, Stored | int]] = {}
        self._due: list[tuple[int, int, str]] = []

    def open(self, partition: int) -> None:
        """Begins to keep a partition's states; those that are already kept stay."""
        self._partitions.setdefault(partition, {})

    def close(self, partition: int) -> None:
        """Forgets a partition that is no longer owned."""
        self._partitions.pop(partition, None)

    def put(
        self,
        partition: int,
        job_id: str,
        offset: int,
        written_at: int,
        value: bytes | None,
        *,
        own: bool = False,
    ) -> bool:
        """Takes in a record; ``value`` None is the tombstone. False when it is older than what is known or not ours.

        ``own``: this process has just committed it, and older records of the job may still come in from the topic; so the
        place of a tombstone is kept until it is read back.
        """
        jobs = self._partitions.get(partition)
        if jobs is None:
            return False
        known = jobs.get(job_id)
        if value is None and not own and (known is None or _offset(known) <= offset):
            jobs.pop(job_id, None)
            return True
        if known is not None and _offset(known) >= offset:
            if isinstance(known, Stored) and known.offset == offset and not own:
                jobs[job_id] = replace(known, is_read=True)
            return False
        if value is None:
            jobs[job_id] = offset
            return True
        jobs[job_id] = Stored(offset, written_at, value, is_read=not own)
        state = decode_state(value)
        if state.expires_at is not None and state.status is not Status.EXPIRED:
            heapq.heappush(self._due, (state.expires_at, partition, job_id))
        return True

    def stored(self, partition: int, job_id: str) -> Stored | None:
        found = self._partitions.get(partition, {}).get(job_id)
        return found if isinstance(found, Stored) else None

    def state(self, partition: int, job_id: str) -> JobState | None:
        """The newest state of a job; None when it has none here (never admitted, or removed)."""
        found = self.stored(partition, job_id)
        return None if found is None else decode_state(found.value)

    def is_read(self, partition: int, job_id: str) -> bool:
        """Whether every reader of what is committed gets to the job's newest state; this process knows of its own before. True
        when there is none here."""
        found = self.stored(partition, job_id)
        return found is None or found.is_read

    def offset(self, partition: int, job_id: str) -> int | None:
        """Where the newest state of a job stands, or its tombstone that this process has written; None when it has none here."""
        found = self._partitions.get(partition, {}).get(job_id)
        return None if found is None else _offset(found)

    def states(self, partition: int) -> Iterator[tuple[Stored, JobState]]:
        """All jobs of a partition."""
        for found in list(self._partitions.get(partition, {}).values()):
            if isinstance(found, Stored):
                yield found, decode_state(found.value)

    def knows(self, partition: int, job_id: str) -> bool:
        """Whether the job has a state here: a submit with its id is then ignored. One whose tombstone is written is new."""
        return self.stored(partition, job_id) is not None

    def expired_by(self, now_ms: int) -> Iterable[tuple[int, str]]:
        """Takes out the (partition, job id) whose time has come. A job whose life was changed may come too early: the
        decision is made from its state."""
        found: dict[tuple[int, str], None] = {}
        while self._due and self._due[0][0] <= now_ms:
            _, partition, job_id = heapq.heappop(self._due)
            found[(partition, job_id)] = None
        return found


def _offset(known: Stored | int) -> int:
    return known.offset if isinstance(known, Stored) else known
