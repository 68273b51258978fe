"""The published schemas say what :mod:`schemas.messages` writes."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from schemas import messages
from schemas.commands import Request, SetTtl
from schemas.generate import json_schema
from schemas.jobs import CommandPlace, DomainProgress, Status, changed, encode_state, new_state
from schemas.problems import TriesExhausted
from schemas.results import Result, encode_result
from schemas.shapes import LINES
from schemas.values import Database, column

REQUEST = Request(
    job_id="0192f0c0-0000-7000-8000-000000000001",
    domains=("history",),
    cid_count=3,
    duplicates_dropped=1,
    batch_size=5000,
    ttl_seconds=60,
    principal="127.0.0.1",
    request_hash="0" * 64,
    submitted_at=1_790_000_000_000,
    aggregation="msd",
)
PROBLEM = TriesExhausted("The job was started 5 times.", tries=5).document()

EXAMPLES: dict[str, list[bytes]] = {
    "meta": [messages.meta(REQUEST, None), messages.meta(REQUEST, 123)],
    "domain_start": [
        messages.domain_start(
            "history",
            total_chunks=1,
            columns=[
                column("ID", Database.DUCKDB, "BIGINT").document(),
                column("NAME", Database.ORACLE, "VARCHAR2(40)").document(),
            ],
        )
    ],
    "records": [messages.records_prefix("history", 1) + b'{"ID":1,"NAME":null}' + messages.RECORDS_SUFFIX],
    "domain_end": [messages.domain_end("history", total_records=0, total_batches=0, null_container_rows=2)],
    "aggregation": [messages.aggregation("msd", msgspec.Raw(b'{"totals":{}}'))],
    "complete": [messages.complete(elapsed_seconds=1.23456, total_records=3)],
    "error": [messages.error(PROBLEM)],
    "cancelled": [messages.cancelled(elapsed_seconds=0)],
}


def test_every_message_type_has_a_shape_and_an_example() -> None:
    assert set(LINES) == set(EXAMPLES)
    assert set(LINES) >= messages.TERMINAL


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_line_has_the_members_of_its_schema_and_fits_it(kind: str) -> None:
    schema = json_schema(LINES[kind])
    for line in EXAMPLES[kind]:
        message = msgspec.json.decode(line)
        jsonschema.validate(message, schema)
        assert list(message) == [name for name in schema["properties"] if name != "offset"]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_line_as_the_gateway_sends_it_fits_the_schema_too(kind: str) -> None:
    message = {"offset": 7, **msgspec.json.decode(EXAMPLES[kind][0])}
    jsonschema.validate(message, json_schema(LINES[kind]))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_schema_refuses_another_type_of_line(kind: str) -> None:
    other = next(each for each in EXAMPLES if each != kind)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(msgspec.json.decode(EXAMPLES[other][0]), json_schema(LINES[kind]))


def test_states_results_and_commands_fit_their_schemas() -> None:
    queued = new_state(REQUEST, CommandPlace(0, 5), "trace.job.x")
    running = changed(
        queued, status=Status.RUNNING, progress=(DomainProgress("history", 3, 1, started=True),)
    )
    failed = changed(running, status=Status.FAILED, problem=PROBLEM, ended_at=1, expires_at=2)
    written: list[tuple[type[msgspec.Struct], bytes]] = [
        *((type(queued), encode_state(state)) for state in (queued, running, failed)),
        (Result, encode_result(Result("x", "msd", 9, data=msgspec.Raw(b"{}")))),
        (Result, encode_result(Result("x", "msd", 9, problem=PROBLEM))),
        (Request, msgspec.json.encode(REQUEST)),
        (SetTtl, msgspec.json.encode(SetTtl(60))),
    ]
    for kind, value in written:
        document: Any = msgspec.json.decode(value)
        jsonschema.validate(document, json_schema(kind))
