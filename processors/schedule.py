"""Which fold starts next. Pure (design: "What faust does and does not": bounded tasks).

Rules:
1. At most ``slots`` folds run; those that wait start in the order in which they came.
2. One slot is kept for jobs whose extraction has ended: such a fold takes seconds, while one beside its extraction may take as
   long as the database does, and must not make an ended job miss its deadline. With one slot, only ended extractions fold.
"""

from __future__ import annotations


class Schedule:
    """The jobs that wait or run, each with whether its log still grows."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._waiting: dict[str, bool] = {}
        self._running: dict[str, bool] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._waiting or job_id in self._running

    def note(self, job_id: str, *, growing: bool) -> None:
        """Takes a job in, or the news that its log grows no more; a log that has ended never grows again."""
        known = self._running if job_id in self._running else self._waiting
        known[job_id] = growing and known.get(job_id, True)

    def start_next(self) -> str | None:
        """The job that is to start now, from then on running; None when none may."""
        if len(self._running) >= self._slots:
            return None
        may_follow = sum(self._running.values()) < self._slots - 1
        ended = (job_id for job_id, growing in self._waiting.items() if not growing)
        chosen = next(ended, None)
        if chosen is None and may_follow:
            chosen = next(iter(self._waiting), None)
        if chosen is not None:
            self._running[chosen] = self._waiting.pop(chosen)
        return chosen

    def drop(self, job_id: str) -> None:
        """Forgets a job, whether it waits or runs."""
        self._waiting.pop(job_id, None)
        self._running.pop(job_id, None)
