"""The producer: each of its parts alone, and the whole worker, in MB of NDJSON a second.

- ``source``: every chunk read from DuckDB, as many at a time as the worker reads for one job, nothing done with the rows
- ``encode``: the same batches, held in memory, encoded to NDJSON
- ``write``: the same messages, held in memory, through the worker's LogWriter in transactions of the worker's size, its states too
- ``whole``: a ``tracestream worker`` process, from the submit's being sent to its terminal state's being read
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bench.cpu import cpu_seconds
from bench.figures import Figure, lowest, ratio
from bench.joblogs import Jobs
from bench.plant import Batches, Message, Query, cut_transactions, encode_all, read_all
from bench.rounds import Rounds, interleaved
from broker.settings import BrokerSettings
from producers.settings import ProducerSettings
from producers.sources.open import open_source
from producers.sources.protocol import Source
from producers.sources.settings import SourceSettings
from schemas.jobs import JobState, Status

GROUP = "producer"
PARTS = ("source", "encode", "write")


class ProducerBench:
    """``jobs`` is the deployment that the worker of ``pids`` serves."""

    def __init__(self, jobs: Jobs, database: Path, query: Query, pids: Mapping[str, int]) -> None:
        self._jobs = jobs
        self._query = query
        self._pids = pids
        self._settings = ProducerSettings()
        self._source: Source = open_source(replace(SourceSettings(), duckdb_path=database))
        self._own = BrokerSettings(bootstrap=jobs.broker.bootstrap, prefix="bench.")
        self._batches: Batches = []
        self._transactions: list[list[Message]] = []
        self._megabytes = 0.0
        self.state: JobState | None = None

    async def run(self, rounds: int, tell: Callable[[str], None]) -> list[Figure]:
        """The figures; ``state`` is then the last job that the worker wrote."""
        await self._source.open()
        try:
            self._batches = await read_all(self._source, self._query, self._settings, keep=True)
            self._transactions = await asyncio.to_thread(cut_transactions, self._batches, self._settings)
            sizes = [len(value) for transaction in self._transactions for _, value in transaction]
            self._megabytes = sum(sizes) / 1e6
            tell(
                f"{self._megabytes:.0f} MB in {len(sizes)} messages and {len(self._transactions)} transactions"
            )
            async with Jobs(self._own) as own:
                measures = {
                    "source": self._read,
                    "encode": self._encode,
                    "write": lambda: self._write(own),
                    "whole": self._whole,
                }
                found = await interleaved(measures, rounds, tell)
        finally:
            await self._source.close()
            self._batches, self._transactions = [], []
        return figures(found)

    def _rate(self, begun: float) -> dict[str, float]:
        return {"MB/s": self._megabytes / (time.perf_counter() - begun)}

    async def _read(self) -> dict[str, float]:
        begun = time.perf_counter()
        await read_all(self._source, self._query, self._settings)
        return self._rate(begun)

    async def _encode(self) -> dict[str, float]:
        begun = time.perf_counter()
        await asyncio.to_thread(encode_all, self._batches)
        return self._rate(begun)

    async def _write(self, own: Jobs) -> dict[str, float]:
        domains = [domain.name for domain in self._query.domains]
        async with own.new_log(len(self._query.ids), domains) as writer:
            begun = time.perf_counter()
            for transaction in self._transactions:
                for headers, value in transaction:
                    await writer.append(value, headers)
                await writer.commit(status=Status.RUNNING)
            return self._rate(begun)

    async def _whole(self) -> dict[str, float]:
        former = self.state
        before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        state, seconds = await self._jobs.run(
            self._query.ids, [domain.name for domain in self._query.domains]
        )
        assert state.status is Status.COMPLETE, state.problem
        megabytes = sum(done.bytes for done in state.progress) / 1e6
        self.state = state
        used = {
            f"{name} CPU s/GB": (cpu_seconds(pid) - before[name]) / megabytes * 1e3
            for name, pid in self._pids.items()
        }
        if former is not None:
            await self._jobs.remove(former)
        return {"MB/s": megabytes / seconds, **used}


def figures(found: Rounds) -> list[Figure]:
    """The rates, and the whole by its slowest part."""
    rates = {name: found[f"{name}.MB/s"] for name in (*PARTS, "whole")}
    words = {
        "source": "source alone (DuckDB, 2 chunks at a time)",
        "encode": "encoding alone",
        "write": "Kafka write alone",
        "whole": "whole worker, submit to terminal state",
    }
    slowest = lowest({name: rates[name] for name in PARTS})
    return [
        *(Figure(GROUP, words[name], "MB/s", tuple(values)) for name, values in rates.items()),
        *(
            Figure(GROUP, f"CPU of the {name} for the whole", "s/GB", tuple(found[f"whole.{name} CPU s/GB"]))
            for name in ("worker", "broker")
        ),
        ratio(GROUP, "whole worker / slowest part alone", rates["whole"], slowest, at_least=0.6),
    ]
