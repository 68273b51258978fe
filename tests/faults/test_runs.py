"""A few runs of the fault tests on real processes; the long form is ``make faults RUNS=200 SEED=1`` (docs/faults.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.run import field_of
from tests.faults.schedule import make_schedule

SEEDS = (12, 5, 7, 9, 10, 11)
"""Everything killed in one job, a zombie, stalls, a storm, a source that fails, commands."""


@pytest.mark.timeout(600)
async def test_every_record_stands_in_the_log_once_whoever_died_when(tmp_path: Path) -> None:
    async with field_of(tmp_path) as field:
        for seed in SEEDS:
            schedule = make_schedule(seed)
            outcome = await field.run(schedule)
            assert not outcome.faults, "\n".join([*schedule.lines(), *outcome.faults, f"logs: {tmp_path}"])
        assert await field.look_back() == []
