"""How another system takes the answers of Tracestream from Kafka: every record once, also through crashes.

    python examples/subscribe.py answers.sqlite --bootstrap 127.0.0.1:9092

It follows ``trace.jobs`` to learn of jobs, assigns itself a job's topic, reads it from offset 0 to its last message, and goes on
to the next. Where it stands is kept in the same SQLite file as the records and written in the same transaction. So whatever
happens in between, a record and the offset behind it are both there or both not; Kafka's own committed offsets are not used.

Needs aiokafka and msgspec. Copy it, and put your own table where ``records`` is.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

LARGEST_MESSAGE = 16 * 1024 * 1024
"""A message may be this large. With a consumer's default of 1 MiB a fetch brings one message at a time."""

LAST = ("complete", "error", "cancelled")
"""The types of message that end a log. Without one of them the log is not whole."""

TABLES = """
CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, topic TEXT, position INTEGER, ended TEXT);
CREATE TABLE IF NOT EXISTS records (job_id TEXT, domain TEXT, number INTEGER, record TEXT,
                                    PRIMARY KEY (job_id, domain, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (partition INTEGER PRIMARY KEY, position INTEGER);
"""


class Records(msgspec.Struct):
    """A message of type ``records``. A record stays the text that it is, so that no number loses digits."""

    data: list[msgspec.Raw]


class State(msgspec.Struct):
    """What is needed of a state in ``trace.jobs``."""

    status: str
    topic: str


class Store:
    """The subscriber's own data, with the offsets that belong to it."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(TABLES)

    def states_position(self, partition: int) -> int:
        """Where to read ``trace.jobs`` on."""
        row = self._one("SELECT position FROM states WHERE partition = ?", partition)
        return row[0] if row else 0

    def note_states(self, partition: int, position: int, states: Iterable[tuple[str, State | None]]) -> None:
        """What ``trace.jobs`` says of jobs, and where it was read to: together."""
        with self._database as database:
            for job_id, state in states:
                if state is None or state.status == "expired":
                    database.execute(
                        "UPDATE jobs SET ended = 'gone' WHERE job_id = ? AND ended IS NULL", (job_id,)
                    )
                elif state.status != "queued":
                    # A queued job has no topic yet; its next state comes when it has.
                    database.execute(
                        "INSERT OR IGNORE INTO jobs VALUES (?, ?, 0, NULL)", (job_id, state.topic)
                    )
            database.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (partition, position))

    def next_job(self) -> tuple[str, str, int] | None:
        """A job whose log was not read to its end: id, topic, position."""
        row = self._one("SELECT job_id, topic, position FROM jobs WHERE ended IS NULL ORDER BY rowid LIMIT 1")
        return (row[0], row[1], row[2]) if row else None

    def is_open(self, job_id: str) -> bool:
        """Whether the job is still to be read: it may have been deleted meanwhile."""
        return self._one("SELECT 1 FROM jobs WHERE job_id = ? AND ended IS NULL", job_id) is not None

    def take(self, job_id: str, message: Any) -> None:
        """One message and the offset behind it: together."""
        headers = {name: value.decode() for name, value in message.headers}
        kind = headers["type"]
        with self._database as database:
            if kind == "records":
                first, domain = int(headers["first"]), headers["domain"]
                data = msgspec.json.decode(message.value, type=Records).data
                rows = [(job_id, domain, first + n, bytes(raw).decode()) for n, raw in enumerate(data)]
                database.executemany("INSERT INTO records VALUES (?, ?, ?, ?)", rows)
            changed = (message.offset + 1, kind if kind in LAST else None, job_id)
            database.execute("UPDATE jobs SET position = ?, ended = ? WHERE job_id = ?", changed)

    def close(self) -> None:
        self._database.close()

    def _one(self, query: str, *values: object) -> Any:
        return self._database.execute(query, values).fetchone()


def consumer(bootstrap: str) -> AIOKafkaConsumer:
    """A consumer without a group: it is told what to read and from where, and commits nothing."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        # Without this, records of transactions that were aborted come as well, and then come again.
        isolation_level="read_committed",
        # A position that is gone (compaction, a deleted topic) must not jump to the end: that would skip messages.
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_bytes=LARGEST_MESSAGE,
        max_partition_fetch_bytes=LARGEST_MESSAGE,
    )


async def follow_states(states: AIOKafkaConsumer, store: Store, topic: str) -> None:
    """Notes every job that ``trace.jobs`` tells of."""
    # Without a group a consumer that subscribes gets every partition.
    states.subscribe([topic])
    await states.start()
    while not states.assignment():  # noqa: ASYNC110 - there is nothing to wait for
        await asyncio.sleep(0.1)
    for place in states.assignment():
        states.seek(place, store.states_position(place.partition))
    while True:
        for place, messages in (await states.getmany(timeout_ms=500)).items():
            # A state without a value is a tombstone: the job is forgotten.
            found = [
                (each.key.decode(), msgspec.json.decode(each.value, type=State) if each.value else None)
                for each in messages
            ]
            store.note_states(place.partition, messages[-1].offset + 1, found)


async def read_job(log: AIOKafkaConsumer, store: Store, job_id: str, topic: str, position: int) -> None:
    """Reads one log from ``position`` to its last message, or until the job is deleted."""
    place = TopicPartition(topic, 0)
    log.assign([place])
    log.seek(place, position)
    while store.is_open(job_id):
        for message in (await log.getmany(place, timeout_ms=500)).get(place, []):
            store.take(job_id, message)


async def read_jobs(log: AIOKafkaConsumer, store: Store) -> None:
    """Reads the jobs' logs, one after the other."""
    await log.start()
    while True:
        job = store.next_job()
        if job is None:
            await asyncio.sleep(0.2)
            continue
        print(f"{job[0]} from offset {job[2]}", flush=True)
        await read_job(log, store, *job)
        print(f"{job[0]} read", flush=True)


async def main(path: str, bootstrap: str, prefix: str) -> None:
    store = Store(path)
    states, log = consumer(bootstrap), consumer(bootstrap)
    work = asyncio.gather(follow_states(states, store, f"{prefix}jobs"), read_jobs(log, store))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await work
    finally:
        await states.stop()
        await log.stop()
        store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("database", help="SQLite file for the records and the offsets")
    parser.add_argument("--bootstrap", default="127.0.0.1:9092", help="Kafka (default 127.0.0.1:9092)")
    parser.add_argument("--prefix", default="trace.", help="topic prefix of the deployment (default trace.)")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.database, arguments.bootstrap, arguments.prefix))
