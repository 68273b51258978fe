"""A gateway inside the test, on a free port, with the packaged catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from broker.settings import BrokerSettings
from catalogue.loader import load_catalogue
from gateway.app import create_app
from gateway.server import Server, listen, url_of
from gateway.services import Services
from gateway.settings import GatewaySettings
from processors.registry import load_aggregations, specs

BATCH_SIZE = 5000
GENEROUS = 60.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """``services`` are its insides, for what can't be seen from outside."""

    url: str
    services: Services
    client: httpx.AsyncClient


@asynccontextmanager
async def running_gateway(
    broker: BrokerSettings, settings: GatewaySettings | None = None, *, wait_ready: bool = True
) -> AsyncIterator[Gateway]:
    """Serves until the end of the block; answers once /readyz does."""
    settings = replace(settings or GatewaySettings(), port=0)
    listener = listen(settings)
    app = create_app(broker, settings, load_catalogue(), specs(load_aggregations()), BATCH_SIZE)
    server = Server(app, settings, lambda: None)
    serving = asyncio.create_task(server._serve(sockets=[listener]))
    try:
        async with httpx.AsyncClient(base_url=url_of(listener), timeout=GENEROUS) as client:
            if wait_ready:
                await until_ready(client)
            yield Gateway(url_of(listener), app.state.services, client)
    finally:
        server.should_exit = True
        await serving


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(GENEROUS):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.02)
