"""One job through all of it: twenty random cuts, a gateway that is killed and started again, half a minute of silence."""

from __future__ import annotations

import random
from typing import Any

import pytest

from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.cases import Call, Case
from tests.clients.drivers import Driver
from tests.clients.gateway import GatewayProcess
from tests.clients.play import Play
from tests.clients.python import drive_async, drive_sync

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUTS = 20
JOB = {"domains": ["history", "materials"], "batches": 100, "per_batch": 50, "padding": 1000}
LARGEST = 300_000
"""Bytes until a cut: a line has 53 KB, so that there are cuts before the first line, within lines and behind several."""


def ordeal(rng: random.Random) -> Case:
    """A case whose network fails by chance, with a job that outlasts it."""
    kinds = ("cut", "cut", "close", "end")
    network: list[dict[str, Any]] = [{rng.choice(kinds): rng.randint(0, LARGEST)} for _ in range(CUTS)]
    network.insert(rng.randint(0, CUTS), {"silence": rng.randint(0, LARGEST)})
    return Case(
        chapter="ordeal",
        name="twenty cuts, a killed gateway and silence in one job lose nothing and double nothing",
        job=JOB,
        network=network,
        call=Call("stream", options={"backoff_seconds": 0.05}),
        during=[{"after": rng.randint(1, 150), "do": "restart"}],
        expect={"messages": [0, None], "connections": {"min": CUTS + 2}},
    )


@pytest.mark.parametrize("driver", [drive_sync, drive_async], ids=["sync", "async"])
async def test_what_the_consumer_got_is_the_log_each_line_once_in_order(
    driver: Driver, gateway: GatewayProcess, settings: BrokerSettings, administrator: Admin
) -> None:
    seed = random.randrange(2**32)
    play = Play(ordeal(random.Random(seed)), gateway, settings, administrator)
    try:
        await play.run(driver)
    except BaseException:
        print(f"seed {seed}: {play.case}")
        raise
    assert len(play.outcome.resumes) >= CUTS
