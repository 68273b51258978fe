"""Many small jobs over workers that keep dying: the short form of ``python -m bench.many_jobs``."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.many_jobs import Plan, run


@pytest.mark.timeout(600)
async def test_every_one_of_many_jobs_is_complete_once_then_gone_for_good_though_workers_keep_dying(
    tmp_path: Path,
) -> None:
    plan = Plan(jobs=60, kill_every=0.5, kills=6, cycles=1, readers=5, retention=3, stay_gone=5)
    (cycle,) = await run(plan, tmp_path)
    assert cycle.kills > 0
