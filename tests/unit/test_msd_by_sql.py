"""``msd`` over the demo data's log equals what SQL finds in the tables that the log was made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from processors.aggregations.msd import MidSectionDefects
from schemas import messages
from schemas.ids import ContainerIds
from tests.foldlogs import log_messages
from tracestream.data import DemoData, container_ids, generate
from tracestream.verify import exact_json, msd_by_sql


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.duckdb"
    generate(path, DemoData().scaled(0.01))
    return path


@pytest.mark.parametrize("domains", [("history", "materials"), ("materials", "history")])
@pytest.mark.parametrize("every", [1, 3])
async def test_the_fold_of_the_log_equals_the_sql_over_the_tables(
    demo_file: Path, domains: tuple[str, ...], every: int
) -> None:
    asked = list(container_ids(demo_file))[::every]
    ids = ContainerIds.from_iterable(asked)
    state = MidSectionDefects(ids)
    async for headers, line in log_messages(demo_file, ids, domains, batch_size=300):
        if headers.type == messages.RECORDS:
            state.fold(headers.domain or "", line)
    found = exact_json(state.result())
    assert found == msd_by_sql(demo_file, asked)
    assert found["totals"]["passes"] > 300
    assert found["by"]["material_lot"]["groups"] > 50
