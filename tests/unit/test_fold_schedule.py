"""Which fold starts next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processors.schedule import Schedule


def started(schedule: Schedule) -> list[str]:
    found = []
    while (job_id := schedule.start_next()) is not None:
        found.append(job_id)
    return found


def test_folds_start_in_the_order_in_which_the_jobs_came() -> None:
    schedule = Schedule(3)
    for job_id in "abcd":
        schedule.note(job_id, growing=False)
    assert started(schedule) == ["a", "b", "c"]
    schedule.drop("b")
    assert started(schedule) == ["d"]


def test_one_slot_is_kept_for_logs_that_have_ended() -> None:
    schedule = Schedule(3)
    for job_id in "abc":
        schedule.note(job_id, growing=True)
    assert started(schedule) == ["a", "b"]
    schedule.note("d", growing=False)
    assert started(schedule) == ["d"]


def test_a_log_that_ends_while_it_waits_or_runs_makes_room() -> None:
    schedule = Schedule(2)
    for job_id in "abc":
        schedule.note(job_id, growing=True)
    assert started(schedule) == ["a"]
    schedule.note("c", growing=False)
    assert started(schedule) == ["c"]
    schedule.drop("c")
    schedule.note("a", growing=False)
    assert started(schedule) == ["b"]


def test_with_one_slot_no_log_is_followed() -> None:
    schedule = Schedule(1)
    schedule.note("a", growing=True)
    assert started(schedule) == []
    schedule.note("a", growing=False)
    assert started(schedule) == ["a"]


def test_a_late_hint_does_not_make_a_log_grow_again() -> None:
    schedule = Schedule(1)
    schedule.note("a", growing=False)
    schedule.note("a", growing=True)
    assert started(schedule) == ["a"]


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["grows", "ended", "drop"])), max_size=40),
)
def test_the_slots_are_never_exceeded_and_no_ended_log_waits_for_a_free_one(
    slots: int, steps: list[tuple[str, str]]
) -> None:
    schedule, running, ended = Schedule(slots), set[str](), set[str]()
    known: set[str] = set()
    for job_id, step in steps:
        if step == "drop":
            schedule.drop(job_id)
            for each in (running, ended, known):
                each.discard(job_id)
        else:
            schedule.note(job_id, growing=step == "grows")
            known.add(job_id)
            if step == "ended":
                ended.add(job_id)
        running.update(started(schedule))
        assert len(running) <= slots
        assert len(running - ended) < max(slots, 1)
        assert len(running) == slots or not (ended & known) - running
