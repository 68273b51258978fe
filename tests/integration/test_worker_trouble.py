"""A worker in trouble: commands that are gone or make no sense, a Kafka that refuses for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pyarrow as pa
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from broker import clients
from broker.admin import Admin
from broker.errors import Retriable
from broker.settings import BrokerSettings
from catalogue.domain import Domain
from joblog.transactions import Transactor
from producers.expiry import Expiry
from producers.sources.open import open_source
from producers.sources.protocol import Source
from producers.sources.settings import SourceSettings
from schemas import commands
from schemas.commands import CANCEL, DELETE
from schemas.jobs import CommandPlace, Status, encode_state, new_state
from schemas.topics import Names, TopicSpec, job_topic, partition_of
from tests.integration.lots import CATALOGUE, IDS
from tests.workers import QUICK, JobClient, kinds_of, running_worker, until


async def committed(broker: BrokerSettings) -> int:
    """The offset of the workers' group in ``trace.commands``."""
    names = JobClient(broker).names
    admin = AIOKafkaAdminClient(**clients.connection(broker, "test"))
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(names.workers)
    finally:
        await admin.close()
    return max((place.offset for place in found.values()), default=-1)


async def test_a_job_whose_submit_was_removed_before_it_ran_fails_and_says_so(
    broker: BrokerSettings, lots: Path
) -> None:
    async with JobClient(broker) as client:
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            pass
        job_id = await client.submit(IDS, ["lots"])
        request = commands.Request(job_id, ("lots",), len(IDS), 0, 5000, 3600, "127.0.0.1", "h", 0)
        state = new_state(request, CommandPlace(0, 0), client.names.job(job_id))
        await client.producer.send_and_wait(
            client.names.jobs, encode_state(state), key=job_id.encode(), partition=0
        )
        admin = AIOKafkaAdminClient(**clients.connection(broker, "test"))
        await admin.start()
        await admin.delete_records({clients.TopicPartition(client.names.commands, 0): RecordsToDelete(1)})
        await admin.close()
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            ended = await client.state_when(job_id, lambda state: state.ended)
            lines = await client.lines(job_id)
    assert ended.status is Status.FAILED
    assert ended.problem is not None
    assert ended.problem["type"].endswith(":command-lost")
    assert kinds_of(lines) == ["meta", "error"]


