"""The JavaScript client in Node.js through twenty cuts, a killed gateway and silence in one job."""

from __future__ import annotations

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.drivers import DRIVER, ProcessDriver
from tests.clients.gateway import GatewayProcess
from tests.clients.node import nodes
from tests.clients.ordeal import CUTS, new_ordeal
from tests.clients.play import Play

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("worker", [False, True], ids=["", "in a worker"])
@pytest.mark.parametrize("node", nodes())
async def test_what_the_consumer_got_is_the_log_each_line_once_in_order(
    node: str, worker: bool, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    play = Play(new_ordeal(), gateway, settings, administrator)
    await play.run(ProcessDriver([nodes()[node], DRIVER], {"worker": worker}))
    assert len(play.outcome.resumes) >= CUTS
