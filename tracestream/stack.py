"""Everything on this machine: the embedded broker, the demo data, workers, processor, gateway (design: "Processes").

Order: broker and data side by side, then all processes at once. At the end the processes first, so that they can say goodbye to
the broker, then the broker, within 10 seconds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from broker.embedded import EmbeddedKafka, free_ports
from broker.embedded_properties import HOST, Node
from broker.errors import EmbeddedBrokerError
from tracestream.data_command import ensure, ensure_ids
from tracestream.exits import CommandError
from tracestream.memory import peak_memory
from tracestream.ports import Ports
from tracestream.processes import START_DEADLINE, Processes, Program, log_tail
from tracestream.remote import connect
from tracestream.restarts import Restarts
from tracestream.show import Bar, Show
from tracestream.signals import Stopped

HTTP_PORT = 8080
KAFKA_PORT = 9092
_BROKER_STOP_DEADLINE = 2.5
_BROKER_POLL = 1.0
_ONE_BROKER = {
    "TRACE_KAFKA_SECURITY": "PLAINTEXT",
    "TRACE_REPLICATION": "1",
    "TRACE_MIN_INSYNC_REPLICAS": "1",
}
"""The embedded broker is alone and on loopback, whatever the environment says of another cluster."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start. ``data`` keeps the demo data, ``run`` the logs, ``kafka`` the broker's files.

    ``port`` None takes 8080 or the next free one; ``known_kafka_port`` 9092 or the next free one instead of any that is free.
    ``env`` goes to every process.
    """

    data: Path
    run: Path
    kafka: Path
    port: int | None = None
    known_kafka_port: bool = False
    workers: int = 1
    scale: float = 1.0
    make_data: bool = True
    env: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """The processes of one :class:`Plan`. :meth:`start` once, :meth:`stop` always, also after a start that failed."""

    def __init__(self, plan: Plan, show: Show) -> None:
        self.plan = plan
        self.url = ""
        self.duckdb: Path | None = None
        self.example_ids: Path | None = None
        self._show = show
        self._ports = Ports()
        port = self._ports.take_from(KAFKA_PORT) if plan.known_kafka_port else free_ports(1)[0]
        self._node = Node(1, port, free_ports(1)[0])
        self._kafka = EmbeddedKafka(plan.kafka, progress=self._on_jars, node=self._node)
        self._processes = Processes(plan.run, lambda text: show.line(text, good=False))
        self._bars: dict[str, Bar] = {}
        self._given_up = threading.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._broker_peak = 0

    @property
    def bootstrap(self) -> str:
        return self._kafka.bootstrap

    async def start(self) -> None:
        """Returns when the gateway can be asked. Raises CommandError that says what did not start and why."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_broker())
                if self.plan.make_data:
                    group.create_task(self._make_data())
        except* CommandError as failures:
            raise failures.exceptions[0] from None
        await self._start_processes()
        self._watcher = asyncio.create_task(self._watch_broker())

    async def stop(self) -> None:
        """Stops all of them, whatever was started. May be repeated."""
        self._given_up.set()
        if self._watcher is not None:
            self._watcher.cancel()
        await self._processes.stop()
        await self._kafka.stop(_BROKER_STOP_DEADLINE)
        self._ports.close()

    def hurry(self) -> None:
        """Kills all of them."""
        self._given_up.set()
        self._processes.kill()
        self._kafka.kill()

    def pids(self) -> dict[str, int]:
        broker = {"broker": self._kafka.pid} if self._kafka.running else {}
        return {**broker, **self._processes.pids()}

    def peaks(self) -> dict[str, int]:
        """The highest resident memory of each process so far, in bytes."""
        if self._kafka.running:
            self._broker_peak = max(self._broker_peak, peak_memory(self._kafka.pid))
        return {"broker": self._broker_peak, **self._processes.peaks()}

    async def _start_broker(self) -> None:
        bar = self._bars["Kafka"] = self._show.bar("Kafka", "broker", 1)
        try:
            await self._kafka.start()
            bar.update(1)
        except EmbeddedBrokerError as error:
            raise CommandError(
                f"The embedded broker did not start. {error}\n{log_tail(self._kafka.log)}"
            ) from None
        self._end_bar("Kafka download")
        self._end_bar("Kafka")
        self._show.line(f"Kafka at {self._kafka.bootstrap}", good=True)

    async def _make_data(self) -> None:
        self.duckdb = await asyncio.to_thread(ensure, self.plan.data, self.plan.scale, self._on_rows)
        self.example_ids = await asyncio.to_thread(ensure_ids, self.duckdb)
        self._end_bar("Demo data")
        self._show.line(f"Demo data in {self.duckdb}", good=True)

    async def _start_processes(self) -> None:
        port = self._http_port()
        self.url = f"http://{HOST}:{port}"
        env = {
            **_ONE_BROKER,
            "TRACE_KAFKA_BOOTSTRAP": self._kafka.bootstrap,
            "TRACE_HTTP_PORT": str(port),
            **self.plan.env,
        }
        if self.duckdb is not None:
            env |= {"TRACE_SOURCE": "duckdb", "TRACE_DUCKDB_PATH": str(self.duckdb)}
        if self.example_ids is not None:
            env["TRACE_EXAMPLE_IDS"] = str(self.example_ids)
        names = {f"worker-{number}": "worker" for number in range(1, self.plan.workers + 1)}
        names |= {"processor": "processor", "gateway": "gateway"}
        bar = self._show.bar("Processes", "ready", len(names))
        programs = [Program.own(name, [kind], env) for name, kind in names.items()]
        await self._processes.start(programs, progress=bar.update)
        bar.finish()
        async with connect(self.url, START_DEADLINE, self._show.line) as client:
            await client.ready()
        self._show.line(f"{', '.join(names)} ready", good=True)

    def _http_port(self) -> int:
        """The port that was wished for; without a wish 8080 or the next free one, said so."""
        if self.plan.port is not None:
            return self._ports.take(self.plan.port)
        port = self._ports.take_from(HTTP_PORT)
        if port != HTTP_PORT:
            self._show.line(f"Port {HTTP_PORT} is in use, so the gateway is at port {port}.")
        return port

    async def _watch_broker(self) -> None:
        """Starts the broker again, at the same port and on the same data, whenever it has ended; with back-off, because
        what ended it (a full disk) may take a while to pass."""
        restarts, trouble = Restarts(), "has ended"
        restarts.started(time.monotonic())
        while True:
            if self._kafka.running:
                await asyncio.sleep(_BROKER_POLL)
                continue
            pause = restarts.pause(time.monotonic())
            self._show.line(f"The broker {trouble}; starting it again in {pause:g} s.", good=False)
            await asyncio.sleep(pause)
            restarts.started(time.monotonic())
            trouble = "has ended"
            try:
                await self._kafka.start()
            except (EmbeddedBrokerError, OSError) as error:
                reason = str(error).partition(":")[0]
                trouble = f"does not start ({reason}; its log: {self._kafka.log})"

    def _on_jars(self, _jars: int, _all_jars: int, done: int, total: int | None) -> None:
        self._on_progress("Kafka download", "bytes", done, total)

    def _on_rows(self, done: int, total: int) -> None:
        self._on_progress("Demo data", "rows", done, total)

    def _on_progress(self, name: str, unit: str, done: int, total: int | None) -> None:
        """Called from worker threads; ends them when nobody wants the result any more."""
        if self._given_up.is_set():
            raise Stopped
        if name not in self._bars:
            self._bars[name] = self._show.bar(name, unit, total)
        self._bars[name].update(done, total)

    def _end_bar(self, name: str) -> None:
        if name in self._bars:
            self._bars[name].finish()


async def stop_and_say(stack: Stack, show: Show) -> None:
    """Stops everything; whoever reads what is said may be gone by now, and that must not keep a process alive."""
    try:
        show.close()
        show.line("Stopping everything.")
    finally:
        await stack.stop()
    show.line("Every process has ended.", good=True)
