"""The cases with the Python clients, sync and async."""

from __future__ import annotations

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.cases import Case, load_cases
from tests.clients.drivers import Driver
from tests.clients.gateway import GatewayProcess
from tests.clients.play import Play
from tests.clients.python import drive_async, drive_sync

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("driver", [drive_sync, drive_async], ids=["sync", "async"])
@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
async def test_case(
    case: Case, driver: Driver, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    await Play(case, gateway, settings, administrator).run(driver)
