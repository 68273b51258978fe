"""Which error of a source is tried again, and when."""

from __future__ import annotations

import random

import pytest

from producers.retry import RetryPolicy, retried
from producers.settings import ProducerSettings
from producers.sources.protocol import (
    SnapshotLost,
    SourceError,
    SourceFailed,
    SourceTimeout,
    SourceUnavailable,
)

POLICY = RetryPolicy(attempts=4, first_bound=1.0, highest_bound=3.0)


@pytest.mark.parametrize("error", [SourceUnavailable("gone"), SourceTimeout("slow")])
def test_an_error_that_may_pass_is_tried_again_until_the_attempts_are_used_up(error: SourceError) -> None:
    assert [POLICY.delay(error, attempt, lambda: 0.5) for attempt in (1, 2, 3, 4)] == [0.5, 1.0, 1.5, None]


@pytest.mark.parametrize("error", [SourceFailed("no such table"), SnapshotLost("too old")])
def test_an_error_that_stays_is_not_tried_again(error: SourceError) -> None:
    assert POLICY.delay(error, 1, lambda: 0.5) is None


def test_the_wait_is_drawn_from_zero_to_the_bound() -> None:
    assert POLICY.delay(SourceTimeout("slow"), 1, lambda: 0.0) == 0.0
    assert POLICY.delay(SourceTimeout("slow"), 2, lambda: 0.999) == pytest.approx(1.998)


def test_the_wait_is_bounded_however_often_it_failed() -> None:
    assert RetryPolicy(attempts=10**9).delay(SourceUnavailable("gone"), 10**8, lambda: 1.0) == 15.0


def test_what_takes_too_long_each_time_is_tried_less_often() -> None:
    policy = RetryPolicy(attempts=13)
    assert policy.delay(SourceTimeout("slow"), 4, lambda: 0.5) is not None
    assert policy.delay(SourceTimeout("slow"), 5, lambda: 0.5) is None
    assert policy.delay(SourceUnavailable("gone"), 12, lambda: 0.5) is not None


async def test_each_kind_of_failure_is_counted_for_itself() -> None:
    policy = RetryPolicy(attempts=6, first_bound=0.001, highest_bound=0.001)
    trouble: list[SourceError] = [*[SourceUnavailable("gone")] * 5, *[SourceTimeout("slow")] * 4]

    async def ask() -> int:
        if trouble:
            raise trouble.pop()
        return 7

    assert await retried(ask, policy) == 7


def test_a_chunk_outlasts_a_fail_over_of_half_a_minute() -> None:
    policy, draw = RetryPolicy(attempts=ProducerSettings().chunk_tries), random.Random(1).random
    gone = SourceUnavailable("gone")

    def lasts() -> float:
        return sum(policy.delay(gone, attempt, draw) or 0.0 for attempt in range(1, policy.attempts))

    assert sum(lasts() > 30.0 for _ in range(1000)) > 950


def test_an_error_says_what_to_do_behind_what_happened() -> None:
    error = SourceFailed("Column X is odd.", code="ORA-00904", hint="Cast it.")
    assert (str(error), error.code, error.hint) == ("Column X is odd. Cast it.", "ORA-00904", "Cast it.")


class Flaky:
    """Answers 7 after it has failed so often."""

    def __init__(self, error: SourceError, failures: int) -> None:
        self.error, self.failures, self.calls = error, failures, 0

    async def ask(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return 7


QUICK = RetryPolicy(attempts=3, first_bound=0.001, highest_bound=0.001)


async def test_a_call_that_fails_for_a_while_is_made_again() -> None:
    assert await retried(Flaky(SourceUnavailable("gone"), 2).ask, QUICK) == 7


@pytest.mark.parametrize(
    ("error", "calls"), [(SourceUnavailable("gone"), 3), (SourceFailed("no such table"), 1)]
)
async def test_a_call_that_fails_for_good_raises_what_it_met_last(error: SourceError, calls: int) -> None:
    flaky = Flaky(error, 99)
    with pytest.raises(type(error)):
        await retried(flaky.ask, QUICK)
    assert flaky.calls == calls
