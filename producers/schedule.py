"""Which waiting job starts next: slots, one of them kept for small jobs, round-robin over principals (design: "Slots"). Pure.

A job whose worker died under it again and again is a suspect. It starts only when every running job has got on, and until it
has got on itself no other job starts: so a job that kills its process takes none along that might have got on without it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that wants a slot. ``small``: one chunk a domain, so that it ends soon and may use the kept slot. ``suspect``: its
    last starts ended with the death of their worker."""

    job_id: str
    principal: str
    small: bool
    suspect: bool = False


@dataclass(slots=True)
class Schedule:
    """The waiting and the running jobs of one worker. ``slots`` counts how many run at once, one of them for small jobs."""

    slots: int
    _queues: OrderedDict[str, list[Waiting]] = field(default_factory=OrderedDict)
    _running: dict[str, Waiting] = field(default_factory=dict)
    _unproven: set[str] = field(default_factory=set)

    def wait(self, job: Waiting) -> None:
        """Puts a job behind the others of its principal."""
        self._queues.setdefault(job.principal, []).append(job)

    def leave(self, job_id: str) -> None:
        """The job no longer waits or runs."""
        self._running.pop(job_id, None)
        self._unproven.discard(job_id)
        for principal, queue in list(self._queues.items()):
            queue[:] = [job for job in queue if job.job_id != job_id]
            if not queue:
                del self._queues[principal]

    def got_on(self, job_id: str) -> None:
        """A running job has added something to its log since it was started."""
        self._unproven.discard(job_id)

    def has_room(self, *, small: bool) -> bool:
        """Whether a job of that kind may start now; large ones leave one slot free."""
        if any(self._running[job_id].suspect for job_id in self._unproven):
            return False
        large_running = sum(not job.small for job in self._running.values())
        return len(self._running) < self.slots and (small or large_running < max(1, self.slots - 1))

    def start_next(self) -> Waiting | None:
        """The job that may start now, moved to the running ones and its principal to the end of the round; else None."""
        if not self.has_room(small=True):
            return None
        large_allowed = self.has_room(small=False)
        for principal, queue in self._queues.items():
            chosen = next((job for job in queue if job.small or large_allowed), None)
            if chosen is not None:
                if chosen.suspect and self._unproven:
                    return None
                queue.remove(chosen)
                self._queues.move_to_end(principal)
                if not queue:
                    del self._queues[principal]
                self._running[chosen.job_id] = chosen
                self._unproven.add(chosen.job_id)
                return chosen
        return None

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))
