"""The service that the HTTP contract is checked against.

``TRACE_CONFORMANCE_URL`` names a running one and ``TRACE_CONFORMANCE_IDS`` a file with container IDs that it has rows for, one
a line. Without them a worker, a processor and a gateway are started as processes on the run's broker, over a small part of the
demo data.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from broker.embedded import free_ports
from tests.conformance.service import Service
from tracestream.data import DemoData, container_ids, generate

DEADLINE = 120.0
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
    (port,) = free_ports(1)
    env = {
        "TRACE_KAFKA_BOOTSTRAP": bootstrap,
        "TRACE_TOPIC_PREFIX": f"c{uuid.uuid4().hex[:10]}.",
        "TRACE_PARTITIONS": "2",
        "TRACE_SOURCE": "duckdb",
        "TRACE_DUCKDB_PATH": str(data),
        "TRACE_DATA_DIR": str(folder),
        "TRACE_HTTP_PORT": str(port),
        "TRACE_STREAM_BATCH_SIZE": "500",
    }
    with (
        _running("worker", env, folder),
        _running("processor", env, folder),
        _running("gateway", env, folder),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE) as client,
    ):
        _wait_ready(client)
        yield Service(client, ids)


@contextmanager
def _running(command: str, env: dict[str, str], folder: Path) -> Iterator[None]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
    with (folder / f"{command}.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tracestream", command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**others, **env},
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(client: httpx.Client) -> None:
    end = time.monotonic() + DEADLINE
    while True:
        try:
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "the gateway did not become ready"
        time.sleep(0.1)
