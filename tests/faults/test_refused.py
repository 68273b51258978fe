"""A send that the broker refuses in the middle of a transaction: nothing of that transaction is ever read."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import duckdb
import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from broker import clients
from broker.admin import Admin
from broker.errors import Fenced, TooLarge
from broker.settings import BrokerSettings
from catalogue.domain import parse_domain
from joblog.states import StateView
from joblog.transactions import Transactor
from joblog.writer import LogWriter
from schemas import messages
from schemas.commands import Request
from schemas.headers import MessageHeaders
from schemas.jobs import CommandPlace, JobState, Status, new_state
from schemas.topics import MAX_MESSAGE_BYTES, Names, TopicSpec, job_topic, shared_topics
from tests.workers import QUICK, JobClient, kinds_of, records_of, running_worker, until

IDS = [f"C{number}" for number in range(60)]
REFUSED = "C35"
"""Its record is larger than the topic takes at first."""
LIMIT = 30_000
LOTS = parse_domain(
    "lots",
    "SELECT CONTAINERID, N, A FROM LOTS WHERE CONTAINERID IN ({{ids}}) ORDER BY N",
    'description = "a test"\ncontainer_id = "CONTAINERID"\nchunk_size = 10\n',
)


@pytest.fixture(scope="module")
def lots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 containers; the text of one can't be compressed below the limit."""
    path = tmp_path_factory.mktemp("lots") / "lots.duckdb"
    rng = random.Random(1)
    rows = [
        (id, number, rng.randbytes(40_000 if id == REFUSED else 400).hex()) for number, id in enumerate(IDS)
    ]
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE LOTS (CONTAINERID VARCHAR, N INTEGER, A VARCHAR)")
        connection.executemany("INSERT INTO LOTS VALUES (?, ?, ?)", rows)
    return path


def narrow(topic: TopicSpec) -> TopicSpec:
    """A topic that takes no large messages from its first moment. One that is narrowed later still takes them for a while."""
    return replace(topic, configs={**topic.configs, "max.message.bytes": str(LIMIT)})


async def widen(broker: BrokerSettings, topic: str) -> None:
    """Makes a topic take all messages, if not at once."""
    admin = AIOKafkaAdminClient(**clients.connection(broker, "test"))
    await admin.start()
    try:
        configs = {"max.message.bytes": str(MAX_MESSAGE_BYTES)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    finally:
        await admin.close()


async def writer_of(broker: BrokerSettings, state: JobState) -> tuple[Transactor, LogWriter]:
    """A writer that takes the job's id; close the first."""
    names = Names(broker.prefix)
    transactor = await Transactor.take(broker, names.writer_id(state.job_id), timeout=60, deadline=15)
    view = StateView()
    view.open(0)
    return transactor, LogWriter(transactor, names, 0, view, state)


async def values(client: JobClient, topic: str, *, committed: bool) -> list[bytes]:
    """What stands in a topic; without ``committed`` also what was aborted."""
    found, offset = [], 0
    while True:
        fetched = await client.reader.fetch(topic, 0, offset, committed=committed)
        found += [bytes(r.value or b"") for batch in fetched.batches for r in batch.records()]
        if fetched.next_offset == offset:
            return found
        offset = fetched.next_offset


@pytest.mark.parametrize("after", [0, 3], ids=["the last send", "others behind it"])
async def test_a_commit_behind_a_refused_send_fails_and_leaves_nothing_to_read(
    broker_settings: BrokerSettings, admin: Admin, after: int
) -> None:
    names, job_id = Names(broker_settings.prefix), str(uuid4())
    topic = job_topic(names, job_id, 1, 1)
    await admin.create_topics([*shared_topics(names, 2, 1, 1, 3600), narrow(topic)])
    request = Request(job_id, ("lots",), 1, 0, 5000, 60, "me", "h", 0)
    state = new_state(request, CommandPlace(0, 0), topic.name)
    small, large = b'{"type":"records"}\n', random.Random(2).randbytes(2 * LIMIT)
    headers = MessageHeaders(messages.RECORDS, "lots", 1, 0, 1, 1)
    transactor, writer = await writer_of(broker_settings, state)
    await writer.append(small, headers)
    state = await writer.commit(status=Status.RUNNING)
    with pytest.raises((TooLarge, Fenced)):
        for value in (small, large, *[small] * after):
            await writer.append(value, headers)
        await writer.commit(status=Status.COMPLETE)
    await transactor.close()
    transactor, writer = await writer_of(broker_settings, state)
    await writer.append(b"next\n", headers)
    await writer.commit(status=Status.RUNNING)
    await transactor.close()
    async with JobClient(broker_settings) as client:
        assert await values(client, topic.name, committed=True) == [small, b"next\n"]
        assert (await values(client, topic.name, committed=False)).count(small) > 1
        states = await values(client, names.jobs, committed=True)
        assert [msgspec.json.decode(value)["status"] for value in states] == ["running", "running"]


async def test_a_job_whose_send_was_refused_has_each_record_once_when_the_broker_takes_it(
    broker_settings: BrokerSettings, lots: Path, admin: Admin
) -> None:
    broker = replace(broker_settings, partitions=1)
    job_id = str(uuid4())
    topic = job_topic(Names(broker.prefix), job_id, 1, 1)
    await admin.create_topics([narrow(topic)])
    # One transaction behind the first chunk's: what is refused stands in its middle, behind messages that were taken.
    settings = replace(QUICK, transaction_seconds=60.0, batch_size=1)
    async with JobClient(broker) as client:
        async with running_worker(broker, lots, catalogue={"lots": LOTS}, settings=settings):
            await client.submit(IDS, ["lots"], job_id=job_id)

            async def was_refused() -> bool:
                return len(await values(client, topic.name, committed=False)) > 25

            await until(was_refused, 60)
            await asyncio.sleep(1)
            read = await values(client, topic.name, committed=True)
            assert [record["N"] for record in records_of(read, "lots")] == list(range(10))
            await widen(broker, topic.name)
            lines = await client.lines(job_id, seconds=90)
        assert kinds_of(lines)[-1] == "complete"
        assert [record["CONTAINERID"] for record in records_of(lines, "lots")] == IDS
        assert len(await values(client, topic.name, committed=False)) > len(lines)
