"""Slots and turns of a worker's jobs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from producers.schedule import Schedule, Waiting


def test_one_slot_is_kept_for_small_jobs() -> None:
    schedule = Schedule(slots=4)
    for number in range(10):
        schedule.wait(Waiting(f"large {number}", "a", small=False))
    started = [schedule.start_next() for _ in range(4)]
    assert [job.job_id for job in started if job] == ["large 0", "large 1", "large 2"]
    schedule.wait(Waiting("small", "a", small=True))
    chosen = schedule.start_next()
    assert chosen is not None
    assert chosen.job_id == "small"


def test_principals_take_turns() -> None:
    schedule = Schedule(slots=8)
    for number in range(3):
        schedule.wait(Waiting(f"a{number}", "a", small=True))
    schedule.wait(Waiting("b0", "b", small=True))
    order = [job.job_id for _ in range(4) if (job := schedule.start_next())]
    assert order == ["a0", "b0", "a1", "a2"]


def test_a_worker_with_one_slot_runs_large_jobs_too() -> None:
    schedule = Schedule(slots=1)
    schedule.wait(Waiting("large", "a", small=False))
    assert schedule.start_next() is not None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), st.integers(1, 6))
def test_every_job_runs_in_the_end_and_never_too_many(jobs: list[tuple[str, bool]], slots: int) -> None:
    schedule = Schedule(slots)
    for number, (principal, small) in enumerate(jobs):
        schedule.wait(Waiting(str(number), principal, small))
    ran: list[str] = []
    while schedule.waiting or schedule.running:
        running = []
        while (job := schedule.start_next()) is not None:
            running.append(job.job_id)
        assert 0 < len(running) <= slots
        for job_id in running:
            schedule.leave(job_id)
        ran += running
    assert sorted(ran) == sorted(str(number) for number in range(len(jobs)))


def started(schedule: Schedule) -> list[str]:
    return [job.job_id for job in iter(schedule.start_next, None)]


def test_no_job_starts_beside_a_suspect_until_that_has_got_on() -> None:
    schedule = Schedule(slots=4)
    for name, suspect in (("suspect", True), ("another", True), ("good", False)):
        schedule.wait(Waiting(name, name, small=True, suspect=suspect))
    assert started(schedule) == ["suspect"]
    assert not schedule.has_room(small=True)
    schedule.got_on("suspect")
    assert started(schedule) == ["another"]
    schedule.leave("another")
    assert started(schedule) == ["good"]


def test_a_suspect_and_those_behind_it_wait_until_every_running_job_has_got_on() -> None:
    schedule = Schedule(slots=4)
    schedule.wait(Waiting("running", "a", small=True))
    assert started(schedule) == ["running"]
    schedule.wait(Waiting("suspect", "b", small=True, suspect=True))
    schedule.wait(Waiting("good", "c", small=True))
    assert started(schedule) == []
    schedule.got_on("running")
    assert started(schedule) == ["suspect"]
    schedule.got_on("suspect")
    assert started(schedule) == ["good"]
