"""One service for all tests of the page: worker, processor and gateway over a tenth of the demo data, with a domain that fails."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from catalogue import loader
from gateway.page import BUILT
from tests.browser.site import Site, Tab, looking
from tests.browsers import running_chromium
from tests.kafka import SharedKafka
from tests.services import running
from tracestream.data import DemoData, container_ids, generate, write_container_ids

SCALE = 0.1
BROKEN = """
SELECT CONTAINERID, CAST(CONTAINERNAME AS INTEGER) AS NUMERO FROM MES_CONTAINERS {{as_of}}
WHERE CONTAINERID IN ({{ids}})
"""


@pytest.fixture(scope="session")
def site(kafka: SharedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service, ready. Its jobs are everybody's: tests name their own."""
    assert (BUILT / "index.html").is_file(), "the page is not built: make page"
    folder = tmp_path_factory.mktemp("site")
    data, ids = folder / "plant.duckdb", folder / "plant.ids"
    generate(data, DemoData().scaled(SCALE))
    write_container_ids(data, ids)
    env = {
        "TRACE_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "TRACE_TOPIC_PREFIX": f"b{uuid.uuid4().hex[:10]}.",
        "TRACE_PARTITIONS": "2",
        "TRACE_CATALOGUE": str(_catalogue(folder / "domains")),
        "TRACE_SOURCE": "duckdb",
        "TRACE_DUCKDB_PATH": str(data),
        "TRACE_EXAMPLE_IDS": str(ids),
        "TRACE_STREAM_BATCH_SIZE": "1000",
    }
    with running(env, folder) as url:
        yield Site(url, list(container_ids(data)))


def _catalogue(folder: Path) -> Path:
    """The packaged domains and one that the database refuses when it reads rows."""
    shutil.copytree(Path(loader.__file__).parent / "domains", folder)
    (folder / "broken.sql").write_text(BROKEN)
    (folder / "broken.toml").write_text(
        'description = "Fails when it is read"\ncontainer_id = "CONTAINERID"\n'
    )
    return folder


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with running_chromium() as started:
        yield started


@pytest.fixture
async def tab(browser: Browser, site: Site) -> AsyncIterator[Tab]:
    async with looking(browser, site) as opened:
        yield opened
