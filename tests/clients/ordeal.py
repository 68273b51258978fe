"""One job through all of it: twenty random cuts, a gateway that is killed and started again, half a minute of silence."""

from __future__ import annotations

import random
from typing import Any

from tests.clients.cases import Call, Case

CUTS = 20
JOB = {"domains": ["history", "materials"], "batches": 100, "per_batch": 50, "padding": 1000}
LARGEST = 300_000
"""Bytes until a cut: a line has 53 KB, so that there are cuts before the first line, within lines and behind several."""

_KINDS = ("cut", "cut", "close", "end")


def new_ordeal() -> Case:
    """Another one each time; its seed is in the output of a test that fails."""
    seed = random.randrange(2**32)
    print(f"ordeal with seed {seed}")
    return ordeal(random.Random(seed))


def ordeal(rng: random.Random) -> Case:
    """A case whose network fails by chance, with a job that outlasts it."""
    network: list[dict[str, Any]] = [{rng.choice(_KINDS): rng.randint(0, LARGEST)} for _ in range(CUTS)]
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
