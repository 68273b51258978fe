"""Offset pages over a real server and the real broker (design: "Pages")."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from gateway.settings import GatewaySettings
from tests.joblogs import JobLog, record
from tests.replays import serving

DOMAINS = ("history", "materials", "holds")


@pytest.fixture
async def job(broker_settings: BrokerSettings, admin: Admin) -> AsyncIterator[JobLog]:
    made = await JobLog.create(broker_settings, admin, domains=DOMAINS)
    yield made
    await made.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as opened:
        yield opened


def records_of(domain: str, begin: int, end: int, padding: int = 0) -> list[dict[str, Any]]:
    return [json.loads(record(domain, number, padding)) for number in range(begin, end)]


def next_of(answer: httpx.Response) -> str | None:
    return answer.links.get("next", {}).get("url")


async def uneven(job: JobLog, seed: int) -> dict[str, int]:
    """A complete log with batches of any size, aborted ones between; returns each domain's total."""
    draw = random.Random(seed)
    totals: dict[str, int] = {}
    job.meta()
    for domain in DOMAINS:
        job.start(domain)
        await job.commit()
        for _ in range(draw.randrange(6)):
            if draw.random() < 0.3:
                job.records(domain, 5)
                job.records(domain, 5)
                await job.abort()
            for _ in range(draw.randrange(1, 4)):
                job.records(domain, draw.randrange(1, 30))
            await job.commit()
        job.end(domain)
        await job.commit()
    await job.complete()
    for each in job.state.progress:
        totals[each.domain] = each.records
    return totals


