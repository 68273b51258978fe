"""After a crash at most the chunks of one transaction and of the read-ahead window are read again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from broker.settings import BrokerSettings
from tests.faults.heldworker import Holds, held_worker
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.workers import JobClient, until

CHUNKS = 40
IDS = ids_of(0, CHUNKS * CHUNK)
HELD = 25
"""The chunk at which the worker stands still until it is killed."""
PARALLEL = 2
WINDOW = 4 * PARALLEL
"""Chunks that may be read and wait for their turn, or be read now."""
BYTES = 200_000
CHUNK_BYTES = CHUNK * 530
TRANSACTION = BYTES // CHUNK_BYTES + 1
"""Chunks of a transaction: it ends at the first border behind so many bytes."""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"))


async def test_what_is_read_again_after_a_kill_is_what_was_begun_and_not_committed(
    broker_settings: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.chunk(IDS[HELD * CHUNK]).touch()
    settings = {"transaction_bytes": BYTES, "parallel_chunks": PARALLEL}
    async with JobClient(broker_settings) as client:
        async with held_worker(broker_settings, plant, tmp_path, **settings) as first:

            async def stands_still() -> bool:
                before = first.reads()
                await asyncio.sleep(2)
                return bool(before) and before == first.reads()

            job_id = await client.submit(IDS, [DOMAIN])
            await until(stands_still, 90)
            begun = first.reads()
            committed = (await client.states(job_id))[-1].progress[0].chunks
            await first.kill()
        holds.release()
        async with held_worker(broker_settings, plant, tmp_path, **settings) as second:
            assert_whole(await client.lines(job_id, 90), IDS)
            reads = second.reads()
    again = set(begun) & set(reads)
    assert IDS[HELD * CHUNK] in begun
    assert len(begun) == len(set(begun))
    assert reads == IDS[committed * CHUNK :: CHUNK], "it goes on at the first chunk that is not in the log"
    assert len(again) == len(begun) - committed
    assert HELD - committed <= TRANSACTION
    assert len(again) <= TRANSACTION + WINDOW
    assert len(begun) - HELD <= WINDOW
