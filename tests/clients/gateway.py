"""The gateway that cases run against: a process that can be killed and started again at its address."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from broker.embedded import free_ports
from broker.settings import BrokerSettings

DEADLINE = 120.0


@dataclass(slots=True)
class GatewayProcess:
    """One gateway at ``port``; its output goes to ``log``."""

    broker: BrokerSettings
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Returns when it is ready."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
        own = {
            "TRACE_KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "TRACE_TOPIC_PREFIX": self.broker.prefix,
            "TRACE_PARTITIONS": str(self.broker.partitions),
            "TRACE_HTTP_PORT": str(self.port),
            "TRACE_KEEPALIVE_SECONDS": "1",
        }
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - a Popen can be killed and waited for without the loop
                [sys.executable, "-P", "-m", "tracestream", "gateway"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**others, **own, **self.settings},
            )
        await self._ready()

    async def restart(self) -> None:
        """SIGKILL, and a new one."""
        self.kill()
        await self.start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def _ready(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(DEADLINE), httpx.AsyncClient(trust_env=False) as client:
            while True:
                assert self._process.poll() is None, self.log.read_text()
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running_process(
    broker: BrokerSettings, folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[GatewayProcess]:
    """A ready gateway for the block."""
    gateway = GatewayProcess(broker, folder / "gateway.log", settings or {})
    try:
        await gateway.start()
        yield gateway
    finally:
        gateway.kill()
