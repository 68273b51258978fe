"""Schedules are data: the same for a seed, and none of the faults is left out."""

from __future__ import annotations

from tests.faults.schedule import LASTS, PAIRS, THEMES, Kind, make_schedule
from tests.faults.source import Trouble


def test_a_seed_always_makes_the_same_schedule() -> None:
    assert [make_schedule(seed) for seed in range(1, 100)] == [make_schedule(seed) for seed in range(1, 100)]
    assert len({make_schedule(seed).events for seed in range(1, 100)}) > 90


def test_as_many_runs_in_a_row_as_there_are_themes_see_every_kind_of_fault() -> None:
    for first in (1, 5, 40):
        runs = [make_schedule(seed) for seed in range(first, first + len(THEMES))]
        must = set().union(*(run.must for run in runs))
        assert must >= {*Kind, *Trouble} - {Kind.CANCEL, Kind.DELETE, Kind.LIFE}
        links = {event.target[0] for run in runs for event in run.events if event.kind in ("cut", "stall")}
        assert links == set(PAIRS)


def test_every_command_comes_in_some_run() -> None:
    must = set().union(*(make_schedule(seed).must for seed in range(1, 101)))
    assert must >= {*Kind, *Trouble}


def test_a_fault_that_has_to_hit_comes_while_the_main_job_runs() -> None:
    for seed in range(1, 200):
        schedule = make_schedule(seed)
        for kind in schedule.must & set(Kind):
            assert min(event.at for event in schedule.events if event.kind == kind) < LASTS


def test_the_jobs_of_a_run_have_no_container_in_common() -> None:
    for seed in range(1, 100):
        ends = 0
        for job in make_schedule(seed).jobs:
            assert job.first >= ends
            ends = job.first + job.count
        assert ends <= 2298


def test_a_schedule_can_be_read() -> None:
    lines = make_schedule(12).lines()
    assert lines[0] == "seed 12, theme everything"
    assert any("kill broker" in line for line in lines)
