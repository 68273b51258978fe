"""The embedded broker as a process: it comes, survives, is found again, and never outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from broker import clients
from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.errors import EmbeddedBrokerError, Retriable, translated
from broker.settings import BrokerSettings
from schemas.topics import TopicSpec

TOPIC = TopicSpec("t", 1, 1)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[EmbeddedKafka]:
    async with EmbeddedKafka(tmp_path / "kafka") as started:
        yield started


def settings(broker: EmbeddedKafka) -> BrokerSettings:
    return BrokerSettings(bootstrap=broker.bootstrap)


async def write(broker: EmbeddedKafka, value: bytes) -> None:
    async with Admin(settings(broker)) as admin:
        await admin.create_topics([TOPIC])
    async with clients.producer(settings(broker)) as producer:
        await producer.send_and_wait(TOPIC.name, value)


async def read(broker: EmbeddedKafka, count: int) -> list[bytes]:
    async with clients.consumer(settings(broker)) as consumer:
        partition = clients.TopicPartition(TOPIC.name, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        async with asyncio.timeout(60):
            return [(await consumer.getone()).value for _ in range(count)]


async def test_records_survive_a_restart_and_a_kill_at_the_same_address(broker: EmbeddedKafka) -> None:
    address = broker.bootstrap
    await write(broker, b"1")
    await broker.restart()
    await write(broker, b"2")
    broker.kill()
    assert not broker.running
    await broker.start()
    assert broker.bootstrap == address
    assert await read(broker, 2) == [b"1", b"2"]


async def test_a_data_folder_may_be_started_on_other_ports(broker: EmbeddedKafka) -> None:
    await write(broker, b"kept")
    await broker.stop()
    async with EmbeddedKafka(broker.data) as second:
        assert second.bootstrap != broker.bootstrap
        assert await read(second, 1) == [b"kept"]


async def test_a_second_broker_on_a_used_folder_is_refused_before_it_touches_a_file(
    broker: EmbeddedKafka,
) -> None:
    before = (broker.data / "server.properties").read_text()
    with pytest.raises(EmbeddedBrokerError, match="Another broker uses"):
        await EmbeddedKafka(broker.data).start()
    assert (broker.data / "server.properties").read_text() == before
    await write(broker, b"the first one goes on")


async def test_a_broker_that_cannot_start_says_why_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedBrokerError, match=r"(?s)failed.*heap size"):
        await EmbeddedKafka(tmp_path / "kafka", heap="3m", jvm=["-Xms4m"]).start()


async def test_a_paused_broker_answers_after_it_was_resumed(broker: EmbeddedKafka) -> None:
    broker.pause()
    with pytest.raises(Retriable):
        async with Admin(settings(broker), deadline=1) as admin:
            await admin.list_topics()
    broker.resume()
    await write(broker, b"again")


async def test_a_paused_broker_can_be_stopped(broker: EmbeddedKafka) -> None:
    pid = broker.pid
    broker.pause()
    await broker.stop()
    assert not psutil.pid_exists(pid)
    with pytest.raises(EmbeddedBrokerError):
        _ = broker.pid


async def test_an_unreachable_broker_is_retriable() -> None:
    with pytest.raises(Retriable), translated():
        await Admin(BrokerSettings(bootstrap="127.0.0.1:1")).start()


async def test_a_temporary_folder_is_removed_at_the_stop() -> None:
    broker = EmbeddedKafka()
    assert broker.data.exists()
    await broker.stop()
    assert not broker.data.exists()


PARENT = """
import asyncio, sys, threading
from pathlib import Path
from broker.embedded import EmbeddedKafka

broker = EmbeddedKafka(Path(sys.argv[1]))
starter = threading.Thread(target=lambda: asyncio.run(broker.start()))
starter.start()
starter.join()
print(broker.pid, flush=True)
sys.stdin.read()
"""


def test_the_broker_outlives_the_thread_that_started_it_but_not_its_process(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "kafka")],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    broker = psutil.Process(int(parent.stdout.readline()))
    assert broker.is_running()
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    broker.wait(timeout=60)
