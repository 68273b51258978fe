"""The whole system as processes that can be killed, stopped and cut off one by one, each connection through a proxy of its own.

    worker-1, worker-2, …      ─ link ─┐
    processor-1, processor-2   ─ link ─┤ broker ─ the tests, directly
    gateway-1, gateway-2       ─ link ─┘
        └ link client-gateway-1 ─ clients

The broker has a listener for each process and advertises it at the port of that process' link, so that no connection finds a
way round its proxy. What dies is started again with back-off, as ``tracestream up`` would, but sooner.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from broker.embedded import EmbeddedKafka, free_ports
from broker.embedded_properties import HOST, Node
from broker.errors import EmbeddedBrokerError
from broker.settings import BrokerSettings
from tests.faults.member import FIRST_PAUSE, Member
from tests.faults.proxy import Proxy
from tracestream.processes import Program, log_tail

START_DEADLINE = 120.0
_POLL = 0.02
REPOSITORY = Path(__file__).parents[2]

QUICK: Mapping[str, str] = {
    "TRACE_SESSION_TIMEOUT": "3",
    "TRACE_HEARTBEAT": "0.5",
    "TRACE_BROKER_DEADLINE": "8",
    "TRACE_PROCESSOR_SESSION_TIMEOUT": "3",
    "TRACE_PROCESSOR_REBALANCE_TIMEOUT": "3",
    "TRACE_PROCESSOR_POLL": "0.5",
    "TRACE_PROCESSOR_BROKER_DEADLINE": "8",
    "TRACE_KEEPALIVE_SECONDS": "1",
    "TRACE_TRANSACTION_SECONDS": "0.3",
    "TRACE_FETCH_ROWS": "20",
    "TRACE_PARTITIONS": "4",
}
"""Settings under which the dead are missed soon and a small job has many batches of rows and many transactions."""


async def _answers(url: str) -> None:
    """Returns when 200 is answered."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(_POLL)


@dataclass(frozen=True, slots=True)
class Shape:
    """How many of each, and with which settings. ``worker`` is the module that is run as a worker, with its arguments."""

    workers: int = 2
    processors: int = 2
    gateways: int = 2
    env: Mapping[str, str] = field(default_factory=lambda: QUICK)
    worker: Sequence[str] = ("tracestream", "worker")


