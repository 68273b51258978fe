"""Pure: how long to wait before trying again, and how often to try.

Exponential with full jitter: each wait is drawn from 0 to a bound that doubles, so that clients that were cut together do not come
back together. What a server's Retry-After asks for comes on top, for the same reason. Progress sets everything back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """The bounds of trying again, both of them; None is none. Times are in seconds.

    ``tries`` is how many in a row may bring nothing. ``patience`` is how long trying goes on without progress: a Retry-After
    beyond it ends at once. The first pause lies below ``first_pause``, the next below twice that, and so on up to
    ``longest_pause``. Raises ValueError without any bound.
    """

    tries: int | None = 10
    patience: float | None = 300.0
    first_pause: float = 0.25
    longest_pause: float = 30.0

    def __post_init__(self) -> None:
        if self.tries is None and self.patience is None:
            raise ValueError("Trying again needs a bound: tries or patience.")


class Backoff:
    """The waits of one stream or call. ``draw(low, high)`` is :func:`random.uniform`; times are seconds of a monotonic clock."""

    def __init__(self, retry: Retry, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._retry = retry
        self._draw = draw
        self.begin()

    def begin(self) -> None:
        """Nothing was tried yet."""
        self._progressed = False
        self._failures = 0
        self._since: float | None = None

    def progress(self) -> None:
        """Something came through: the try that brought it is none of those that count."""
        self.begin()
        self._progressed = True

    def next_wait(self, now: float, retry_after: float | None = None) -> float | None:
        """Seconds to wait before the next try after one that ended at ``now``; None when there shall be none."""
        if not self._progressed:
            self._failures += 1
        self._progressed = False
        retry = self._retry
        if self._since is None:
            self._since = now
        if retry.tries is not None and self._failures >= retry.tries:
            return None
        bound = min(retry.longest_pause, retry.first_pause * 2 ** min(self._failures, 32))
        wait = self._draw(0.0, bound) + (retry_after or 0.0)
        if retry.patience is not None and now + wait - self._since > retry.patience:
            return None
        return wait
