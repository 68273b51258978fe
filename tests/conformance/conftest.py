"""The service that the HTTP contract is checked against.

``TRACE_CONFORMANCE_URL`` names a running one and ``TRACE_CONFORMANCE_IDS`` a file with container IDs that it has rows for, one
a line. Without them a worker, a processor and a gateway are started as processes on the run's broker, over a small part of the
demo data.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conformance.service import Service
from tests.services import DEADLINE, running
from tracestream.data import DemoData, container_ids, generate

URL = "TRACE_CONFORMANCE_URL"
IDS = "TRACE_CONFORMANCE_IDS"


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service under test, ready."""
    if url := os.environ.get(URL):
        ids = Path(os.environ[IDS]).read_text("utf-8").split("\n")
        with httpx.Client(base_url=url, timeout=DEADLINE) as client:
            yield Service(client, [each for each in ids if each])
        return
    folder = tmp_path_factory.mktemp("service")
    data = folder / "trace.duckdb"
    generate(data, DemoData().scaled(0.01))
    ids = list(container_ids(data))
    bootstrap = request.getfixturevalue("kafka").bootstrap
    env = {
        "TRACE_KAFKA_BOOTSTRAP": bootstrap,
        "TRACE_TOPIC_PREFIX": f"c{uuid.uuid4().hex[:10]}.",
        "TRACE_PARTITIONS": "2",
        "TRACE_SOURCE": "duckdb",
        "TRACE_DUCKDB_PATH": str(data),
        "TRACE_STREAM_BATCH_SIZE": "500",
    }
    with running(env, folder) as url, httpx.Client(base_url=url, timeout=DEADLINE) as client:
        yield Service(client, ids)
