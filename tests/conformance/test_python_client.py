"""The Python client against the whole service, and the programs of its documentation as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conformance.service import DEADLINE, Service
from tracestream_client import Client, JobExpired, RequestProblem, UnknownJob

ROOT = Path(__file__).parents[2]
EXAMPLE_URL = "http://127.0.0.1:8080"
EXAMPLE_IDS = '["4881000e40000d02", "4881000e40001e83"]'
PAGES = [
    page
    for name in ("README.md", "clients/python/README.md", "docs/browsers.md")
    if (page := ROOT / name).exists()
]
PROGRAMS = [
    program
    for page in PAGES
    for program in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_of_the_documentation_runs_as_it_stands(service: Service, program: str) -> None:
    assert EXAMPLE_URL in program
    assert EXAMPLE_IDS in program
    ids = service.ids[:2]
    text = program.replace(EXAMPLE_URL, str(service.client.base_url)).replace(EXAMPLE_IDS, repr(ids))
    command = [sys.executable, "-c", text]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert ran.returncode == 0, ran.stderr
    assert {line.split()[0] for line in ran.stdout.splitlines()} == set(ids)


@pytest.fixture
def client(service: Service) -> Client:
    return Client(str(service.client.base_url))


def test_a_job_from_submit_to_removal(service: Service, client: Client) -> None:
    ids = service.ids[:300]
    job = client.submit([*ids, ids[0]], ["history"], batch_size=100, ttl_seconds=600)
    assert (job["cid_count"], job["duplicates_dropped"]) == (300, 1)
    messages = list(client.stream(job))
    assert messages[-1]["type"] == "complete"
    records = [record for message in messages if message["type"] == "records" for record in message["data"]]
    assert {record["CONTAINERID"] for record in records} <= set(ids)
    assert len(records) == messages[-1]["total_records"] > 200
    assert list(client.records(job, domain="history")) == records
    assert client.status(job)["status"] == "complete"
    assert client.set_ttl(job, 3600)["ttl_seconds"] == 3600
    page = client.page(job, "history", offset=10, limit=20)
    assert page["data"] == records[10:30]
    assert page["next"] == 30
    assert job["job_id"] in [each["job_id"] for each in client.list(limit=100)["jobs"]]
    assert client.cancel(job)["status"] == "complete"
    client.remove(job)
    client.remove(job)
    with pytest.raises(JobExpired):
        next(client.stream(job))


def test_exact_numbers_are_those_of_the_line(service: Service, client: Client) -> None:
    job = client.submit(service.ids[:5], ["history"])
    texts, decimals = (list(client.records(job, exact=exact)) for exact in (str, Decimal))
    (start,) = [message for message in client.stream(job) if message["type"] == "domain_start"]
    exact = [each["name"] for each in start["columns"] if each.get("exact_as_double") is False]
    assert exact
    assert texts
    for text, decimal in zip(texts, decimals, strict=True):
        for name in exact:
            assert text[name] is None or Decimal(text[name]) == decimal[name]
            assert isinstance(text[name], str | None)
            assert isinstance(decimal[name], Decimal | int | None)


def test_the_answer_of_a_small_job_comes_at_once(service: Service, client: Client) -> None:
    answer = client.submit_and_wait(service.ids[:3], ["history"], 60)
    assert answer["job"]["status"] == "complete"
    assert {record["CONTAINERID"] for record in answer["domains"]["history"]} == set(service.ids[:3])


def test_what_can_be_asked_for_is_told(client: Client) -> None:
    client.ready()
    offered = client.domains()
    assert "history" in [domain["name"] for domain in offered["domains"]]
    assert offered["limits"]["container_ids"] > 0


def test_a_refusal_says_what_to_change(service: Service, client: Client) -> None:
    with pytest.raises(RequestProblem) as caught:
        client.submit(service.ids[:1], ["nonsense"])
    assert caught.value.type.endswith(":unknown-domain")
    assert "nonsense" in caught.value.detail
    assert "history" in caught.value.members["known"]


def test_a_job_that_never_was_is_told(client: Client) -> None:
    with pytest.raises(UnknownJob):
        client.status("00000000-0000-4000-8000-000000000000")
