"""Which error of a source is worth another try, after how long, and how often.

Exponential back-off with full jitter: a wait drawn evenly between zero and a bound that doubles with each try, so that
the workers of a database that comes back do not return at the same moment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from producers.sources.protocol import SourceError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``attempts`` counts the first one; times in seconds."""

    attempts: int
    first_bound: float = 0.25
    highest_bound: float = 15.0

    def delay(self, error: SourceError, attempt: int, random: Callable[[], float]) -> float | None:
        """How long to wait after the failure of attempt number ``attempt`` (from 1); None: no further try.

        ``random`` answers a number in [0, 1).
        """
        if not error.retryable or attempt >= self.attempts:
            return None
        # The exponent is bounded too, so that no count of attempts overflows a float.
        return random() * min(self.highest_bound, self.first_bound * 2.0 ** min(attempt - 1, 32))


async def retried(call: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """What ``call`` answers, asked again as the policy says. Raises the last SourceError."""
    attempt = 1
    while True:
        try:
            return await call()
        except SourceError as error:
            wait = policy.delay(error, attempt, random.random)
            if wait is None:
                raise
        await asyncio.sleep(wait)
        attempt += 1
