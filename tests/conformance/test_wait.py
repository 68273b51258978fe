"""Chapter 3: ``Prefer: wait``, the synchronous path of small queries (design: "Prefer: wait")."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.conformance.service import Service

WAIT = {"Prefer": "wait=30"}


def test_the_log_of_a_small_job_comes_with_the_submit_as_the_stream_would_give_it(service: Service) -> None:
    answer = service.post(headers=WAIT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["preference-applied"] == "wait=30"
    lines = [json.loads(line) for line in answer.text.split("\n") if line]
    assert lines == service.lines(answer.headers["location"])
    assert (lines[0]["type"], lines[-1]["type"]) == ("meta", "complete")


def test_with_accept_json_it_is_one_object(service: Service) -> None:
    body = service.body(20, domains=["materials", "history"], aggregation="msd", batch_size=7)
    answer = service.post(body, headers={**WAIT, "Accept": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    whole = answer.json()
    assert set(whole) == {"job", "domains", "aggregation"}
    assert list(whole["domains"]) == ["materials", "history"]
    lines = service.lines(answer.headers["location"])
    for domain, records in whole["domains"].items():
        streamed = [
            record
            for line in lines
            if line["type"] == "records" and line["domain"] == domain
            for record in line["data"]
        ]
        assert records == streamed
        assert len(records) == whole["job"]["progress"]["domains"][domain]["records"]
    assert whole["aggregation"] == next(line["data"] for line in lines if line["type"] == "aggregation")
    assert whole["job"]["status"] == "complete"


def test_without_an_aggregation_the_object_has_null(service: Service) -> None:
    answer = service.post(headers={**WAIT, "Accept": "application/json"})
    assert answer.json()["aggregation"] is None


def test_a_domain_without_records_is_an_empty_list(service: Service) -> None:
    body = {"container_ids": ["nothing has this name"], "domains": ["history"]}
    answer = service.post(body, headers={**WAIT, "Accept": "application/json"})
    assert answer.json()["domains"] == {"history": []}


@pytest.mark.parametrize("prefer", ["wait=0", "wait=soon", "wait=-1", "respond-async", "wait", ""])
def test_no_time_or_nonsense_is_an_ordinary_submit(service: Service, prefer: str) -> None:
    answer = service.post(headers={"Prefer": prefer})
    assert answer.status_code == 202
    assert "preference-applied" not in answer.headers


def test_a_longer_wait_than_is_granted_is_shortened(service: Service) -> None:
    answer = service.post(headers={"Prefer": "wait=100000"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=60")


def test_too_many_ids_are_not_waited_for(service: Service) -> None:
    ids = [f"X{number}" for number in range(20_001)]
    answer = service.post({"container_ids": ids, "domains": ["history"]}, headers=WAIT)
    assert answer.status_code == 202


def test_it_goes_together_with_a_key(service: Service) -> None:
    headers = {**WAIT, "Idempotency-Key": str(uuid.uuid4())}
    first, again = service.post(headers=headers), service.post(headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
