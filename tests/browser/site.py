"""The service whose page is looked at, and a tab that looks at it and minds what it loads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, Page

from tests.services import DEADLINE

PATIENCE = 90_000.0
"""Milliseconds for whatever has to appear in the page."""

ENDED = {"complete", "failed", "cancelled"}
GRID = "[data-test=grid]"
CELL = f"{GRID} [role=gridcell]:not(.bone)"

_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


@dataclass(slots=True)
class Site:
    """A running service over a part of the demo data: ``ids`` are its containers."""

    url: str
    ids: list[str]

    def submit(self, ids: list[str], domains: tuple[str, ...] = ("history",), **members: Any) -> str:
        """The id of a job that was taken."""
        body = {"container_ids": ids, "domains": domains, **members}
        answer = httpx.post(f"{self.url}/api/trace/jobs", json=body, timeout=DEADLINE)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def state(self, job: str) -> dict[str, Any]:
        return dict(httpx.get(f"{self.url}/api/trace/job/{job}", timeout=DEADLINE).json())

    def ended(self, job: str) -> dict[str, Any]:
        """The job's state once it has ended."""
        end = time.monotonic() + DEADLINE
        while (state := self.state(job))["status"] not in ENDED:
            assert time.monotonic() < end, state
            time.sleep(0.05)
        return state

    def complete(self, count: int, domains: tuple[str, ...] = ("history",), **members: Any) -> str:
        job = self.submit(self.ids[:count], domains, **members)
        assert self.ended(job)["status"] == "complete"
        return job

    def log(self, job: str) -> bytes:
        """The whole log of a job."""
        return httpx.get(f"{self.url}/api/trace/job/{job}/stream", timeout=DEADLINE).content

    def sent(self) -> int:
        """Bytes that the gateway's sockets have taken since its start."""
        text = httpx.get(f"{self.url}/metrics", timeout=DEADLINE).text
        (line,) = [
            line for line in text.splitlines() if line.startswith("tracestream_http_sent_bytes_total ")
        ]
        return int(float(line.split()[1]))


@dataclass(slots=True)
class Tab:
    """A page of the site. ``requested`` has the address of everything that was asked for."""

    page: Page
    site: Site
    requested: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.site.url + path)

    async def text(self, selector: str) -> str:
        return (await self.page.locator(selector).first.inner_text()).strip()

    async def rows_are(self, count: int) -> None:
        """Waits until the table says that it has so many rows."""
        await self.page.locator("[data-test=rows]", has_text=f"{count:,} ").wait_for(timeout=PATIENCE)

    async def connection(self, state: str) -> None:
        await self.page.locator(f"[data-connection={state}]").wait_for(timeout=PATIENCE)

    async def cells(self, row: int) -> list[str]:
        """The drawn cells of a row, from 1, once they are there."""
        line = self.page.locator(f'{GRID} [role=row][aria-rowindex="{row + 1}"]')
        await line.locator("[role=gridcell]:not(.bone)").first.wait_for(timeout=PATIENCE)
        return await line.locator("[role=gridcell]").all_inner_texts()

    async def go_to_row(self, row: int) -> None:
        await self.page.fill("[data-test=jump]", str(row))
        await self.page.press("[data-test=jump]", "Enter")


@asynccontextmanager
async def looking(browser: Browser, site: Site, **options: Any) -> AsyncIterator[Tab]:
    """A tab for the block; at its end nothing may have failed, broken the policy or come from elsewhere."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 860}, **{"locale": "en-US", **options}
    )
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    tab = Tab(page, site)
    page.on("request", lambda request: tab.requested.append(request.url))
    page.on("pageerror", lambda error: tab.errors.append(str(error)))
    page.set_default_timeout(PATIENCE)
    try:
        yield tab
        violations = await page.evaluate("window.violations")
    finally:
        await context.close()
    host = urlsplit(site.url).netloc
    assert not [
        url
        for url in tab.requested
        if urlsplit(url).scheme.startswith("http") and urlsplit(url).netloc != host
    ]
    assert tab.requested
    assert violations == []
    assert tab.errors == []


async def until(check: Any, seconds: float = DEADLINE) -> None:
    """Waits until the coroutine function answers something true."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.1)
