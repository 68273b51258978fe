"""A page as a driver: the client's modules come from the tree, everything else over the network."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route

from tests.clients.cases import Call
from tests.clients.drivers import Each, Outcome, take, to_json
from tests.clients.node import PACKAGE

PLACE = "/client-under-test/"
_EMPTY = "<!doctype html><title>client</title>"
_RUN = """
async (call) => {
  const {run} = await import(call.module);
  await run(call, (event) => window.emit(event));
}
"""


@asynccontextmanager
async def client_page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """An empty page whose origin is the gateway's, with the package at :data:`PLACE`."""
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.route(f"{url}{PLACE}**", _serve)
        await page.goto(f"{url}{PLACE}")
        yield page
    finally:
        await context.close()


async def _serve(route: Route) -> None:
    path = urlsplit(route.request.url).path.removeprefix(PLACE)
    if path:
        kind = mimetypes.guess_type(path)[0] or "text/plain"
        await route.fulfill(body=(PACKAGE / path).read_bytes(), content_type=kind)
    else:
        await route.fulfill(body=_EMPTY, content_type="text/html")


@dataclass(frozen=True, slots=True)
class PageDriver:
    """The client in a tab of ``browser``. ``options`` go with every call."""

    browser: Browser
    options: Mapping[str, Any] = field(default_factory=dict)

    async def __call__(self, url: str, call: Call, each: Each, outcome: Outcome) -> None:
        async with client_page(self.browser, url) as page:

            async def emit(_source: Any, event: Mapping[str, Any]) -> str | None:
                return await take(event, outcome, each)

            await page.expose_binding("emit", emit)
            call = Call(call.operation, call.arguments, {**self.options, **call.options})
            module = f"{PLACE}test/driver/run.js"
            await page.evaluate(_RUN, {**to_json(url, call), "module": module})
