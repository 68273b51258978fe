"""Many small jobs at once over workers that keep dying, then their expiry: ``python -m bench.many_jobs``.

Each cycle: ``--jobs`` jobs are submitted to the gateway at once, while one of ``--workers`` worker processes is killed (SIGKILL)
every ``--kill-every`` seconds, whether the one before is back or not, and replaced at once. Every job has to end as complete, its
log with each record once and in order, its states with one end. Then every job's life is set to one second and commands are kept
for seconds, while Kafka consumers and streams of the gateway read some of the logs: every topic and every state has to go, and
the topics have to stay gone with their readers still attached. Last, memory is read: what is alive in the broker's Java heap
after a full collection, and what broker and gateway have resident.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bench import heap
from bench.crew import Crew, resident
from broker import clients
from broker.admin import Admin
from broker.embedded import EmbeddedKafka, free_ports
from broker.settings import BrokerSettings
from schemas.jobs import Status
from tests.faults.plant import DOMAIN, assert_whole, ids_of, make_plant
from tests.faults.statelog import StateLog
from tests.workers import JobClient, until
from tracestream.processes import Processes, Program

CONTAINERS = 9000
PER_JOB = 30
PATIENCE = 600.0
ID_LIFE = 10
"""Seconds for which Kafka knows the transactional id of a job that writes nothing more; else a day."""

TOLERANCE = 5.0
"""MB that may be added from the first cycle's end on; in the first, Kafka fills its buffers and histograms."""

