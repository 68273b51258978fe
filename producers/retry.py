"""Which error of a source is worth another try, after how long, and how often.

Exponential back-off with full jitter: a wait drawn evenly between zero and a bound that doubles with each try, so that
the workers of a database that comes back do not return at the same moment. What takes too long each time is tried less often: each
try may last minutes, and rarely ends better.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from producers.sources.protocol import SourceError, SourceTimeout

_SLOW_ATTEMPTS = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``attempts`` counts the first one, and of those that time out there are five at most; times in seconds."""

    attempts: int
    first_bound: float = 0.25
    highest_bound: float = 15.0

    def allows(self, error: SourceError, failures: int) -> bool:
        """Whether there is another try after so many failures of the error's kind."""
        most = min(self.attempts, _SLOW_ATTEMPTS) if isinstance(error, SourceTimeout) else self.attempts
        return error.retryable and failures < most

    def delay(self, error: SourceError, failures: int, random: Callable[[], float]) -> float | None:
        """How long to wait after failure number ``failures`` (from 1) of the error's kind; None: no further try.

        ``random`` answers a number in [0, 1).
        """
        if not self.allows(error, failures):
            return None
        # The exponent is bounded too, so that no count of attempts overflows a float.
        return random() * min(self.highest_bound, self.first_bound * 2.0 ** min(failures - 1, 32))


class Retries:
    """The failures of one call so far, counted by their kind."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures: Counter[type[SourceError]] = Counter()

    def wait(self, error: SourceError) -> float | None:
        """Counts a failure; answers how many seconds to wait before the next try, None when there is none."""
        self._failures[type(error)] += 1
        return self._policy.delay(error, self._failures[type(error)], random.random)


async def retried(call: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """What ``call`` answers, asked again as the policy says. Raises the last SourceError."""
    retries = Retries(policy)
    while True:
        try:
            return await call()
        except SourceError as error:
            wait = retries.wait(error)
            if wait is None:
                raise
        await asyncio.sleep(wait)
