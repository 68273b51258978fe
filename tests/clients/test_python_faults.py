"""The Python clients through twenty cuts, a killed gateway and silence in one job."""

from __future__ import annotations

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.drivers import Driver
from tests.clients.gateway import GatewayProcess
from tests.clients.ordeal import CUTS, new_ordeal
from tests.clients.play import Play
from tests.clients.python import drive_async, drive_sync

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("driver", [drive_sync, drive_async], ids=["sync", "async"])
async def test_what_the_consumer_got_is_the_log_each_line_once_in_order(
    driver: Driver, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    play = Play(new_ordeal(), gateway, settings, administrator)
    await play.run(driver)
    assert len(play.outcome.resumes) >= CUTS
