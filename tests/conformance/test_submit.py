"""Chapter 1: a submit (design: "Submit", "Refusals")."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from tests.conformance.service import JOBS, Service, problem


def raw(service: Service, content: bytes, media_type: str = "application/json") -> httpx.Response:
    return service.client.post(JOBS, content=content, headers={"Content-Type": media_type})


def test_a_submit_is_accepted_with_the_address_of_its_job(service: Service) -> None:
    answer = service.post()
    assert answer.status_code == 202
    assert set(answer.json()) == {"job_id", "status", "cid_count", "duplicates_dropped"}
    assert answer.headers["location"] == f"/api/trace/job/{answer.json()['job_id']}"
    assert answer.json()["status"] in {"queued", "running", "complete"}
    assert service.client.get(answer.headers["location"]).status_code == 200


def test_ids_are_made_distinct_and_the_answer_says_how_many_were_dropped(service: Service) -> None:
    first, second = service.ids[:2]
    answer = service.post({"container_ids": [first, second, first, first], "domains": ["history"]}).json()
    assert (answer["cid_count"], answer["duplicates_dropped"]) == (2, 2)


def test_an_id_without_rows_is_no_error(service: Service) -> None:
    location = service.post({"container_ids": ["no such container"], "domains": ["history"]}).headers[
        "location"
    ]
    assert service.ended(location)["status"] == "complete"
    assert service.ended(location)["progress"]["records"] == 0


def test_a_content_type_may_have_parameters(service: Service) -> None:
    answer = raw(service, b'{"container_ids":["x"],"domains":["history"]}', "Application/JSON; charset=utf-8")
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"container_ids":["x"]}',
        b'{"domains":["history"]}',
        b'{"container_ids":[],"domains":["history"]}',
        b'{"container_ids":"x","domains":["history"]}',
        b'{"container_ids":null,"domains":["history"]}',
        b'{"container_ids":["x"],"domains":[]}',
        b'{"container_ids":["x"],"domains":"history"}',
        b'{"container_ids":["x"],"domains":["history","history"]}',
        b'{"container_ids":["x"],"domains":["history"],"no_such_member":1}',
        b'{"container_ids":["x"],"domains":["history"],"batch_size":0}',
        b'{"container_ids":["x"],"domains":["history"],"batch_size":1000000000}',
        b'{"container_ids":["x"],"domains":["history"],"batch_size":"5"}',
        b'{"container_ids":["x"],"domains":["history"],"ttl_seconds":1}',
        b'{"container_ids":["x"],"domains":["history"],"ttl_seconds":999999999}',
        b'{"container_ids":["x\xff"],"domains":["history"]}',
    ],
)
def test_a_body_that_makes_no_sense_is_refused(service: Service, body: bytes) -> None:
    problem(raw(service, body), 400, "invalid-body")


@pytest.mark.parametrize(
    ("wrong", "index"), [(7, 1), (None, 1), ("", 1), ("x" * 257, 1), (["x"], 1), (True, 1)]
)
def test_a_wrong_id_is_named_by_its_index(service: Service, wrong: Any, index: int) -> None:
    answer = service.post({"container_ids": ["a", wrong, "b"], "domains": ["history"]})
    assert problem(answer, 400, "invalid-container-id")["index"] == index


def test_an_id_of_256_characters_is_taken_as_it_is(service: Service) -> None:
    assert (
        service.post({"container_ids": ["膠" * 256, " ", "'\"\\"], "domains": ["history"]}).status_code == 202
    )


def test_an_unknown_domain_is_refused_with_the_known_ones(service: Service) -> None:
    document = problem(service.post(service.body(domains=["histroy"])), 400, "unknown-domain")
    known = [each["name"] for each in service.client.get("/api/trace/domains").json()["domains"]]
    assert document["known"] == known
    assert all(name in document["detail"] for name in known)


def test_an_unknown_aggregation_is_refused_with_the_known_ones(service: Service) -> None:
    document = problem(service.post(service.body(aggregation="nope")), 400, "unknown-aggregation")
    known = [each["name"] for each in service.client.get("/api/trace/domains").json()["aggregations"]]
    assert document["known"] == known


def test_an_aggregation_whose_domain_is_not_asked_for_is_refused(service: Service) -> None:
    document = problem(service.post(service.body(aggregation="msd")), 400, "missing-domain")
    assert "materials" in document["detail"]


def test_too_many_distinct_ids_are_refused_and_repeated_ones_do_not_count(service: Service) -> None:
    limits = service.client.get("/api/trace/domains").json()["limits"]
    most = limits["container_ids_without_aggregation"]
    ids = [f"X{number}" for number in range(most)]
    answer = service.post({"container_ids": [*ids, "X0", "X1"], "domains": ["history"]})
    assert (answer.status_code, answer.json()["cid_count"]) == (202, most)
    service.client.delete(answer.headers["location"])
    answer = service.post({"container_ids": [*ids, "one more"], "domains": ["history"]})
    assert problem(answer, 413, "too-many-container-ids")["limit"] == most


def test_too_large_a_body_is_refused(service: Service) -> None:
    most = service.client.get("/api/trace/domains").json()["limits"]["body_bytes"]
    document = problem(raw(service, b'{"container_ids":[' + b" " * most), 413, "body-too-large")
    assert document["limit"] == most


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]
)
def test_another_content_type_is_refused(service: Service, media_type: str) -> None:
    body = b'{"container_ids":["x"],"domains":["history"]}'
    problem(raw(service, body, media_type), 415, "unsupported-media-type")


def test_a_compressed_body_is_refused(service: Service) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    problem(service.client.post(JOBS, content=b"\x1f\x8b", headers=headers), 415, "unsupported-media-type")


def test_a_repeated_key_names_the_same_job_and_gives_the_same_answer(service: Service) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = service.post(headers=headers), service.post(headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert first.headers["location"] == again.headers["location"]


def test_a_key_used_for_another_request_is_refused(service: Service) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    service.post(headers=headers)
    problem(service.post(service.body(4), headers=headers), 422, "key-reused")
    problem(service.post(service.body(batch_size=7), headers=headers), 422, "key-reused")


@pytest.mark.parametrize("key", ["x" * 256, "tab\there"])
def test_a_key_that_is_no_key_is_refused(service: Service, key: str) -> None:
    problem(service.post(headers={"Idempotency-Key": key}), 400, "invalid-parameter")
