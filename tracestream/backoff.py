"""Pure: how long to wait before trying again, and for how long to go on trying.

Exponential with full jitter: each wait is drawn from 0 to a bound that doubles. A server's Retry-After is obeyed as the least
wait. Progress (a line read) sets the bound back and begins the patience anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Waits in seconds. ``draw(low, high)`` is ``random.uniform``; times are of a monotonic clock.

    ``patience`` is how long trying goes on without progress; ``next_wait`` answers None when it has run out.
    """

    draw: Callable[[float, float], float]
    first: float = 0.25
    most: float = 15.0
    patience: float = 120.0
    _attempts: int = 0
    _since: float | None = None

    def progress(self) -> None:
        """Something came through: begin anew."""
        self._attempts = 0
        self._since = None

    def next_wait(self, now: float, retry_after: float | None = None) -> float | None:
        """The next wait, or None when ``patience`` is used up before it would end."""
        if self._since is None:
            self._since = now
        bound = min(self.most, self.first * 2 ** min(self._attempts, 32))
        self._attempts += 1
        wait = max(self.draw(0.0, bound), retry_after or 0.0)
        return wait if now + wait - self._since <= self.patience else None
