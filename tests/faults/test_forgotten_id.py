"""Kafka forgets a transactional id that nobody wrote with for long, while its holder is still there."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.embedded import EmbeddedKafka
from broker.settings import BrokerSettings
from catalogue.loader import load_catalogue
from producers import partition
from schemas.jobs import Status
from tests.faults.heldworker import Holds, held_worker
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.workers import JobClient, running_worker, until

IDS = ids_of(0, 6 * CHUNK)
STATE = "__transaction_state"
FORGETS = {
    "transactional.id.expiration.ms": "3000",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "500",
    "transaction.state.log.num.partitions": "1",
}


@pytest.fixture(scope="module")
def forgetful() -> Iterator[str]:
    """The address of a broker that forgets ids within seconds."""
    kafka = EmbeddedKafka(properties=FORGETS)
    asyncio.run(kafka.start())
    yield kafka.bootstrap
    asyncio.run(kafka.stop())


@pytest.fixture
def broker(forgetful: str) -> BrokerSettings:
    return BrokerSettings(bootstrap=forgetful, prefix=f"t{uuid.uuid4().hex[:12]}.", partitions=1)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"))


async def forgotten(client: JobClient) -> set[str]:
    """The ids whose record in Kafka's own topic is a tombstone."""
    last: dict[bytes, bool] = {}
    offset = 0
    while (fetched := await client.reader.fetch(STATE, 0, offset, max_bytes=1 << 20)).next_offset > offset:
        offset = fetched.next_offset
        for batch in fetched.batches:
            last |= {bytes(record.key or b""): record.value is None for record in batch.records()}
    # A key is a version and a length of two bytes each, then the id.
    return {key[4:].decode() for key, gone in last.items() if gone}


async def test_a_job_and_its_partition_go_on_when_kafka_has_forgotten_their_ids(
    broker: BrokerSettings, plant: Path, tmp_path: Path
) -> None:
    holds = Holds(tmp_path)
    holds.chunk(IDS[CHUNK]).touch()
    async with JobClient(broker) as client, held_worker(broker, plant, tmp_path) as worker:
        job_id = await client.submit(IDS, [DOMAIN])
        await client.state_when(job_id, lambda state: state.end_offset > 0, 60)
        ids = {client.names.writer_id(job_id), client.names.admit_id(0)}

        async def all_are_forgotten() -> bool:
            return ids <= await forgotten(client)

        await until(all_are_forgotten, 60)
        holds.release()
        assert_whole(await client.lines(job_id, 60), IDS)
        next_one = await client.submit(IDS[:CHUNK], [DOMAIN])
        assert_whole(await client.lines(next_one, 60), IDS[:CHUNK])
        states = await client.states(job_id)
        assert "reading again" in worker.said()
        assert "taking it over again" in worker.said()
    assert states[-1].status is Status.COMPLETE
    assert max(state.tries for state in states) == 1


async def test_an_idle_partition_keeps_its_id_as_long_as_it_has_an_owner(
    broker: BrokerSettings, plant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "RENEWAL", 0.5)
    async with (
        JobClient(broker) as client,
        running_worker(broker, plant / "plant.duckdb", catalogue=load_catalogue(plant)),
    ):
        job_id = await client.submit(IDS[:CHUNK], [DOMAIN])
        assert_whole(await client.lines(job_id, 60), IDS[:CHUNK])

        async def the_jobs_is_forgotten() -> bool:
            return client.names.writer_id(job_id) in await forgotten(client)

        await until(the_jobs_is_forgotten, 60)
        await asyncio.sleep(1)
        assert client.names.admit_id(0) not in await forgotten(client)
