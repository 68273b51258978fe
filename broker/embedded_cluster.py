"""Several embedded brokers as one cluster, each broker and controller at once: for tests that take one away."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from broker.embedded import START_DEADLINE, EmbeddedKafka, free_ports, new_cluster_id
from broker.embedded_properties import Node


class EmbeddedCluster:
    """``n`` brokers on this machine, internal topics on three of them. An async context manager.

    ``nodes`` are the single brokers, to be killed, paused and started one by one. With ``n`` of 3, one may be missing.
    ``data`` holds a folder a node; without it they are temporary.
    """

    def __init__(self, n: int = 3, data: Path | None = None, *, cache: Path | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="tracestream-kafka-") if data is None else None
        folder = Path(self._temporary.name) if self._temporary else Path(data or ".").absolute()
        ports = free_ports(2 * n)
        places = [Node(i + 1, ports[2 * i], ports[2 * i + 1]) for i in range(n)]
        cluster_id = new_cluster_id()
        self.nodes = [
            EmbeddedKafka(folder / str(each.id), cache=cache, node=each, nodes=places, cluster_id=cluster_id)
            for each in places
        ]

    async def __aenter__(self) -> EmbeddedCluster:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def bootstrap(self) -> str:
        """All brokers' addresses, separated by commas."""
        return ",".join(node.bootstrap for node in self.nodes)

    async def start(self, deadline: float = START_DEADLINE) -> None:
        """Starts all nodes and waits until each answers. Raises :class:`~broker.errors.EmbeddedBrokerError`."""
        try:
            for node in self.nodes:
                await node.launch()
            await asyncio.gather(*(node.wait_until_ready(deadline) for node in self.nodes))
        except BaseException:
            for node in self.nodes:
                node.kill()
            raise

    async def stop(self) -> None:
        """Stops all nodes at once; a majority that is gone would keep the last ones waiting for it."""
        await asyncio.gather(*(node.stop() for node in self.nodes))
        if self._temporary is not None:
            self._temporary.cleanup()
