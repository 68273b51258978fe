"""Which waiting job starts next: slots, one of them kept for small jobs, round-robin over principals (design: "Slots"). Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that wants a slot. ``small``: one chunk a domain, so that it ends soon and may use the kept slot."""

    job_id: str
    principal: str
    small: bool


@dataclass(slots=True)
class Schedule:
    """The waiting and the running jobs of one worker. ``slots`` counts how many run at once, one of them for small jobs."""

    slots: int
    _queues: OrderedDict[str, list[Waiting]] = field(default_factory=OrderedDict)
    _running: dict[str, Waiting] = field(default_factory=dict)

    def wait(self, job: Waiting) -> None:
        """Puts a job behind the others of its principal."""
        self._queues.setdefault(job.principal, []).append(job)

    def leave(self, job_id: str) -> None:
        """The job no longer waits or runs."""
        self._running.pop(job_id, None)
        for principal, queue in list(self._queues.items()):
            queue[:] = [job for job in queue if job.job_id != job_id]
            if not queue:
                del self._queues[principal]

    def has_room(self, *, small: bool) -> bool:
        """Whether a job of that kind may start now; large ones leave one slot free."""
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
                queue.remove(chosen)
                self._queues.move_to_end(principal)
                if not queue:
                    del self._queues[principal]
                self._running[chosen.job_id] = chosen
                return chosen
        return None

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))
