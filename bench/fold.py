"""How long a processor that has just started takes to fold a whole job, and how much memory: ``python -m bench.fold``.

For each scale (1 is the reference set of 114,892 containers) the log of a finished extraction is written to an embedded Kafka; then
``tracestream processor`` is started, which finds the unfinished job and folds it from the beginning, as after a restart. Measured
are the seconds from its being ready to its result, and its peak resident memory (VmHWM); ``idle`` is a processor without a job.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.settings import BrokerSettings
from schemas.ids import ContainerIds
from schemas.jobs import Status
from tests.foldjobs import FoldJob, create_job, result_log
from tests.foldlogs import log_messages
from tracestream import notify
from tracestream.data import DemoData, container_ids, generate
from tracestream.memory import peak_memory
from tracestream.verify import exact_json, msd_by_sql

BOTH = ("history", "materials")
TRANSACTION_BYTES = 16 << 20
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: ``seconds`` from ready to the result, ``peak`` in bytes, ``equal`` to the SQL over the source."""

    ids: int
    records: int
    megabytes: float
    seconds: float
    peak: int
    equal: bool


@asynccontextmanager
async def running_processor(broker: BrokerSettings) -> AsyncIterator[int]:
    """The pid of a fresh ``tracestream processor`` that is ready; ended with SIGTERM."""
    ready = asyncio.Event()
    listener = await notify.listen("fold", ready.set)
    environ = {
        **os.environ,
        notify.NOTIFY_SOCKET: listener.address,
        "TRACE_KAFKA_BOOTSTRAP": broker.bootstrap,
        "TRACE_TOPIC_PREFIX": broker.prefix,
        "TRACE_PARTITIONS": str(broker.partitions),
        "TRACE_LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tracestream", "processor", env=environ
    )
    try:
        async with asyncio.timeout(60):
            await ready.wait()
        yield process.pid
    finally:
        process.terminate()
        await process.wait()
        listener.close()


async def write_log(job: FoldJob, database: Path, ids: ContainerIds) -> None:
    """The whole extraction, in transactions as a worker makes them."""
    pending = 0
    async for message in log_messages(database, ids, BOTH):
        job.message(message)
        pending += len(message[1])
        if pending >= TRANSACTION_BYTES:
            await job.commit()
            job.lines.clear()
            pending = 0
    await job.commit(Status.EXTRACTED)


async def measure(bootstrap: str, scale: float, folder: Path) -> Measured:
    broker = BrokerSettings(bootstrap=bootstrap, prefix=f"scale-{scale:g}.")
    database = folder / f"demo-{scale:g}.duckdb"
    if not database.exists():
        await asyncio.to_thread(generate, database, DemoData().scaled(scale))
    listed = list(container_ids(database))
    async with Admin(broker) as admin, result_log(broker) as results:
        job = await create_job(broker, admin, listed)
        await write_log(job, database, ContainerIds.from_iterable(listed))
        size = sum(done.bytes for done in job.state.progress)
        await job.close()
        async with running_processor(broker) as pid:
            begin = time.perf_counter()
            result = await results.wait(job.job_id, 300)
            seconds = time.perf_counter() - begin
            peak = peak_memory(pid)
    found = exact_json(bytes(result.data or b"null"))
    wanted = await asyncio.to_thread(msd_by_sql, database, listed)
    data = DemoData().scaled(scale)
    records = data.history_rows + data.material_rows
    return Measured(len(listed), records, size / 1e6, seconds, peak, found == wanted)


async def idle(bootstrap: str) -> int:
    """The peak memory of a processor without a job."""
    async with running_processor(BrokerSettings(bootstrap=bootstrap, prefix="idle.")) as pid:
        await asyncio.sleep(IDLE_SECONDS)
        return peak_memory(pid)


async def main(scales: Sequence[float], folder: Path) -> None:
    async with EmbeddedKafka(folder / "kafka") as kafka:
        print(f"idle: peak {await idle(kafka.bootstrap) / 2**20:.0f} MiB", flush=True)
        for scale in scales:
            found = await measure(kafka.bootstrap, scale, folder)
            print(
                f"scale {scale:g}: {found.ids:,} IDs, {found.records:,} records, {found.megabytes:.0f} MB: result after"
                f" {found.seconds:.1f} s, peak {found.peak / 2**20:.0f} MiB, equal to SQL: {found.equal}",
                flush=True,
            )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scale", type=float, nargs="+", default=[1.0, 4.0])
    arguments.add_argument("--folder", type=Path, help="keeps the demo data there for the next run")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(main(chosen.scale, chosen.folder or Path(temporary)))
