"""A few runs of the fault tests on real processes; the long form is ``make faults RUNS=200 SEED=1`` (docs/faults.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.run import field_of
from tests.faults.schedule import make_schedule

SEEDS = (96, 9, 19, 191)
"""Everything killed in one job and a database that is short of rows; a storm and a zombie; stalls, cuts, delays and doubled rows;
cancel and delete while the worker is killed in mid-chunk."""


@pytest.mark.timeout(600)
async def test_every_record_stands_in_the_log_once_whoever_died_when(tmp_path: Path) -> None:
    async with field_of(tmp_path) as field:
        for seed in SEEDS:
            schedule = make_schedule(seed)
            outcome = await field.run(schedule)
            assert not outcome.faults, "\n".join([*schedule.lines(), *outcome.faults, f"logs: {tmp_path}"])
        assert await field.look_back() == []
