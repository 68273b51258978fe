"""How long a client waits before it tries again, and when it stops."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracestream_client.backoff import Backoff, Retry


def most(_low: float, high: float) -> float:
    return high


def least(low: float, _high: float) -> float:
    return low


@given(st.integers(0, 60), st.randoms())
def test_a_wait_lies_between_nothing_and_a_bound_that_doubles(attempts: int, rng: random.Random) -> None:
    backoff = Backoff(Retry(None, 1e9, 0.5), rng.uniform)
    for attempt in range(attempts):
        wait = backoff.next_wait(0.0)
        assert wait is not None
        assert 0 <= wait <= min(30.0, 0.5 * 2 ** (attempt + 1))


def test_the_bounds_double_up_to_the_longest() -> None:
    backoff = Backoff(Retry(100, None, 1.0), most)
    backoff.progress()
    assert [backoff.next_wait(0.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_retry_after_is_the_least_wait_and_the_jitter_comes_on_top() -> None:
    assert Backoff(Retry(5, None, 0.5), least).next_wait(0.0, retry_after=7.0) == 7.0
    assert Backoff(Retry(5, None, 0.5), most).next_wait(0.0, retry_after=7.0) == 8.0


def test_so_many_tries_are_made_the_first_included() -> None:
    assert Backoff(Retry(1, None, 1.0), most).next_wait(0.0) is None
    backoff = Backoff(Retry(3, None, 1.0), most)
    assert [backoff.next_wait(0.0) for _ in range(3)] == [2.0, 4.0, None]


def test_a_try_that_brought_something_is_none_of_those_that_count() -> None:
    backoff = Backoff(Retry(3, None, 1.0), most)
    backoff.progress()
    assert backoff.next_wait(0.0) == 1.0
    assert [backoff.next_wait(0.0) for _ in range(3)] == [2.0, 4.0, None]


def test_tries_that_brought_nothing_are_counted_anew_behind_progress() -> None:
    backoff = Backoff(Retry(2, None, 1.0), least)
    for _ in range(10):
        backoff.progress()
        assert backoff.next_wait(0.0) is not None
        assert backoff.next_wait(0.0) is not None
    assert backoff.next_wait(0.0) is None


def test_patience_ends_and_begins_anew_with_progress() -> None:
    backoff = Backoff(Retry(None, 10.0, 1.0), most)
    assert backoff.next_wait(0.0) == 2.0
    assert backoff.next_wait(9.0) is None
    backoff.progress()
    assert backoff.next_wait(100.0) == 1.0


def test_a_retry_after_beyond_the_patience_ends_at_once() -> None:
    assert Backoff(Retry(None, 10.0, 1.0), least).next_wait(0.0, retry_after=3600.0) is None


def test_without_any_bound_it_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a bound"):
        Retry(None, None, 1.0)
