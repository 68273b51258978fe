"""Asks gateways as a patient client does: again, at any of them, until one answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_PAUSE = 0.2
PATIENCE = 120.0
JOBS = "/api/trace/jobs"
JOB = "/api/trace/job/"

_page = msgspec.json.Decoder(dict[str, msgspec.Raw])
_records = msgspec.json.Decoder(list[msgspec.Raw])


class Asking:
    """An async context manager. ``repeated`` counts the requests whose answer was lost or was a 5xx."""

    def __init__(self, urls: Sequence[str], seed: str) -> None:
        self.repeated = 0
        self._urls = urls
        self._rng = random.Random(seed)
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)

    async def __aenter__(self) -> Asking:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The first answer below 500. Raises TimeoutError when none comes for :data:`PATIENCE` seconds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    url = self._rng.choice(self._urls)
                    response = await self._client.request(method, url + path, **options)
                    if response.status_code < 500:
                        return response
                except httpx.HTTPError:
                    pass
                self.repeated += 1
                await asyncio.sleep(_PAUSE)

    async def submit(self, body: Mapping[str, Any], key: str) -> str:
        """The id of the job. Raises AssertionError for an answer other than 202."""
        answer = await self.ask("POST", JOBS, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == 202, f"a submit was answered with {answer.status_code}: {answer.text}"
        return str(answer.json()["job_id"])

    async def pages(self, job_id: str, domain: str, limit: int) -> list[bytes]:
        """The records of a domain of an ended job as the pages have them."""
        found: list[bytes] = []
        while True:
            params = {"domain": domain, "offset": str(len(found)), "limit": str(limit)}
            answer = await self.ask("GET", f"{JOB}{job_id}/result", params=params)
            assert answer.status_code == 200, f"a page was answered with {answer.status_code}: {answer.text}"
            records = _records.decode(_page.decode(answer.content)["data"])
            found += (bytes(record) for record in records)
            if 'rel="next"' not in answer.headers.get("link", ""):
                return found
