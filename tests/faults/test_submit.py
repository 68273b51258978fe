"""What a submit's answer means when gateways die: answered 202 it reaches its end; not answered it runs or never existed; repeated
with the same Idempotency-Key, at any gateway, it is one job.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from schemas import commands
from schemas.jobs import Status
from schemas.topics import keyed_job_id, partition_of
from tests.faults.plant import assert_whole, ids_of, make_plant
from tests.faults.proxy import Way
from tests.faults.system import QUICK, Shape, System
from tests.workers import JobClient

LONG = 120.0
IDS = ids_of(0, 300)
BODY = {"container_ids": IDS, "domains": ["lots"]}
PARTITIONS = 2


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """Two gateways, a worker and a broker for all tests here; each test leaves them in order."""
    folder = make_plant(tmp_path_factory.mktemp("plant"), containers=1000)
    env = {
        "TRACE_CATALOGUE": str(folder),
        "TRACE_DUCKDB_PATH": str(folder / "plant.duckdb"),
    }
    shape = Shape(workers=1, processors=0, gateways=2, env={**QUICK, "TRACE_PARTITIONS": str(PARTITIONS)})
    async with System(folder / "system", env, shape) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(system: System) -> AsyncIterator[JobClient]:
    await system.settle()
    async with JobClient(system.broker) as opened:
        yield opened


async def post(url: str, key: str | None = None) -> httpx.Response:
    """One try. Raises ``httpx.HTTPError`` when no answer comes."""
    headers = {} if key is None else {"Idempotency-Key": key}
    async with httpx.AsyncClient(timeout=20.0, trust_env=False) as client:
        return await client.post(f"{url}/api/trace/jobs", json=BODY, headers=headers)


async def post_until_answered(url: str, key: str) -> str:
    """The job id, as soon as the gateway takes the submit."""
    async with asyncio.timeout(LONG):
        while True:
            try:
                answer = await post(url, key)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == httpx.codes.ACCEPTED:
                return str(answer.json()["job_id"])
            assert answer is None or answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            await asyncio.sleep(0.1)


async def submits(client: JobClient) -> list[str]:
    """The job id of every submit that stands in ``trace.commands``."""
    found: list[str] = []
    for partition in range(PARTITIONS):
        offset = 0
        while True:
            fetched = await client.reader.fetch(client.names.commands, partition, offset)
            found += [
                (record.key or b"").decode()
                for batch in fetched.batches
                for record in batch.records()
                if commands.kind_of(record.headers) == commands.SUBMIT
            ]
            if fetched.next_offset == offset:
                break
            offset = fetched.next_offset
    return found


async def assert_ran_once(client: JobClient, job_id: str) -> None:
    """The job has reached its end, its log is whole, and it was admitted once."""
    state = await client.state_when(job_id, lambda state: state.ended, LONG)
    assert state.status is Status.COMPLETE
    assert_whole(await client.lines(job_id), IDS)
    states = await client.states(job_id)
    assert [state.status for state in states].count(Status.QUEUED) == 1


async def test_a_submit_that_was_answered_reaches_its_end_though_its_gateway_dies_at_once(
    system: System, client: JobClient
) -> None:
    gateways = system.of("gateway")
    before = sum(gateway.deaths for gateway in gateways)
    for number in range(6):
        turn = number % 2
        answer = await post(system.urls[turn])
        assert gateways[turn].kill()
        assert answer.status_code == httpx.codes.ACCEPTED
        job_id = answer.json()["job_id"]
        async with httpx.AsyncClient(timeout=LONG, trust_env=False) as other:
            seen = await other.get(f"{system.urls[1 - turn]}/api/trace/job/{job_id}")
        assert seen.status_code == httpx.codes.OK
        await assert_ran_once(client, job_id)
        await system.settle()
    assert sum(gateway.deaths for gateway in gateways) == before + 6


@pytest.mark.parametrize(
    ("link", "ways", "exists"),
    [("gateway-1", (Way.OUT,), False), ("client-gateway-1", (Way.BACK,), True)],
    ids=["killed before the record is written", "killed before the answer is sent"],
)
async def test_a_submit_that_was_not_answered_is_one_job_when_it_is_repeated_at_another_gateway(
    system: System, client: JobClient, link: str, ways: tuple[Way, ...], *, exists: bool
) -> None:
    first, _ = system.of("gateway")
    before = await submits(client)
    key = f"a submit, {link}"
    expected = keyed_job_id("127.0.0.1", key)
    stalled = system.links[link].counts["stalled"]
    system.links[link].stall(ways)
    asking = asyncio.create_task(post(system.urls[0], key))
    async with asyncio.timeout(LONG):
        while system.links[link].counts["stalled"] == stalled or (
            exists and expected not in await submits(client)
        ):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    assert first.kill()
    system.links[link].cut()
    system.links[link].restore()
    with pytest.raises(httpx.HTTPError):
        await asking
    assert (expected in await submits(client)) is exists
    if exists:
        await assert_ran_once(client, expected)
    assert await post_until_answered(system.urls[1], key) == expected
    await system.settle()
    assert await post_until_answered(system.urls[0], key) == expected
    await assert_ran_once(client, expected)
    assert partition_of(expected, PARTITIONS) in range(PARTITIONS)
    assert set(await submits(client)) - set(before) == {expected}


async def test_every_submit_that_stands_in_the_log_runs_whenever_its_gateway_was_killed(
    system: System, client: JobClient
) -> None:
    chance = random.Random(7)
    answered: list[str] = []
    later: list[asyncio.Task[str]] = []
    gateways = system.of("gateway")
    before, deaths = set(await submits(client)), sum(gateway.deaths for gateway in gateways)
    for number in range(10):
        turn, keyed = number % 2, number % 3 != 0
        key = f"key {number}"
        await gateways[turn].ready.wait()
        asking = asyncio.create_task(post(system.urls[turn], key if keyed else None))
        await asyncio.sleep(chance.uniform(0.0, 0.03))
        gateways[turn].kill()
        try:
            answer = await asking
            assert answer.status_code == httpx.codes.ACCEPTED
            answered.append(answer.json()["job_id"])
        except httpx.HTTPError:
            pass
        if keyed:
            # At the other one at once, and at the same one when it is back.
            later.append(asyncio.create_task(post_until_answered(system.urls[turn], key)))
            again = await post_until_answered(system.urls[1 - turn], key)
            assert again == keyed_job_id("127.0.0.1", key)
            answered.append(again)
    assert set(await asyncio.gather(*later)) <= set(answered)
    written = set(await submits(client)) - before
    assert set(answered) <= written
    for job_id in written:
        await assert_ran_once(client, job_id)
    assert sum(gateway.deaths for gateway in gateways) >= deaths + 9
