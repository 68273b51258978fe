"""Chapter 5: a job's log as a stream (design: "The job topic", "Streams")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.service import Service, problem


@pytest.fixture(scope="module")
def location(service: Service) -> str:
    """A complete job with several messages in each domain."""
    return service.complete(40, domains=["materials", "history"], batch_size=20)


def test_the_log_has_its_order_and_exactly_one_terminal_message(service: Service, location: str) -> None:
    lines = service.lines(location)
    kinds = [line["type"] for line in lines]
    domain = ["domain_start", "records", "domain_end"]
    squeezed = [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before]
    assert squeezed == ["meta", *domain, *domain, "complete"]
    assert [line["domain"] for line in lines if line["type"] == "domain_start"] == ["materials", "history"]


def test_a_line_begins_with_its_offset_and_offsets_only_grow(service: Service, location: str) -> None:
    text = service.client.get(f"{location}/stream").text
    lines = [line for line in text.split("\n") if line]
    assert all(line.startswith('{"offset":') for line in lines)
    offsets = [json.loads(line)["offset"] for line in lines]
    assert offsets == sorted(set(offsets))
    assert text.endswith("\n")


def test_batches_count_from_1_and_are_never_empty_or_too_large(service: Service, location: str) -> None:
    lines = service.lines(location)
    for domain in ("materials", "history"):
        batches = [line for line in lines if line["type"] == "records" and line["domain"] == domain]
        assert [line["batch"] for line in batches] == list(range(1, len(batches) + 1))
        assert all(1 <= len(line["data"]) <= 20 for line in batches)
        (end,) = [line for line in lines if line["type"] == "domain_end" and line["domain"] == domain]
        assert end["total_records"] == sum(len(line["data"]) for line in batches)


def test_every_record_has_every_column_in_order(service: Service, location: str) -> None:
    columns: dict[str, list[str]] = {}
    for line in service.lines(location):
        if line["type"] == "domain_start":
            columns[line["domain"]] = [column["name"] for column in line["columns"]]
        elif line["type"] == "records":
            assert all(list(record) == columns[line["domain"]] for record in line["data"])


def test_a_stream_resumes_at_any_offset(service: Service, location: str) -> None:
    lines = service.lines(location)
    for line in (lines[0], lines[3], lines[-1]):
        rest = [each for each in lines if each["offset"] >= line["offset"]]
        assert service.lines(location, offset=line["offset"]) == rest
        headers = {"Last-Event-ID": str(line["offset"])}
        answer = service.client.get(f"{location}/stream", headers=headers)
        assert [json.loads(each) for each in answer.text.split("\n") if each] == rest[1:]


def test_the_parameter_offset_wins_over_the_header(service: Service, location: str) -> None:
    answer = service.client.get(f"{location}/stream?offset=0&limit=1", headers={"Last-Event-ID": "3"})
    assert answer.json()["offset"] == 0


def test_a_limit_ends_the_response_after_so_many_lines(service: Service, location: str) -> None:
    lines, offset = service.lines(location), 0
    read: list[dict[str, Any]] = []
    while not read or read[-1]["type"] != "complete":
        some = service.lines(location, offset=offset, limit=3)
        assert 1 <= len(some) <= 3
        read += some
        offset = read[-1]["offset"] + 1
    assert read == lines


def test_behind_the_end_of_an_ended_job_nothing_follows(service: Service, location: str) -> None:
    end = service.lines(location)[-1]["offset"] + 1
    answer = service.client.get(f"{location}/stream", params={"offset": end})
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_offset_beyond_the_log_is_refused_with_its_bounds(service: Service, location: str) -> None:
    answer = service.client.get(f"{location}/stream", params={"offset": 10**9})
    document = problem(answer, 400, "offset-out-of-range")
    assert document["end"] > service.lines(location)[-1]["offset"]


@pytest.mark.parametrize(
    "query",
    ["offset=-1", "offset=x", "offset=1.5", "offset=", "limit=0", "limit=-1", "limit=x", "download=yes"],
)
def test_a_parameter_that_makes_no_sense_is_refused(service: Service, location: str, query: str) -> None:
    problem(service.client.get(f"{location}/stream?{query}"), 400, "invalid-parameter")


@pytest.mark.parametrize("last", ["x", "-1", "1.5"])
def test_a_last_event_id_that_is_no_whole_number_is_refused(
    service: Service, location: str, last: str
) -> None:
    problem(
        service.client.get(f"{location}/stream", headers={"Last-Event-ID": last}), 400, "invalid-parameter"
    )


def test_a_download_has_a_file_name(service: Service, location: str) -> None:
    answer = service.client.get(f"{location}/stream", params={"download": 1})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert ".ndjson" in answer.headers["content-disposition"]


def test_a_stream_is_ndjson_and_is_not_stored(service: Service, location: str) -> None:
    answer = service.client.get(f"{location}/stream")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get("connection", "keep-alive") != "close"


def test_a_stream_opened_with_the_submit_follows_the_job_to_its_end(service: Service) -> None:
    location = service.submit(len(service.ids), domains=["history", "materials"], aggregation="msd")
    lines = service.lines(location)
    assert [line["type"] for line in lines][-2:] == ["aggregation", "complete"]
    assert lines == service.lines(location)
