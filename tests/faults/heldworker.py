"""A worker as a process of its own that can be held up at a chosen place: ``python -m tests.faults.heldworker FOLDER``.

Settings come from the environment as those of ``tracestream worker`` do. It is the same worker, with additions told by files in
FOLDER: while ``chunk-<container>`` lies there, the chunk that begins with this container stands still before its
first row; while ``commit-<job>`` lies there, a commit of this job stands still, its last write, the state, being acknowledged; with
``stall-<job>`` it is the call to Kafka that gets no answer, so that its deadline counts; while ``unmarked`` lies there,
transactions keep the job's log from their coordinator, so that it gets no marker; with ``stateless`` it is ``trace.jobs`` that a
job's transactions keep from it, with ``unadmitted`` that those of admissions do. Each chunk that is begun is a line in
``reads-<pid>``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from aiokafka import TopicPartition

from broker.settings import BrokerSettings
from catalogue.domain import Domain
from catalogue.loader import load_catalogue
from catalogue.settings import CatalogueSettings
from joblog.transactions import Transactor
from producers import worker
from producers.settings import ProducerSettings
from producers.sources.open import open_source
from producers.sources.protocol import Source
from producers.sources.settings import SourceSettings
from schemas.topics import Names
from tracestream import logs
from tracestream.settings import ProcessSettings, load

_LOOK = 0.02
READY = b"ready\n"


class Holds:
    """The files that hold a worker up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def chunk(self, container: str) -> Path:
        return self.folder / f"chunk-{container}"

    def commit(self, job_id: str) -> Path:
        return self.folder / f"commit-{job_id}"

    def stall(self, job_id: str) -> Path:
        return self.folder / f"stall-{job_id}"

    @property
    def unmarked(self) -> Path:
        return self.folder / "unmarked"

    @property
    def stateless(self) -> Path:
        return self.folder / "stateless"

    @property
    def unadmitted(self) -> Path:
        return self.folder / "unadmitted"

    def release(self) -> None:
        """Nothing is held up any more."""
        for pattern in ("chunk-*", "commit-*", "stall-*", "unmarked", "stateless", "unadmitted"):
            for file in self.folder.glob(pattern):
                file.unlink()


@dataclass(slots=True)
class HeldWorker:
    """A running process; ``folder`` has its log and the list of its reads."""

    process: asyncio.subprocess.Process
    folder: Path
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open and it does nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL, and waits for its end."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    def reads(self) -> list[str]:
        """The first container of each chunk that it has begun to read, in order."""
        file = self.folder / f"reads-{self.pid}"
        return file.read_text().split() if file.exists() else []

    def said(self) -> str:
        """Its log."""
        return self.log.read_text("utf-8", "replace")


@asynccontextmanager
async def held_worker(
    broker: BrokerSettings, plant: Path, folder: Path, **settings: object
) -> AsyncIterator[HeldWorker]:
    """A worker that has joined its group; killed at the end if it still runs. ``settings`` are of TRACE_….

    It has one message for each half chunk, so that a part of a transaction stands in the log soon, and transactions that only
    grow: what is open stays open until the test wants it otherwise.
    """
    log = folder / f"worker-{len(list(folder.glob('worker-*')))}.log"
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRACE_")},
        "TRACE_KAFKA_BOOTSTRAP": broker.bootstrap,
        "TRACE_TOPIC_PREFIX": broker.prefix,
        "TRACE_PARTITIONS": str(broker.partitions),
        "TRACE_REPLICATION": str(broker.replication),
        "TRACE_MIN_INSYNC_REPLICAS": str(broker.min_insync),
        "TRACE_COMMAND_RETENTION": str(broker.command_retention),
        "TRACE_CATALOGUE": str(plant),
        "TRACE_DUCKDB_PATH": str(plant / "plant.duckdb"),
        "TRACE_STREAM_BATCH_SIZE": "50",
        "TRACE_SESSION_TIMEOUT": "3",
        "TRACE_HEARTBEAT": "0.5",
        "TRACE_TRANSACTION_SECONDS": "250",
        **{f"TRACE_{name.upper()}": str(value) for name, value in settings.items()},
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.heldworker",
            str(folder),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            cwd=Path(__file__).parents[2],
        )
    started = HeldWorker(process, folder, log)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(90):
            assert await process.stdout.readline() == READY, started.said()
        yield started
    finally:
        await started.kill()


class HeldSource:
    """A source that looks for the files of :class:`Holds` and notes what it is asked for."""

    def __init__(self, source: Source, holds: Holds) -> None:
        self._source = source
        self._holds = holds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        first = container_ids[0]
        with (self._holds.folder / f"reads-{os.getpid()}").open("a") as reads:
            reads.write(f"{first}\n")
        await _while_there(self._holds.chunk(first))
        rows = self._source.fetch_events_iter(container_ids, domain, batch_size, snapshot=snapshot)
        async with aclosing(rows):
            async for batch in rows:
                yield batch


def hold_commits(holds: Holds, prefix: str) -> None:
    """Makes every :class:`Transactor` of this process look for its file before it commits."""
    commits, before = Transactor.commit, f"{prefix}job."

    async def commit(self: Transactor) -> None:
        await self.settle()
        job_id = self.transactional_id.removeprefix(before)
        await _while_there(holds.commit(job_id))
        await self._within(_while_there(holds.stall(job_id)))
        await commits(self)

    Transactor.commit = commit  # type: ignore[method-assign]


def hide_places(holds: Holds, names: Names) -> None:
    """Makes every :class:`Transactor` of this process look for the files that keep markers away when it begins a transaction."""
    begins = Transactor.begin

    async def begin(self: Transactor) -> None:
        await begins(self)
        admits = self.transactional_id == names.admit_id(0)
        if holds.unmarked.exists():
            without_marker(self, self.transactional_id)
        if (holds.unadmitted if admits else holds.stateless).exists():
            without_marker(self, names.jobs)

    Transactor.begin = begin  # type: ignore[method-assign]


def without_marker(taken: Transactor, topic: str) -> None:
    """The coordinator hears nothing of the partition: it writes no marker there when it ends the transaction that is open."""
    taken._producer._txn_manager._txn_partitions.add(TopicPartition(topic, 0))


async def _while_there(file: Path) -> None:
    while file.exists():
        await asyncio.sleep(_LOOK)


def main(folder: Path) -> None:
    logs.configure(load(ProcessSettings, os.environ))
    broker = load(BrokerSettings, os.environ)
    holds = Holds(folder)
    hold_commits(holds, broker.prefix)
    hide_places(holds, Names(broker.prefix))
    running = worker.run(
        broker,
        load(ProducerSettings, os.environ),
        HeldSource(open_source(load(SourceSettings, os.environ)), holds),
        load_catalogue(load(CatalogueSettings, os.environ).folder),
        {},
        lambda: print(READY.decode(), end="", flush=True),
    )
    asyncio.run(running)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