async def test_a_topic_that_could_not_be_removed_is_removed_later_and_its_delete_is_finished(
    broker: BrokerSettings, lots: Path, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = ["once", "twice"]
    deletes = Admin.delete_topics

    async def delete_topics(self: Admin, names: Sequence[str]) -> list[str]:
        if refusals:
            raise Retriable(f"not now: {refusals.pop()}")
        return await deletes(self, names)

    async with running_worker(broker, lots, catalogue=CATALOGUE), JobClient(broker) as client:
        job_id = await client.submit(IDS, ["lots"])
        await client.lines(job_id)
        monkeypatch.setattr(Admin, "delete_topics", delete_topics)
        await client.command(job_id, DELETE)
        await client.state_when(job_id, lambda state: state.status is Status.EXPIRED)

        async def is_removed() -> bool:
            return client.names.job(job_id) not in await admin.list_topics()

        async def is_finished() -> bool:
            return await committed(broker) == 2

        await until(is_removed)
        await until(is_finished)


@pytest.mark.parametrize("key", [b"no job id", "é".encode(), b"../x"])
async def test_a_command_whose_key_is_no_job_id_is_passed_over(
    broker: BrokerSettings, lots: Path, key: bytes
) -> None:
    async with running_worker(broker, lots, catalogue=CATALOGUE) as worker, JobClient(broker) as client:
        name = key.decode("ascii", "replace")
        request = commands.Request(name, ("lots",), 1, 0, 5000, 3600, "127.0.0.1", "h", 0)
        await client.producer.send_and_wait(
            client.names.commands, b"{}", key=key, partition=0, headers=commands.submit_headers(request)
        )
        job_id = await client.submit(IDS, ["lots"])
        assert kinds_of(await client.lines(job_id, seconds=20))[-1] == "complete"
    assert worker.counters["starts"] == 1


async def test_a_submit_without_container_ids_fails_after_its_tries(
    broker: BrokerSettings, lots: Path
) -> None:
    quick = replace(QUICK, max_tries=1)
    async with running_worker(broker, lots, catalogue=CATALOGUE, settings=quick), JobClient(broker) as client:
        job_id = await client.submit(IDS, ["lots"])
        await client.lines(job_id)
        wrong = "01a20fe4-0701-7f9c-9c2a-81ea677b94db"
        headers: list[Any] = commands.submit_headers(
            commands.Request(wrong, ("lots",), 1, 0, 5000, 3600, "127.0.0.1", "h", 0)
        )
        await client.producer.send_and_wait(
            client.names.commands, b"no JSON", key=wrong.encode(), partition=0, headers=headers
        )
        state = await client.state_when(wrong, lambda state: state.ended)
    assert state.status is Status.FAILED


async def test_a_partition_that_is_no_longer_followed_is_taken_over_again(
    broker: BrokerSettings, lots: Path
) -> None:
    async with running_worker(broker, lots, catalogue=CATALOGUE) as worker, JobClient(broker) as client:
        await client.lines(await client.submit(IDS, ["lots"]))
        # What a broker does that says it doesn't know the topic.
        worker._services.follower.remove(client.names.commands, 0)
        await asyncio.sleep(0)
        job_id = await client.submit(IDS, ["lots"])
        assert kinds_of(await client.lines(job_id, seconds=20))[-1] == "complete"


async def test_a_worker_that_can_no_longer_follow_ends_with_the_reason(
    broker: BrokerSettings, lots: Path
) -> None:
    async with running_worker(broker, lots, catalogue=CATALOGUE) as worker, JobClient(broker) as client:
        await client.lines(await client.submit(IDS, ["lots"]))
        await client.producer.send_and_wait(
            client.names.jobs, b"not a state", key=b"01a20fe4-0701-7f9c-9c2a-81ea677b94db", partition=0
        )
        with pytest.raises(msgspec.MsgspecError):
            async with asyncio.timeout(10):
                await worker.join()


class Gate:
    """A source that answers for container IDs that begin with ``held`` once ``opened`` is set."""

    def __init__(self, source: Source, held: str = "C") -> None:
        self._source = source
        self._held = held
        self.asked = asyncio.Event()
        self.opened = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        if container_ids[0].startswith(self._held):
            self.asked.set()
            await self.opened.wait()
        rows = self._source.fetch_events_iter(container_ids, domain, batch_size, snapshot=snapshot)
        async with aclosing(rows):
            async for batch in rows:
                yield batch


async def test_a_partition_that_comes_back_while_its_jobs_are_still_closing_runs_them_again(
    broker: BrokerSettings, lots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = Transactor.close

    async def close_slowly(self: Transactor) -> None:
        await asyncio.sleep(3)
        await closes(self)

    source = Gate(open_source(replace(SourceSettings(), duckdb_path=lots)))
    one_slot = replace(QUICK, jobs=1)
    async with (
        running_worker(broker, source=source, catalogue=CATALOGUE, settings=one_slot) as worker,
        JobClient(broker) as client,
    ):
        job_id = await client.submit(IDS, ["lots"])
        await source.asked.wait()
        with monkeypatch.context() as patched:
            patched.setattr(Transactor, "close", close_slowly)
            for assigned in (set(), {0}):
                worker._on_revoked()
                worker._on_assigned(assigned)
                await asyncio.sleep(0.1)
            await asyncio.sleep(5)
        source.opened.set()
        assert kinds_of(await client.lines(job_id, seconds=20))[-1] == "complete"
        assert max(state.tries for state in await client.states(job_id)) == 1


async def test_a_worker_whose_membership_has_ended_ends_with_the_reason(
    broker: BrokerSettings, lots: Path
) -> None:
    async with running_worker(broker, lots, catalogue=CATALOGUE) as worker, JobClient(broker) as client:
        await client.lines(await client.submit(IDS, ["lots"]))
        coordinator = worker._membership._consumer._coordinator

        async def breaks(*_: object) -> None:
            raise RuntimeError("a bug")

        coordinator.ensure_active_group = breaks
        coordinator.request_rejoin()
        with pytest.raises(KafkaError, match="a bug"):
            async with asyncio.timeout(10):
                await worker.join()


async def test_a_hold_that_was_lost_hides_no_other_jobs_states_while_it_waits_for_a_slot(
    broker_settings: BrokerSettings, lots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits, losses = Transactor.commit, ["once"]

    async def commit(self: Transactor) -> None:
        if losses and self.transactional_id == names.writer_id(lost) and self.open_seconds:
            losses.pop()
            raise Retriable("not now")
        await commits(self)

    source = Gate(open_source(replace(SourceSettings(), duckdb_path=lots)), held="X")
    one_slot = replace(QUICK, jobs=1)
    lost, long = (
        next(i for i in iter(lambda: str(uuid4()), "") if partition_of(i, 2) == number) for number in (0, 1)
    )
    names = Names(broker_settings.prefix)
    async with (
        running_worker(broker_settings, source=source, catalogue=CATALOGUE, settings=one_slot),
        JobClient(broker_settings) as client,
    ):
        await client.lines(await client.submit(IDS, ["lots"]))
        monkeypatch.setattr(Transactor, "commit", commit)
        await client.submit(IDS, ["lots"], job_id=lost)

        async def is_lost() -> bool:
            return not losses

        # Only now, so that the other one does not take the slot before.
        await until(is_lost)
        await client.submit(["X"] * 20, ["lots"], job_id=long)
        await source.asked.wait()

        async def is_stable() -> bool:
            return not await client.has_open(names.jobs)

        await until(is_stable, 20)
        source.opened.set()
        assert kinds_of(await client.lines(lost, seconds=20))[-1] == "complete"


@pytest.mark.parametrize(
    ("tries", "holder", "status"),
    [(5, "dead", Status.FAILED), (4, "dead", Status.COMPLETE), (5, "", Status.COMPLETE)],
    ids=["five starts and a death", "four", "five and a clean release"],
)
async def test_a_job_is_started_five_times_and_not_a_sixth(
    broker: BrokerSettings, lots: Path, tries: int, holder: str, status: Status
) -> None:
    async with JobClient(broker) as client:
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            pass
        job_id = await client.submit(IDS, ["lots"])
        request = commands.Request(job_id, ("lots",), len(IDS), 0, 5000, 3600, "127.0.0.1", "h", 0)
        state = msgspec.structs.replace(
            new_state(request, CommandPlace(0, 0), client.names.job(job_id)),
            status=Status.RUNNING,
            tries=tries,
            holder=holder,
        )
        await client.producer.send_and_wait(
            client.names.jobs, encode_state(state), key=job_id.encode(), partition=0
        )
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            ended = await client.state_when(job_id, lambda state: state.ended, 40)
    assert ended.status is status


async def test_many_jobs_whose_time_came_while_no_worker_ran_expire_a_few_at_a_time(
    broker: BrokerSettings, lots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, most = set[int](), 0
    takes, closes = Transactor.take, Transactor.close

    async def take(*args: Any, **kwargs: Any) -> Transactor:
        nonlocal most
        taken = await takes(*args, **kwargs)
        held.add(id(taken))
        most = max(most, len(held))
        return taken

    async def close(self: Transactor) -> None:
        await closes(self)
        held.discard(id(self))

    async with JobClient(broker) as client:
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            pass
        jobs = [str(uuid4()) for _ in range(60)]
        for job_id in jobs:
            request = commands.Request(job_id, ("lots",), 1, 0, 5000, 3600, "127.0.0.1", "h", 0)
            state = new_state(request, CommandPlace(0, 0), client.names.job(job_id))
            state = msgspec.structs.replace(state, status=Status.COMPLETE, ended_at=1, expires_at=2)
            await client.producer.send_and_wait(
                client.names.jobs, encode_state(state), key=job_id.encode(), partition=0
            )
        monkeypatch.setattr(Transactor, "take", take)
        monkeypatch.setattr(Transactor, "close", close)
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            for job_id in jobs:
                await client.state_when(job_id, lambda state: state.status is Status.EXPIRED, 60)
    assert most < 20


async def test_a_topic_whose_job_is_admitted_during_the_sweep_stays(
    broker: BrokerSettings, lots: Path, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = str(uuid4())
    swept: list[str] = []

    async with JobClient(broker) as client:

        async def is_old(self: Expiry, topic: str) -> bool:
            if not swept:
                await client.submit(IDS, ["lots"], job_id=job_id)
                await client.state_when(job_id, lambda state: state.ended)
            swept.append(topic)
            return True

        monkeypatch.setattr(Expiry, "_is_old", is_old)
        await admin.create_topics([job_topic(client.names, job_id, 1, 1)])
        async with running_worker(broker, lots, catalogue=CATALOGUE):

            async def is_swept() -> bool:
                return bool(swept)

            await until(is_swept)
            await asyncio.sleep(1)
            assert client.names.job(job_id) in await admin.list_topics()


async def test_a_log_that_cannot_be_read_to_its_end_decides_nothing_and_is_read_again(
    broker: BrokerSettings, lots: Path, admin: Admin
) -> None:
    async with JobClient(broker) as client:
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            pass
        job_id = await client.submit(IDS, ["lots"])
        topic = job_topic(client.names, job_id, 1, 1)
        await admin.create_topics([topic])
        stranger = await Transactor.take(broker, "stranger", timeout=60, deadline=15)
        await stranger.begin()
        await stranger.send(topic.name, b"open", partition=0, headers=[("type", b"meta")])
        await stranger.settle()
        impatient = replace(QUICK, broker_deadline=2.0)
        async with running_worker(broker, lots, catalogue=CATALOGUE, settings=impatient) as worker:

            async def has_let_go() -> bool:
                return worker.counters.get("holds lost", 0) > 0

            await until(has_let_go, 20)
            await stranger.abort()
            await stranger.close()
            assert kinds_of(await client.lines(job_id))[-1] == "complete"


async def test_a_drain_in_the_middle_of_a_long_chunk_releases_the_job_all_the_same(
    broker: BrokerSettings, lots: Path
) -> None:
    source = Gate(open_source(replace(SourceSettings(), duckdb_path=lots)))
    async with JobClient(broker) as client:
        async with running_worker(broker, source=source, catalogue=CATALOGUE):
            job_id = await client.submit(IDS, ["lots"])
            await source.asked.wait()
        released = (await client.states(job_id))[-1]
        async with running_worker(broker, lots, catalogue=CATALOGUE):
            await client.lines(job_id)
            states = await client.states(job_id)
    assert released.holder == ""
    assert max(state.tries for state in states) == 1


async def test_an_admission_that_a_rebalance_interrupts_leaves_no_connection_behind(
    broker: BrokerSettings, lots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: dict[int, str] = {}
    takes, closes, creates = Transactor.take, Transactor.close, Admin.create_topics

    async def take(*args: Any, **kwargs: Any) -> Transactor:
        taken = await takes(*args, **kwargs)
        held[id(taken)] = taken.transactional_id
        return taken

    async def close(self: Transactor) -> None:
        held.pop(id(self), None)
        await closes(self)

    async def create_topics(self: Admin, specs: Sequence[TopicSpec]) -> list[str]:
        await asyncio.sleep(2)
        return await creates(self, specs)

    async with running_worker(broker, lots, catalogue=CATALOGUE) as worker, JobClient(broker) as client:
        await client.lines(await client.submit(IDS, ["lots"]))
        monkeypatch.setattr(Transactor, "take", take)
        monkeypatch.setattr(Transactor, "close", close)
        monkeypatch.setattr(Admin, "create_topics", create_topics)
        job_id = await client.submit(IDS, ["lots"])

        async def is_taken() -> bool:
            return client.names.writer_id(job_id) in held.values()

        await until(is_taken)
        worker._on_revoked()
        worker._on_assigned({0})
        assert kinds_of(await client.lines(job_id))[-1] == "complete"
    assert not held


async def test_a_dead_writers_transaction_of_a_job_that_waits_here_does_not_block_its_partition(
    broker: BrokerSettings, lots: Path
) -> None:
    source = Gate(open_source(replace(SourceSettings(), duckdb_path=lots)))
    one_slot = replace(QUICK, jobs=1)
    async with (
        running_worker(broker, source=source, catalogue=CATALOGUE, settings=one_slot) as worker,
        JobClient(broker) as client,
    ):
        running = await client.submit(IDS, ["lots"])
        await source.asked.wait()
        waiting = await client.submit(IDS, ["lots"])
        state = await client.state_when(waiting, lambda state: True)
        dead = await Transactor.take(broker, client.names.writer_id(waiting), timeout=60, deadline=15)
        await dead.begin()
        await dead.send(client.names.jobs, encode_state(state), partition=0, key=waiting.encode())
        await dead.settle()
        worker._on_revoked()
        worker._on_assigned({0})
        await client.command(running, CANCEL)
        assert kinds_of(await client.lines(running, seconds=20))[-1] == "cancelled"
        await dead.close()
        source.opened.set()