class System:
    """An async context manager; everything is ready at its beginning, and ended with it. Logs and data lie in ``folder``."""

    def __init__(self, folder: Path, env: Mapping[str, str], shape: Shape | None = None) -> None:
        self.shape = shape = shape or Shape()
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.members: dict[str, Member] = {}
        self.links: dict[str, Proxy] = {}
        self.broker_deaths = 0
        self._env = {**shape.env, **env}
        self._kinds = {
            f"{kind}-{number}": kind
            for kind, count in (
                ("worker", shape.workers),
                ("processor", shape.processors),
                ("gateway", shape.gateways),
            )
            for number in range(1, count + 1)
        }
        self._node = Node(1, *free_ports(2))
        self._kafka: EmbeddedKafka | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> System:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        await asyncio.gather(*(member.stop() for member in self.members.values()))
        if self._kafka is not None:
            await self._kafka.stop()
        await asyncio.gather(*(link.stop() for link in self.links.values()))

    @property
    def kafka(self) -> EmbeddedKafka:
        assert self._kafka is not None
        return self._kafka

    @property
    def broker(self) -> BrokerSettings:
        """How the tests reach the broker, past all links."""
        return BrokerSettings(
            bootstrap=self.kafka.bootstrap, partitions=int(self._env.get("TRACE_PARTITIONS", "8"))
        )

    @property
    def urls(self) -> list[str]:
        """The gateways, as clients reach them through their links."""
        return [
            f"http://{HOST}:{link.port}" for name, link in self.links.items() if name.startswith("client-")
        ]

    def of(self, kind: str) -> list[Member]:
        """The members of one kind."""
        return [member for name, member in self.members.items() if self._kinds.get(name) == kind]

    def by_pid(self, pid: int) -> Member | None:
        return next((member for member in self.members.values() if member.pid == pid), None)

    def kill_broker(self) -> bool:
        """SIGKILL to the broker; it is started again on its data."""
        if not self.kafka.running:
            return False
        self.kafka.kill()
        self.broker_deaths += 1
        return True

    @asynccontextmanager
    async def one_more(self, name: str, command: Sequence[str]) -> AsyncIterator[Member]:
        """One more member, which is ended with the block."""
        member = self.members[name] = self._member(name, command, {})
        try:
            await member.start()
            yield member
        finally:
            await member.stop()
            del self.members[name]

    async def settle(self, seconds: float = START_DEADLINE) -> None:
        """Takes every fault back, and returns when every process is ready and every gateway says so."""
        for link in self.links.values():
            link.restore()
        for member in self.members.values():
            if member.frozen:
                member.send(signal.SIGCONT)
        try:
            async with asyncio.timeout(seconds):
                for member in self.members.values():
                    await member.ready.wait()
                for url in self.urls:
                    await _answers(f"{url}/readyz")
        except TimeoutError:
            late = [member for member in self.members.values() if not member.ready.is_set()]
            tails = "\n".join(f"{member.name}\n{log_tail(member.log)}" for member in late)
            raise AssertionError(f"not ready within {seconds:.0f} s: {tails}") from None

    async def _start(self) -> None:
        ports = free_ports(2 * len(self._kinds) + 1 + self.shape.gateways)
        listeners = {name: ports.pop() for name in (*self._kinds, "extra")}
        for name, port in listeners.items():
            self.links[name] = Proxy(port)
            await self.links[name].start()
        self._kafka = EmbeddedKafka(
            self.folder / "kafka", node=self._node, properties=self._listener_properties(listeners)
        )
        await self._kafka.start()
        for name, kind in self._kinds.items():
            extra = {}
            if kind == "gateway":
                extra["TRACE_HTTP_PORT"] = str(ports.pop())
                self.links[f"client-{name}"] = Proxy(int(extra["TRACE_HTTP_PORT"]))
                await self.links[f"client-{name}"].start()
            command = self.shape.worker if kind == "worker" else ("tracestream", kind)
            self.members[name] = self._member(name, command, extra)
        for member in self.members.values():
            await member.start()
        await self.settle()
        self._watcher = asyncio.create_task(self._watch_broker())

    def _member(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Member:
        module, *arguments = command
        link = self.links.get(name) or self.links["extra"]
        program = Program(
            name,
            (sys.executable, "-m", module, *arguments),
            {
                **self._env,
                "PYTHONPATH": str(REPOSITORY),
                "TRACE_KAFKA_BOOTSTRAP": f"{HOST}:{link.port}",
                **env,
            },
        )
        return Member(program, self.folder / f"{name}.log")

    def _listener_properties(self, listeners: Mapping[str, int]) -> dict[str, str]:
        names = {name: name.replace("-", "").upper() for name in listeners}
        own = ["PLAINTEXT", "CONTROLLER", *names.values()]
        here = "".join(f",{names[name]}://{HOST}:{port}" for name, port in listeners.items())
        there = "".join(f",{names[name]}://{HOST}:{self.links[name].port}" for name in listeners)
        node = self._node
        return {
            "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}{here}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}{there}",
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in own),
            "num.network.threads": "1",
            # A broker that was killed is let in again when the session of its former life is over.
            "broker.session.timeout.ms": "2000",
        }

    async def _watch_broker(self) -> None:
        while True:
            await asyncio.sleep(_POLL)
            if self.kafka.running:
                continue
            await asyncio.sleep(FIRST_PAUSE)
            with suppress(EmbeddedBrokerError):
                await self.kafka.start()
