"""The replay of a finished job, in MB a second: the gateway against Kafka's ordinary reader and against bare uvicorn.

- ``consumer``: an AIOKafkaConsumer with its defaults but read_committed, in this process, taking every message of the job topic
- ``bare``: uvicorn sending the same lines from memory (:mod:`bench.bare`) to curl, which throws them away
- ``gateway``: ``GET …/stream?offset=0`` of the gateway process to curl, which throws it away

The job is there twice: as the worker wrote it (zstd), and as a copy without compression. It is larger than the gateway's cache, so
that each replay reads all of it from the broker.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.cpu import cpu_seconds
from bench.figures import Figure, ratio
from bench.joblogs import Jobs
from bench.rounds import Rounds, interleaved
from bench.services import Service
from schemas.jobs import JobState

GROUP = "replay"


async def measure(
    service: Service, jobs: Jobs, state: JobState, folder: Path, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    """The figures for the log of ``state``; ``folder`` is for the lines of the bare server."""
    plain = await jobs.copy_plain(state)
    lines = [value for value, _ in await jobs.values(plain)]
    (folder / "lines").write_bytes(b"".join(lines))
    (folder / "lengths").write_text(json.dumps([len(line) for line in lines]), "ascii")
    tell(f"{sum(map(len, lines)) / 1e6:.0f} MB in {len(lines)} lines")
    del lines
    async with bare_server(folder) as (bare_url, bare_pid):
        pid = service.pids["gateway"]
        stream = f"{service.url}/api/trace/job/{{}}/stream?offset=0"
        measures = {
            "consumer plain": lambda: consume(service, plain),
            "consumer zstd": lambda: consume(service, state),
            "bare": lambda: curl(bare_url, bare_pid),
            "gateway plain": lambda: curl(stream.format(plain.job_id), pid),
            "gateway zstd": lambda: curl(stream.format(state.job_id), pid),
        }
        return figures(await interleaved(measures, rounds, tell))


async def consume(service: Service, state: JobState) -> dict[str, float]:
    """Reads the whole log as any consumer would."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=service.broker.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        group_id=None,
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(state.topic, 0)])
        size, begun, last = 0, time.perf_counter(), -1
        while last < state.end_offset - 1:
            message = await consumer.getone()
            size += len(message.value)
            last = message.offset
        return {"MB/s": size / 1e6 / (time.perf_counter() - begun)}
    finally:
        await consumer.stop()


async def curl(url: str, pid: int) -> dict[str, float]:
    """Reads ``url`` and throws it away; what that costs the server ``pid`` too."""
    before = cpu_seconds(pid)
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--fail", "--output", "/dev/null", "--noproxy", "*"),
        *("--write-out", "%{size_download} %{time_total}", url),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"curl ended with {process.returncode} for {url}")
    size, seconds = map(float, output.split())
    return {"MB/s": size / 1e6 / seconds, "CPU s/GB": (cpu_seconds(pid) - before) / size * 1e9}


@asynccontextmanager
async def bare_server(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """The URL and the pid of the bare server."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.bare", str(folder)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        await process.wait()


def figures(found: Rounds) -> list[Figure]:
    """Rates, processor time, and what is required of their ratios."""
    words = {
        "consumer plain": "aiokafka consumer, plain topic",
        "consumer zstd": "aiokafka consumer, zstd topic",
        "bare": "bare uvicorn from memory to curl",
        "gateway plain": "gateway to curl, plain topic",
        "gateway zstd": "gateway to curl, zstd topic",
    }
    rates = {name: found[f"{name}.MB/s"] for name in words}
    wanted = (
        ("gateway / consumer, plain topic", "gateway plain", "consumer plain", 1.5),
        ("gateway / bare uvicorn, plain topic", "gateway plain", "bare", 0.35),
        ("gateway / consumer, zstd topic", "gateway zstd", "consumer zstd", 0.9),
        ("gateway of the zstd topic / consumer of the plain topic", "gateway zstd", "consumer plain", None),
    )
    return [
        *(Figure(GROUP, words[name], "MB/s", tuple(values)) for name, values in rates.items()),
        *(
            Figure(GROUP, f"CPU of {words[name]}", "s/GB", tuple(found[f"{name}.CPU s/GB"]))
            for name in ("bare", "gateway plain", "gateway zstd")
        ),
        *(
            ratio(GROUP, words, rates[above], rates[below], at_least=least)
            for words, above, below, least in wanted
        ),
    ]
