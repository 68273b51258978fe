"""One gateway and one administrator for all cases of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.gateway import GatewayProcess, running_process
from tests.clients.play import new_prefix
from tests.kafka import SharedKafka


@pytest.fixture(scope="module")
def settings(kafka: SharedKafka) -> BrokerSettings:
    """A deployment without a worker: jobs are what the cases write."""
    return BrokerSettings(bootstrap=kafka.bootstrap, prefix=new_prefix(), partitions=2)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def administrator(settings: BrokerSettings) -> AsyncIterator[Admin]:
    async with Admin(settings) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    settings: BrokerSettings, administrator: Admin, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    async with running_process(settings, tmp_path_factory.mktemp("gateway")) as started:
        yield started
