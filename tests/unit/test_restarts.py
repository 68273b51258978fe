"""The back-off of what is started again."""

from __future__ import annotations

from tracestream.restarts import FIRST, LONGEST, STEADY, Restarts


def test_each_pause_is_twice_the_one_before_up_to_half_a_minute() -> None:
    restarts, now, pauses = Restarts(), 0.0, []
    for _ in range(9):
        restarts.started(now)
        pauses.append(restarts.pause(now + 1))
        now += 1 + pauses[-1]
    assert pauses == [0.5, 1, 2, 4, 8, 16, LONGEST, LONGEST, LONGEST]


def test_what_ran_for_a_minute_begins_anew() -> None:
    restarts = Restarts()
    restarts.started(0)
    assert [restarts.pause(1), restarts.pause(2)] == [FIRST, 2 * FIRST]
    restarts.started(10)
    assert restarts.pause(10 + STEADY + 1) == FIRST
