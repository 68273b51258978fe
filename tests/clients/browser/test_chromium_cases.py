"""The cases with the JavaScript client in Chromium: parsing in the page and, where a log is read, in a worker."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.browser.driver import PageDriver
from tests.clients.cases import Case, load_cases
from tests.clients.gateway import GatewayProcess
from tests.clients.ordeal import new_ordeal
from tests.clients.play import Play

pytestmark = pytest.mark.asyncio(loop_scope="module")

READING = ("stream", "records")


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
async def test_case(
    case: Case, chromium: Browser, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    await Play(case, gateway, settings, administrator).run(PageDriver(chromium))


@pytest.mark.parametrize(
    "case", [each for each in load_cases() if each.call.operation in READING], ids=lambda case: case.name
)
async def test_case_with_a_worker(
    case: Case, chromium: Browser, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    await Play(case, gateway, settings, administrator).run(PageDriver(chromium, {"worker": True}))


@pytest.mark.parametrize("flow", ["stream", "pull"])
async def test_what_the_consumer_got_is_the_log_each_line_once_in_order(
    flow: str,
    chromium: Browser,
    gateway: GatewayProcess,
    settings: BrokerSettings,
    administrator: Admin,
) -> None:
    play = Play(new_ordeal(), gateway, settings, administrator)
    await play.run(PageDriver(chromium, {"flow": flow}))
    assert play.outcome.resumes
