"""The cases with the JavaScript client in Node.js."""

from __future__ import annotations

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.cases import Case, load_cases
from tests.clients.drivers import DRIVER, ProcessDriver
from tests.clients.gateway import GatewayProcess
from tests.clients.node import nodes
from tests.clients.play import Play

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("node", nodes())
@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
async def test_case(
    case: Case, node: str, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    await Play(case, gateway, settings, administrator).run(ProcessDriver([nodes()[node], DRIVER]))