async def test_a_page_has_the_fields_of_the_contract(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(4, 10)
    async with serving(broker_settings) as (url, _):
        answer = await client.get(
            f"{url}/{job.job_id}/result", params={"domain": "materials", "offset": 15, "limit": 10}
        )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "domain": "materials",
        "offset": 15,
        "limit": 10,
        "total": 40,
        "status": "complete",
        "data": records_of("materials", 15, 25),
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_following_next_gives_every_record_once(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient, seed: int
) -> None:
    totals = await uneven(job, seed)
    async with serving(broker_settings) as (url, _):
        for domain in DOMAINS:
            for limit in (1, 7, 1000):
                found: list[Any] = []
                address: str | None = f"{url}/{job.job_id}/result?domain={domain}&limit={limit}"
                while address is not None:
                    answer = await client.get(address)
                    assert answer.status_code == 200, answer.text
                    assert answer.json()["total"] == totals[domain]
                    found += answer.json()["data"]
                    following = next_of(answer)
                    address = None if following is None else str(answer.url.join(following))
                assert found == records_of(domain, 0, totals[domain])


async def test_any_page_of_an_uneven_log_is_found(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    totals = await uneven(job, 11)
    draw = random.Random(5)
    async with serving(broker_settings) as (url, _):
        for _ in range(60):
            domain, offset, limit = draw.choice(DOMAINS), draw.randrange(90), draw.randrange(1, 50)
            address = f"{url}/{job.job_id}/result?domain={domain}&offset={offset}&limit={limit}"
            answer = await client.get(address)
            total = totals[domain]
            end = min(offset + limit, total)
            assert answer.json()["data"] == records_of(domain, min(offset, total), end)
            assert (next_of(answer) is None) == (offset + limit >= total)


async def test_a_cold_page_needs_a_few_fetches(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(60, 20, padding=500, per_transaction=7)
    async with serving(broker_settings, GatewaySettings(cache_bytes=0)) as (url, reading):
        for domain in DOMAINS:
            for offset in (0, 3, 600, 1180, 1199):
                before = reading.fetches.requests
                query = {"domain": domain, "offset": offset, "limit": 20}
                answer = await client.get(f"{url}/{job.job_id}/result", params=query)
                assert answer.json()["data"] == records_of(domain, offset, min(offset + 20, 1200), 500)
                assert reading.fetches.requests - before <= 6


async def test_the_next_page_needs_no_search(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(10, 20, per_transaction=20)
    async with serving(broker_settings, GatewaySettings(cache_bytes=0)) as (url, reading):
        first = await client.get(f"{url}/{job.job_id}/result?domain=materials&offset=60&limit=20")
        before = reading.fetches.requests
        second = await client.get(str(first.url.join(next_of(first) or "")))
        assert second.json()["data"] == records_of("materials", 80, 100)
        assert reading.fetches.requests == before + 1


async def test_a_running_job_is_paged_as_far_as_it_got(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    async with serving(broker_settings) as (url, _):
        address = f"{url}/{job.job_id}/result"
        empty = await client.get(address, params={"domain": "history"})
        assert (empty.json()["total"], empty.json()["data"]) == (None, [])
        assert empty.headers["retry-after"] == "1"
        assert "offset=0" in (next_of(empty) or "")
        job.meta()
        job.start("history")
        job.records("history", 8)
        await job.commit()
        part = await client.get(address, params={"domain": "history", "offset": 2, "limit": 10})
        assert part.json()["data"] == records_of("history", 2, 8)
        assert part.json()["total"] is None
        assert part.headers["cache-control"] == "no-store"
        assert "retry-after" in part.headers
        following = next_of(part) or ""
        assert "offset=8" in following
        full = await client.get(address, params={"domain": "history", "limit": 5})
        assert "retry-after" not in full.headers
        job.records("history", 3)
        job.end("history")
        await job.commit()
        rest = await client.get(str(part.url.join(following)))
        assert rest.json()["data"] == records_of("history", 8, 11)
        assert rest.json()["total"] == 11
        assert next_of(rest) is None


async def test_a_cancelled_job_is_paged_as_far_as_it_got_and_no_further(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    job.meta()
    job.start("history")
    job.records("history", 8)
    await job.cancel()
    async with serving(broker_settings) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/result", params={"domain": "history"})
        assert (answer.json()["status"], answer.json()["total"]) == ("cancelled", None)
        assert answer.json()["data"] == records_of("history", 0, 8)
        assert next_of(answer) is None
        other = await client.get(f"{url}/{job.job_id}/result", params={"domain": "holds"})
        assert (other.json()["data"], next_of(other)) == ([], None)


async def test_an_offset_behind_the_total_is_an_empty_page(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(2, 5)
    async with serving(broker_settings) as (url, _):
        for offset in (10, 11, 10**15):
            answer = await client.get(f"{url}/{job.job_id}/result?domain=history&offset={offset}")
            assert (answer.json()["data"], answer.json()["total"], next_of(answer)) == ([], 10, None)


async def test_a_page_is_cut_at_its_largest_size_and_has_a_next(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(3, 10, padding=1000)
    async with serving(broker_settings, GatewaySettings(page_bytes=15_500)) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/result", params={"domain": "history", "limit": 30})
        count = len(answer.json()["data"])
        assert 10 < count < 15
        assert len(answer.content) <= 15_500
        assert f"offset={count}" in (next_of(answer) or "")
        assert "retry-after" not in answer.headers
    async with serving(broker_settings, GatewaySettings(page_bytes=100)) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/result", params={"domain": "history", "limit": 30})
        assert len(answer.json()["data"]) == 1


async def test_a_page_larger_than_what_is_held_is_sent_whole(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(12, 100, padding=10_000)
    async with serving(broker_settings, GatewaySettings(cache_bytes=0)) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/result", params={"domain": "history", "offset": 50})
        assert int(answer.headers["content-length"]) == len(answer.content) > 11_000_000
        assert [each["N"] for each in answer.json()["data"]] == list(range(50, 1200))


async def test_a_page_of_an_ended_job_is_cached_and_revalidated(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(2, 5)
    async with serving(broker_settings) as (url, reading):
        address = f"{url}/{job.job_id}/result?domain=history"
        answer = await client.get(address)
        assert "immutable" in answer.headers["cache-control"]
        etag = answer.headers["etag"]
        assert etag.startswith('"')
        before = reading.fetches.requests
        again = await client.get(address, headers={"If-None-Match": f'"other", W/{etag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert reading.fetches.requests == before
        assert (await client.get(f"{address}&limit=2")).headers["etag"] != etag
        head = await client.head(address)
        assert (head.content, head.headers["content-length"]) == (b"", str(len(answer.content)))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("domain=", 400),
        ("domain=other", 404),
        ("domain=history&limit=0", 400),
        ("domain=history&limit=50001", 400),
        ("domain=history&limit=ten", 400),
        ("domain=history&offset=-1", 400),
        ("domain=history&limit=50000", 200),
    ],
)
async def test_parameters_are_checked(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient, query: str, status: int
) -> None:
    async with serving(broker_settings) as (url, _):
        answer = await client.get(f"{url}/{job.job_id}/result?{query}")
        assert answer.status_code == status


async def test_pages_of_expired_jobs_are_410_and_of_unknown_ones_404(
    job: JobLog, broker_settings: BrokerSettings, client: httpx.AsyncClient
) -> None:
    await job.whole(1, 1)
    await job.expire()
    async with serving(broker_settings) as (url, _):
        assert (await client.get(f"{url}/{job.job_id}/result?domain=history")).status_code == 410
        other = "00000000-0000-4000-8000-000000000000"
        assert (await client.get(f"{url}/{other}/result?domain=history")).status_code == 404
