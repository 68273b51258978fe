"""The real thing to be measured: an embedded broker and the processes of the service, each with its default settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.embedded import EmbeddedKafka, free_ports
from broker.settings import BrokerSettings
from tracestream.memory import peak_memory
from tracestream.processes import Processes, Program
from tracestream_client import AsyncClient

KINDS = ("worker", "processor", "gateway")


@dataclass(frozen=True, slots=True)
class Service:
    """Where it is, and its processes: the broker and those of :data:`KINDS`."""

    broker: BrokerSettings
    url: str
    port: int
    pids: dict[str, int]

    def peaks(self) -> dict[str, float]:
        """The highest resident memory of each process so far, in MB."""
        return {name: peak_memory(pid) / 1e6 for name, pid in self.pids.items()}


@asynccontextmanager
async def running(
    folder: Path, database: Path, changes: Mapping[str, str] | None = None
) -> AsyncIterator[Service]:
    """All of it on free ports, logs and Kafka's data in ``folder``, settings as ``changes`` say; ended with the block."""
    async with EmbeddedKafka(folder / "kafka") as kafka:
        port = free_ports(1)[0]
        env = {
            "TRACE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TRACE_HTTP_PORT": str(port),
            "TRACE_SOURCE": "duckdb",
            "TRACE_DUCKDB_PATH": str(database),
            **(changes or {}),
        }
        processes = Processes(folder, print)
        try:
            await processes.start([Program.own(kind, [kind], env) for kind in KINDS])
            url = f"http://127.0.0.1:{port}"
            async with AsyncClient(url) as client:
                await client.ready()
            pids = {"broker": kafka.pid, **processes.pids()}
            yield Service(BrokerSettings(bootstrap=kafka.bootstrap), url, port, pids)
        finally:
            await processes.stop()
