"""A reader in Node.js that holds still stops the gateway, and completes when it goes on."""

from __future__ import annotations

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.drivers import DRIVER, ProcessDriver
from tests.clients.gateway import GatewayProcess
from tests.clients.node import nodes
from tests.clients.pause import LINE, least, pause

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOUND = 5_000_000
QUEUED = 2_500_000
"""What the gateway's socket holds of it: its own bound, and what the kernel takes in one go."""

FLAT = 50_000_000


@pytest.mark.parametrize("node", nodes())
async def test_bytes_stop_at_the_socket(
    node: str, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    seen = await least(
        lambda: pause(ProcessDriver([nodes()[node], DRIVER]), gateway, settings, administrator), BOUND
    )
    assert seen.under_way < BOUND
    assert seen.queued < QUEUED
    assert seen.grown < FLAT


@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("node", nodes())
async def test_bounded_pulls_stop_at_what_was_asked_for(
    node: str, lines: int, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    options = {"flow": "pull", "pull_lines": lines}
    seen = await pause(ProcessDriver([nodes()[node], DRIVER], options), gateway, settings, administrator)
    assert seen.under_way < 2 * lines * LINE + 500_000
    assert seen.grown < FLAT
