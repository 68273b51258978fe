"""A reader in Chromium that holds still stops the gateway, and completes when it goes on."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.browser.driver import PageDriver
from tests.clients.gateway import GatewayProcess
from tests.clients.pause import LINE, least, pause

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOUND = 10_000_000
QUEUED = 2_500_000
"""What the gateway's socket holds of it: its own bound, and what the kernel takes in one go."""

FLAT = 50_000_000


async def test_bytes_stop_at_the_socket(
    chromium: Browser, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    seen = await least(lambda: pause(PageDriver(chromium), gateway, settings, administrator), BOUND)
    assert seen.under_way < BOUND
    assert seen.queued < QUEUED
    assert seen.grown < FLAT


async def test_bounded_pulls_stop_at_what_was_asked_for(
    chromium: Browser, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    options = {"flow": "pull", "pull_lines": 1}
    seen = await pause(PageDriver(chromium, options), gateway, settings, administrator)
    assert seen.under_way < 2 * LINE + 500_000
    assert seen.grown < FLAT
