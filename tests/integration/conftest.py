"""What several of the worker's tests begin with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from broker.settings import BrokerSettings
from tests.integration.lots import make_lots


@pytest.fixture(scope="module")
def lots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lots of :mod:`tests.integration.lots`."""
    return make_lots(tmp_path_factory.mktemp("lots") / "lots.duckdb")


@pytest.fixture
def broker(broker_settings: BrokerSettings) -> BrokerSettings:
    """One partition, so that one worker owns all."""
    return replace(broker_settings, partitions=1)
