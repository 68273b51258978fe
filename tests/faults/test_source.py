"""The source that fails as planned: how often over all processes, and what it yields before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

from catalogue.domain import Domain, parse_domain
from producers.sources.protocol import Source, SourceUnavailable
from tests.faults.source import FaultySource, SourceFault, SourceFolder, SourcePlan, Trouble

LOTS = parse_domain(
    "lots", "SELECT C FROM LOTS WHERE C IN ({{ids}})", 'description = "lots"\ncontainer_id = "C"\n'
)


class Rows:
    """Three batches of four rows."""

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        for number in range(3):
            yield pa.record_batch({"C": [f"{number}-{row}" for row in range(4)]})


def planned(folder: Path, trouble: Trouble, times: int = 1) -> tuple[SourceFolder, FaultySource]:
    shared = SourceFolder(folder)
    shared.plan(SourcePlan("7", 0.0, (SourceFault("lots", "a", trouble, times),)))
    return shared, FaultySource(cast(Source, Rows()), shared)


async def read(source: FaultySource, first: str = "a") -> tuple[int, bool]:
    """How many rows came, and whether it failed."""
    rows = 0
    try:
        async for batch in source.fetch_events_iter([first], LOTS, 10):
            rows += batch.num_rows
    except SourceUnavailable:
        return rows, True
    return rows, False


@pytest.mark.parametrize(("trouble", "rows"), [(Trouble.FAILS, 4), (Trouble.SHORT, 6), (Trouble.DOUBLED, 24)])
async def test_a_reading_in_trouble_fails_and_the_next_is_whole(
    tmp_path: Path, trouble: Trouble, rows: int
) -> None:
    folder, source = planned(tmp_path, trouble)
    assert await read(source, "b") == (12, False)
    assert await read(source) == (rows, True)
    assert await read(source) == (12, False)
    assert folder.claimed("7") == [trouble]
    assert [each.container for each in folder.reads("7")] == ["b", "a", "a"]
    assert folder.reads("8") == []


def test_a_fault_is_claimed_as_often_as_planned_whoever_asks(tmp_path: Path) -> None:
    folder, _ = planned(tmp_path, Trouble.FAILS, times=3)
    plan = folder.planned()

    def claim(_: int) -> Any:
        return SourceFolder(tmp_path).claim(plan, "lots", "a")

    with ThreadPoolExecutor(8) as threads:
        claimed = list(threads.map(claim, range(40)))
    assert claimed.count(Trouble.FAILS) == 3
    assert claimed.count(None) == 37
    folder.clear()
    assert folder.claimed("7") == []