_READ_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """``kill_every`` in seconds, at most ``kills`` times a cycle; ``readers`` of each kind stay attached to logs that expire,
    and go on for ``stay_gone`` seconds when all are gone."""

    jobs: int = 500
    workers: int = 3
    kill_every: float = 5.0
    kills: int | None = None
    cycles: int = 3
    readers: int = 20
    retention: int = 5
    stay_gone: float = ID_LIFE + 5.0


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB: alive in the broker's heap after a full collection; resident before that collection."""

    broker_alive: float
    broker: float
    gateway: float


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one cycle took (seconds, from the first submit) and left when all of its jobs were gone."""

    kills: int
    ended: float
    topics_gone: float
    states_gone: float
    memory: Memory


@dataclass(slots=True)
class Deployment:
    """Where everything is."""

    broker: BrokerSettings
    env: dict[str, str]
    http: httpx.AsyncClient
    client: JobClient
    admin: Admin
    pids: dict[str, int]


@asynccontextmanager
async def deployed(folder: Path) -> AsyncIterator[Deployment]:
    """A broker and a gateway; the workers come with each cycle."""
    plant = make_plant(folder, CONTAINERS + PER_JOB)
    async with AsyncExitStack() as stack:
        ids = {
            "transactional.id.expiration.ms": str(ID_LIFE * 1000),
            "transaction.remove.expired.transaction.cleanup.interval.ms": "2000",
        }
        kafka = await stack.enter_async_context(EmbeddedKafka(folder / "kafka", properties=ids))
        port = free_ports(1)[0]
        env = {
            "TRACE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TRACE_HTTP_PORT": str(port),
            "TRACE_CATALOGUE": str(plant),
            "TRACE_DUCKDB_PATH": str(plant / "plant.duckdb"),
            "TRACE_SESSION_TIMEOUT": "3",
            "TRACE_HEARTBEAT": "0.5",
            "TRACE_MIN_TTL_SECONDS": "1",
            "TRACE_MAX_QUEUED_PER_CLIENT": "100000",
        }
        broker = BrokerSettings(bootstrap=kafka.bootstrap)
        async with Crew(env, folder, 1) as crew:
            await crew.ready()
        processes = Processes(folder, print)
        stack.push_async_callback(processes.stop)
        await processes.start([Program.own("gateway", ["gateway"], env)])
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120)
        await stack.enter_async_context(http)
        client = await stack.enter_async_context(JobClient(broker))
        admin = await stack.enter_async_context(Admin(broker))
        yield Deployment(broker, env, http, client, admin, {"broker": kafka.pid, **processes.pids()})


async def cycle(at: Deployment, plan: Plan, folder: Path) -> Cycle:
    """One cycle. Raises AssertionError for a job that is lost, doubled, or comes back."""
    begun = time.monotonic()

    async def are_gone() -> bool:
        return not await topics_of(at, jobs)

    await keep_commands(at.broker, 3600)
    async with StateLog(at.client) as states:
        async with AsyncExitStack() as stack:
            crew = await stack.enter_async_context(Crew(at.env, folder, plan.workers))
            await crew.ready()
            await stack.enter_async_context(crew.killed_every(plan.kill_every, plan.kills))
            jobs = await submit(at.http, plan.jobs)
            await states.until(lambda: all(states.has_ended(job_id) for job_id in jobs), PATIENCE)
            ended = time.monotonic() - begun
            kills = crew.kills
        await check_logs(at.client, jobs)
        for job_id in jobs:
            ends = [status for status in states.statuses(job_id) if status is Status.COMPLETE]
            assert ends == [Status.COMPLETE], f"{job_id}: {states.statuses(job_id)}"
        async with attached_readers(at, list(jobs)[: plan.readers]):
            env = {**at.env, "TRACE_COMMAND_RETENTION": str(plan.retention)}
            async with Crew(env, folder, plan.workers) as crew:
                await crew.ready()
                await set_lives(at.http, list(jobs))
                await until(are_gone, PATIENCE)
                topics_gone = time.monotonic() - begun
                await keep_commands(at.broker, plan.retention)
                await states.until(lambda: all(states.is_buried(job_id) for job_id in jobs), PATIENCE)
                states_gone = time.monotonic() - begun
                await asyncio.sleep(plan.stay_gone)
        assert not await topics_of(at, jobs), "a topic came back"
        assert all(states.is_buried(job_id) for job_id in jobs), "a state came back"
    return Cycle(kills, ended, topics_gone, states_gone, await memory_of(at))


async def memory_of(at: Deployment) -> Memory:
    """What broker and gateway take now."""
    broker, gateway = (resident(at.pids[name]) / 1e6 for name in ("broker", "gateway"))
    return Memory(await heap.live(at.pids["broker"]) / 1e6, broker, gateway)


async def keep_commands(broker: BrokerSettings, seconds: int) -> None:
    """Changes how long Kafka keeps commands."""
    admin = AIOKafkaAdminClient(**clients.connection(broker, "bench-admin"))
    await admin.start()
    try:
        configs = {"retention.ms": str(seconds * 1000), "segment.ms": str(max(1000, seconds * 250))}
        topic = JobClient(broker).names.commands
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    finally:
        await admin.close()


async def submit(http: httpx.AsyncClient, count: int) -> dict[str, list[str]]:
    """So many jobs at once; their ids, and the containers of each."""

    async def one(number: int) -> tuple[str, list[str]]:
        ids = ids_of(number * 17 % CONTAINERS, PER_JOB)
        body = {"container_ids": ids, "domains": [DOMAIN], "ttl_seconds": 86_400}
        answer = await http.post("/api/trace/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"]), ids

    return dict(await asyncio.gather(*(one(number) for number in range(count))))


async def check_logs(client: JobClient, jobs: dict[str, list[str]]) -> None:
    """Every log is whole: each record once, in order."""
    turns = asyncio.Semaphore(_READ_AT_ONCE)

    async def one(job_id: str, ids: list[str]) -> None:
        async with turns:
            assert_whole(await client.lines(job_id), ids)

    await asyncio.gather(*(one(job_id, ids) for job_id, ids in jobs.items()))


async def set_lives(http: httpx.AsyncClient, jobs: list[str]) -> None:
    """One second from their end: they are due."""
    answers = await asyncio.gather(
        *(http.patch(f"/api/trace/job/{job_id}", json={"ttl_seconds": 1}) for job_id in jobs)
    )
    assert all(answer.status_code in (200, 410) for answer in answers), [a.text for a in answers][:3]


async def topics_of(at: Deployment, jobs: dict[str, list[str]]) -> set[str]:
    return {at.client.names.job(job_id) for job_id in jobs} & set(await at.admin.list_topics())


@asynccontextmanager
async def attached_readers(at: Deployment, jobs: list[str]) -> AsyncIterator[None]:
    """For each job a Kafka consumer that polls its topic and a stream of the gateway that is asked for again and again."""

    async def consume(job_id: str) -> None:
        async with clients.consumer(at.broker) as consumer:
            place = clients.TopicPartition(at.client.names.job(job_id), 0)
            consumer.assign([place])
            consumer.seek(place, 0)
            while True:
                with suppress(Exception):
                    await consumer.getmany(timeout_ms=500)
                await asyncio.sleep(0.1)

    async def stream(job_id: str) -> None:
        while True:
            with suppress(httpx.HTTPError):
                await at.http.get(f"/api/trace/job/{job_id}/stream")
            await asyncio.sleep(1)

    tasks = [asyncio.create_task(work(job_id)) for job_id in jobs for work in (consume, stream)]
    try:
        yield
        assert not any(task.done() for task in tasks), "a reader ended"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run(plan: Plan, folder: Path) -> list[Cycle]:
    """All cycles on one deployment."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    found = []
    async with deployed(folder) as at:
        print(f"before: {json.dumps(asdict(await memory_of(at)))}", flush=True)
        for number in range(plan.cycles):
            found.append(await cycle(at, plan, folder))
            print(f"cycle {number + 1}: {json.dumps(asdict(found[-1]))}", flush=True)
    first, last = found[0].memory, found[-1].memory
    for what, grown in (
        ("alive in the broker's heap", last.broker_alive - first.broker_alive),
        ("resident in the gateway", last.gateway - first.gateway),
    ):
        verdict = "met" if grown <= TOLERANCE else "missed"
        print(f"{what}, last cycle against first: {grown:+.1f} MB, required <= {TOLERANCE:g}: {verdict}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.many_jobs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=Plan().jobs)
    parser.add_argument("--workers", type=int, default=Plan().workers)
    parser.add_argument("--kill-every", type=float, default=Plan().kill_every)
    parser.add_argument("--cycles", type=int, default=Plan().cycles)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracestream-bench-") as temporary:
        wanted = Plan(
            jobs=chosen.jobs, workers=chosen.workers, kill_every=chosen.kill_every, cycles=chosen.cycles
        )
        asyncio.run(run(wanted, Path(temporary)))
