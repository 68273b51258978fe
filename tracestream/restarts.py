"""Pure: how long to wait before something that has ended is started again."""

from __future__ import annotations

FIRST = 0.5
LONGEST = 30.0
STEADY = 60.0
"""Seconds: what ran so long begins its back-off anew."""


class Restarts:
    """The back-off of one process: half a second, then twice as long each time up to half a minute. Times are of a
    monotonic clock."""

    def __init__(self) -> None:
        self._pause = 0.0
        self._started = 0.0

    def started(self, now: float) -> None:
        """It has been started."""
        self._started = now

    def pause(self, now: float) -> float:
        """It has ended, or could not be started: seconds until the next start."""
        steady = now - self._started > STEADY
        self._pause = FIRST if steady or not self._pause else min(self._pause * 2, LONGEST)
        return self._pause
