"""The service as the contract's sentences speak of it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

JOBS = "/api/trace/jobs"
ENDED = {"complete", "failed", "cancelled"}
DEADLINE = 120.0


@dataclass(slots=True)
class Service:
    """``ids`` are container IDs that the source has rows for."""

    client: httpx.Client
    ids: list[str]

    def body(self, count: int = 3, **members: Any) -> dict[str, Any]:
        """A submit of the first container IDs."""
        return {"container_ids": self.ids[:count], "domains": ["history"], **members}

    def post(self, body: Any = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.client.post(JOBS, json=self.body() if body is None else body, headers=headers)

    def submit(self, count: int = 3, **members: Any) -> str:
        """The address of a job that was taken."""
        answer = self.post(self.body(count, **members))
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    def ended(self, location: str) -> dict[str, Any]:
        """The job's state once it has ended."""
        end = time.monotonic() + DEADLINE
        while True:
            state: dict[str, Any] = self.client.get(location).json()
            if state["status"] in ENDED:
                return state
            assert time.monotonic() < end, state
            time.sleep(0.05)

    def complete(self, count: int = 3, **members: Any) -> str:
        """The address of a job that is complete."""
        location = self.submit(count, **members)
        assert self.ended(location)["status"] == "complete"
        return location

    def lines(self, location: str, **parameters: Any) -> list[dict[str, Any]]:
        """The job's log, read as a stream to its end."""
        answer = self.client.get(f"{location}/stream", params=parameters)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.split("\n") if line]

    def unknown(self) -> str:
        """The address of a job that was never there."""
        return f"/api/trace/job/{uuid.uuid4()}"


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem document, which must be one of that kind and say something."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:tracestream:problem:{slug}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"].endswith((".", "?"))
    return document
