"""What every test may ask for: the run's broker and settings with a topic prefix of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

# Early, because its pytest plugin imports it at the end of the run otherwise: pytest then parses its sources, and CPython
# 3.11 stops with a SystemError when garbage collection formats a traceback meanwhile.
import hypothesis
import pytest

from broker.admin import Admin
from broker.embedded_cluster import EmbeddedCluster
from broker.settings import BrokerSettings
from tests.kafka import SharedKafka, run_folder

# No test fails on a time: a loaded machine makes any example slow.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


# Brokers of tests live for seconds: what the JVM's second compiler costs is never earned back. Measured on test_cluster.py: 43 s of
# processor time instead of 65.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

LONG = ("faults", "acceptance", "clients", "browser", "integration")
"""Folders with long files, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts folders with long files first. With short ones last, xdist's workers end at about the same time."""
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=turn)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Makes a skipped browser test a failure where CI says that a browser is to be had."""
    report = yield
    if report.skipped and "browser" in item.path.parts and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKafka]:
    """The run's broker; nobody stops or pauses it. Tests that harm a broker start their own ``EmbeddedKafka``."""
    shared = SharedKafka(run_folder(tmp_path_factory.getbasetemp()))
    shared.enter()
    yield shared
    shared.leave()


@pytest.fixture
def broker_settings(kafka: SharedKafka) -> BrokerSettings:
    """Settings of one deployment on the run's broker, alone under its prefix; few partitions, so that it is quick."""
    return BrokerSettings(bootstrap=kafka.bootstrap, prefix=f"t{uuid.uuid4().hex[:12]}.", partitions=2)


@pytest.fixture
async def kafka_cluster() -> AsyncIterator[EmbeddedCluster]:
    """Three brokers of the test's own, to be killed and paused at will."""
    async with EmbeddedCluster(3) as started:
        yield started


@pytest.fixture
async def admin(broker_settings: BrokerSettings) -> AsyncIterator[Admin]:
    """An administrator of the run's broker."""
    async with Admin(broker_settings) as opened:
        yield opened
