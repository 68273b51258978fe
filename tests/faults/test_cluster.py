"""Three brokers, three replicas, two of which must have a write: what of them may be gone while a job runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from broker import clients
from broker.embedded_cluster import EmbeddedCluster
from broker.settings import BrokerSettings
from schemas.jobs import Status
from tests.faults.heldworker import Holds, held_worker
from tests.faults.plant import CHUNK, DOMAIN, assert_whole, ids_of, make_plant
from tests.faults.quorum import controller_of
from tests.workers import JobClient, until

IDS = ids_of(0, 45 * CHUNK)
THREE_CHUNKS = 120_000
"""Bytes of a transaction: the first holds one chunk, each further one three of 54 KB (half a message is held back)."""

STOPS = [IDS[number * CHUNK] for number in (12, 24, 36)]
"""Chunks that begin with two others in the open transaction."""

LONG = 180.0


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(tmp_path_factory.mktemp("plant"))


async def leader_of(client: JobClient, topic: str) -> int:
    """The node that leads partition 0 of the topic now."""
    await client.producer.client.force_metadata_update()
    await client.producer.partitions_for(topic)
    return int(client.producer.client.cluster.leader_for_partition(clients.TopicPartition(topic, 0)))


async def mid_transaction(client: JobClient, job_id: str, records: int) -> None:
    """Waits until so many records are committed and more stand behind them in the log."""
    await client.state_when(job_id, lambda state: state.progress[0].records >= records, LONG)
    await until(lambda: client.has_open(client.names.job(job_id)), LONG)


async def test_a_job_outlives_its_leader_the_controller_and_a_time_without_a_majority(
    kafka_cluster: EmbeddedCluster, plant: Path, tmp_path: Path
) -> None:
    cluster = kafka_cluster
    broker = BrokerSettings(bootstrap=cluster.bootstrap, partitions=2, replication=3, min_insync=2)
    holds = Holds(tmp_path)
    for stop in STOPS:
        holds.chunk(stop).touch()
    async with held_worker(
        broker, plant, tmp_path, transaction_bytes=THREE_CHUNKS, session_timeout=6, heartbeat=1
    ) as worker:
        async with JobClient(broker) as client:
            job_id = await client.submit(IDS, [DOMAIN])

            await mid_transaction(client, job_id, 10 * CHUNK)
            leader = cluster.nodes[await leader_of(client, client.names.job(job_id)) - 1]
            leader.kill()
            holds.chunk(STOPS[0]).unlink()
            await mid_transaction(client, job_id, 22 * CHUNK)
            await leader.start()

            controller = cluster.nodes[await controller_of(cluster.bootstrap) - 1]
            controller.kill()
            holds.chunk(STOPS[1]).unlink()
            await mid_transaction(client, job_id, 34 * CHUNK)
            await controller.start()

        for node in cluster.nodes[:2]:
            node.kill()
        holds.release()
        await asyncio.sleep(8)
        assert worker.process.returncode is None
        for node in cluster.nodes[:2]:
            await node.launch()
        await asyncio.gather(*(node.wait_until_ready() for node in cluster.nodes[:2]))

        async with JobClient(broker) as client:
            lines = await client.lines(job_id, LONG)
            states = await client.states(job_id)
    assert_whole(lines, IDS)
    assert states[-1].status is Status.COMPLETE
    assert [state.version for state in states] == list(range(1, len(states) + 1))
    assert max(state.tries for state in states) == 1
