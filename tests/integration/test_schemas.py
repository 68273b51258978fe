"""What a worker really writes, message by message, against the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from broker.settings import BrokerSettings
from schemas.commands import CANCEL
from schemas.generate import ROOT
from tests.workers import JobClient, running_worker
from tracestream.data import DemoData, container_ids, generate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "trace.duckdb"
    generate(path, DemoData().scaled(0.002))
    return path


def schema(name: str) -> dict[str, Any]:
    """A published file."""
    return dict(json.loads((ROOT / f"schemas/json/{name}.schema.json").read_text("utf-8")))


async def test_logs_headers_and_states_fit_the_published_schemas(
    broker_settings: BrokerSettings, data: Path
) -> None:
    ids = list(container_ids(data))
    async with running_worker(broker_settings, data), JobClient(broker_settings) as client:
        whole = await client.submit(ids, batch_size=50)
        waiting = await client.submit(ids)
        await client.command(waiting, CANCEL)
        lines = await client.lines(whole) + await client.lines(waiting)
        states = await client.states(whole) + await client.states(waiting)
        fetched = await client.reader.fetch(client.names.job(whole), 0, 0, max_bytes=1 << 24)
        headers = [record.headers for batch in fetched.batches for record in batch.records()]
    kinds = set()
    for line in lines:
        message = msgspec.json.decode(line)
        kinds.add(message["type"])
        jsonschema.validate(message, schema(message["type"]))
    assert kinds >= {"meta", "domain_start", "records", "domain_end", "complete"}
    for state in states:
        jsonschema.validate(msgspec.json.decode(msgspec.json.encode(state)), schema("state"))
    assert len(headers) > 5
    for each in headers:
        jsonschema.validate({name: value.decode("ascii") for name, value in each.items()}, schema("headers"))
