"""Chapter 6: pages of a domain's records (design: "Pages")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.service import Service, problem


@pytest.fixture(scope="module")
def location(service: Service) -> str:
    """A complete job with several messages in each domain."""
    return service.complete(40, domains=["history", "materials"], batch_size=20)


def streamed(service: Service, location: str, domain: str) -> list[Any]:
    return [
        record
        for line in service.lines(location)
        if line["type"] == "records" and line["domain"] == domain
        for record in line["data"]
    ]


def test_the_pages_of_a_domain_are_the_records_of_its_stream(service: Service, location: str) -> None:
    for domain in ("history", "materials"):
        url, read = f"{location}/result?domain={domain}&limit=7", list[Any]()
        while url:
            answer = service.client.get(url)
            page = answer.json()
            assert set(page) == {"domain", "offset", "limit", "total", "status", "data"}
            assert (page["domain"], page["offset"], page["limit"]) == (domain, len(read), 7)
            read += page["data"]
            assert page["total"] >= len(read)
            url = answer.links.get("next", {}).get("url", "")
        assert read == streamed(service, location, domain)
        assert page["total"] == len(read)


def test_a_page_at_or_behind_the_total_is_empty_and_the_last(service: Service, location: str) -> None:
    total = len(streamed(service, location, "history"))
    for offset in (total, total + 1, 10**9):
        answer = service.client.get(f"{location}/result", params={"domain": "history", "offset": offset})
        assert (answer.status_code, answer.json()["data"], answer.json()["total"]) == (200, [], total)
        assert "next" not in answer.links


def test_a_page_of_an_ended_job_never_changes_and_says_so(service: Service, location: str) -> None:
    address = f"{location}/result?domain=history&limit=3"
    answer = service.client.get(address)
    assert "immutable" in answer.headers["cache-control"]
    tag = answer.headers["etag"]
    assert tag.startswith('"')
    again = service.client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = service.client.get(f"{address}&offset=1")
    assert other.headers["etag"] != tag


def test_a_domain_that_was_not_asked_for_is_not_in_the_job(service: Service) -> None:
    location = service.complete(1)
    for domain in ("materials", "nope"):
        answer = service.client.get(f"{location}/result", params={"domain": domain})
        problem(answer, 404, "domain-not-in-job")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "domain=",
        "domain=history&limit=0",
        "domain=history&limit=50001",
        "domain=history&offset=-1",
        "domain=history&offset=x",
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(service: Service, location: str, query: str) -> None:
    problem(service.client.get(f"{location}/result?{query}"), 400, "invalid-parameter")


def test_a_cancelled_job_is_paged_as_far_as_it_got(service: Service) -> None:
    location = service.submit(len(service.ids), domains=["history", "materials"], batch_size=1)
    service.client.post(f"{location}/cancel")
    state = service.ended(location)
    for domain, counts in state["progress"]["domains"].items():
        page = service.client.get(f"{location}/result", params={"domain": domain, "limit": 50_000}).json()
        assert page["status"] == state["status"]
        assert len(page["data"]) == counts["records"]
