"""Submits with and without keys, limits, and what a gateway shows of jobs that no worker has admitted (design: "Submit")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from broker.fetch import LogReader
from broker.settings import BrokerSettings
from gateway.settings import GatewaySettings
from schemas import commands
from schemas.topics import Names, keyed_job_id, partition_of
from tests.gateways import Gateway, running_gateway

JOBS = "/api/trace/jobs"
BODY = {"container_ids": ["b", "a", "b"], "domains": ["history"]}


@pytest.fixture
async def gateway(broker_settings: BrokerSettings) -> AsyncIterator[Gateway]:
    async with running_gateway(broker_settings) as started:
        yield started


async def records(broker: BrokerSettings, job_id: str) -> list[tuple[dict[str, bytes], bytes]]:
    """Headers and values of the job's commands."""
    reader = LogReader(broker)
    await reader.start()
    try:
        topic, number = Names(broker.prefix).commands, partition_of(job_id, broker.partitions)
        found, offset, end = [], 0, (await reader.offsets(topic, number)).end
        while offset < end:
            fetched = await reader.fetch(topic, number, offset)
            for batch in fetched.batches:
                found += [
                    (each.headers, bytes(each.value or b""))
                    for each in batch.records()
                    if each.key == job_id.encode()
                ]
            offset = fetched.next_offset
        return found
    finally:
        await reader.stop()


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:tracestream:problem:{slug}"
    return document


async def test_a_submit_is_one_record_with_its_request_in_a_header(
    gateway: Gateway, broker_settings: BrokerSettings
) -> None:
    answer = await gateway.client.post(JOBS, json={**BODY, "batch_size": 7, "ttl_seconds": 99})
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    assert answer.headers["location"] == f"/api/trace/job/{job_id}"
    ((headers, value),) = await records(broker_settings, job_id)
    request = commands.request_of(headers)
    assert (request.job_id, request.domains, request.cid_count) == (job_id, ("history",), 2)
    assert (request.duplicates_dropped, request.batch_size, request.ttl_seconds) == (1, 7, 99)
    assert request.principal == "127.0.0.1"
    assert msgspec.json.decode(value) == {"container_ids": ["b", "a"]}


async def test_a_job_that_no_worker_has_admitted_is_queued_everywhere_at_once(
    gateway: Gateway, broker_settings: BrokerSettings
) -> None:
    async with running_gateway(broker_settings) as other:
        job_id = (await gateway.client.post(JOBS, json=BODY)).json()["job_id"]
        for each in (gateway, other):
            state = (await each.client.get(f"/api/trace/job/{job_id}")).json()
            assert (state["status"], state["progress"]["queue_position"]) == ("queued", 1)
        assert (await gateway.client.get(JOBS)).json()["jobs"][0]["job_id"] == job_id


async def test_a_gateway_that_starts_later_shows_the_same_jobs(
    gateway: Gateway, broker_settings: BrokerSettings
) -> None:
    made = [(await gateway.client.post(JOBS, json=BODY)).json()["job_id"] for _ in range(5)]
    async with running_gateway(broker_settings) as later:
        jobs = (await later.client.get(JOBS)).json()["jobs"]
        assert [job["job_id"] for job in jobs] == made[::-1]


async def test_the_same_key_and_request_name_the_same_job(gateway: Gateway) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await gateway.client.post(JOBS, json=BODY, headers=headers)
    spelled = b'{"domains" : ["history"], "container_ids": ["\\u0062", "a", "b"]}'
    again = await gateway.client.post(
        JOBS, content=spelled, headers={**headers, "Content-Type": "application/json; charset=utf-8"}
    )
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.json()["job_id"] == keyed_job_id("127.0.0.1", "k1")


async def test_the_same_key_for_another_request_is_refused(gateway: Gateway) -> None:
    headers = {"Idempotency-Key": "k2"}
    await gateway.client.post(JOBS, json=BODY, headers=headers)
    for change in ({"container_ids": ["a"]}, {"domains": ["materials"]}, {"batch_size": 9}):
        answer = await gateway.client.post(JOBS, json={**BODY, **change}, headers=headers)
        problem(answer, 422, "key-reused")


async def test_one_key_at_two_gateways_makes_one_job_and_the_first_record_decides(
    gateway: Gateway, broker_settings: BrokerSettings
) -> None:
    async with running_gateway(broker_settings) as other:
        for number in range(10):
            headers = {"Idempotency-Key": f"both-{number}"}
            answers = await asyncio.gather(
                gateway.client.post(JOBS, json={**BODY, "batch_size": 1}, headers=headers),
                other.client.post(JOBS, json={**BODY, "batch_size": 2}, headers=headers),
            )
            assert sorted(answer.status_code for answer in answers) == [202, 422]
            taken = next(answer for answer in answers if answer.status_code == 202)
            for each in (gateway, other):
                job = (await each.client.get(taken.headers["location"])).json()
                assert job["batch_size"] == (1 if taken is answers[0] else 2)


async def test_many_repeats_at_once_are_one_job(gateway: Gateway) -> None:
    headers = {"Idempotency-Key": "storm"}
    answers = await asyncio.gather(
        *(gateway.client.post(JOBS, json=BODY, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert len((await gateway.client.get(JOBS)).json()["jobs"]) == 1


async def test_the_key_of_a_deleted_job_is_not_brought_back(gateway: Gateway) -> None:
    headers = {"Idempotency-Key": "gone"}
    location = (await gateway.client.post(JOBS, json=BODY, headers=headers)).headers["location"]
    assert (await gateway.client.delete(location)).status_code == 204
    answer = await gateway.client.post(JOBS, json=BODY, headers=headers)
    assert "new key" in problem(answer, 410, "job-expired")["detail"]


async def test_a_client_has_so_many_queued_jobs_and_no_more(broker_settings: BrokerSettings) -> None:
    async with running_gateway(broker_settings, GatewaySettings(max_queued_per_client=3)) as gateway:
        answers = await asyncio.gather(*(gateway.client.post(JOBS, json=BODY) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [202] * 3 + [503] * 5
        refused = next(answer for answer in answers if answer.status_code == 503)
        problem(refused, 503, "too-many-jobs")
        assert int(refused.headers["retry-after"]) > 0
        taken = next(answer for answer in answers if answer.status_code == 202)
        assert (await gateway.client.delete(taken.headers["location"])).status_code == 204
        assert (await gateway.client.post(JOBS, json=BODY)).status_code == 202


async def test_there_are_so_many_live_jobs_and_no_more(broker_settings: BrokerSettings) -> None:
    async with running_gateway(broker_settings, GatewaySettings(max_live_jobs=2)) as gateway:
        headers = {"Idempotency-Key": "in"}
        await gateway.client.post(JOBS, json=BODY, headers=headers)
        await gateway.client.post(JOBS, json=BODY)
        problem(await gateway.client.post(JOBS, json=BODY), 503, "too-many-jobs")
        assert (await gateway.client.post(JOBS, json=BODY, headers=headers)).status_code == 202


async def test_ids_above_the_limits_are_refused_with_them(broker_settings: BrokerSettings) -> None:
    settings = GatewaySettings(max_cids=4, max_cids_plain=2, max_body=2000)
    async with running_gateway(broker_settings, settings) as gateway:
        plain = {"container_ids": ["a", "b", "c", "a"], "domains": ["history", "materials"]}
        assert (
            problem(await gateway.client.post(JOBS, json=plain), 413, "too-many-container-ids")["limit"] == 2
        )
        folded = {**plain, "aggregation": "msd"}
        assert (await gateway.client.post(JOBS, json=folded)).status_code == 202
        more = {**folded, "container_ids": list("abcde")}
        assert (
            problem(await gateway.client.post(JOBS, json=more), 413, "too-many-container-ids")["limit"] == 4
        )


async def test_a_body_too_large_is_refused_while_it_comes(broker_settings: BrokerSettings) -> None:
    async with running_gateway(broker_settings, GatewaySettings(max_body=100_000)) as gateway:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            yield b'{"container_ids":["'
            while sent < 50_000_000:
                sent += 65_536
                yield b"x" * 65_536
                await asyncio.sleep(0)

        headers = {"Content-Type": "application/json"}
        announced = await gateway.client.post(JOBS, content=b"[" * 200_000, headers=headers)
        assert problem(announced, 413, "body-too-large")["limit"] == 100_000
        try:
            chunked = await gateway.client.post(JOBS, content=endless(), headers=headers)
            problem(chunked, 413, "body-too-large")
        except httpx.WriteError:
            assert sent < 50_000_000


async def test_nothing_exists_after_a_refusal(gateway: Gateway) -> None:
    for body in ({}, {**BODY, "domains": ["nope"]}, {**BODY, "container_ids": []}):
        assert (await gateway.client.post(JOBS, json=body)).status_code == 400
    assert (await gateway.client.get(JOBS)).json() == {"jobs": []}
