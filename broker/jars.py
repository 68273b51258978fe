"""The jars of Apache Kafka: which they are, byte for byte, and how they come into the cache folder.

Rules:

1. The lock file beside this module names every jar with version, size and SHA-256, and no place to load it from: jgo
   knows the public repository, and a user's own jgo configuration may name a mirror.
2. A jar enters the cache by a rename after its checksum was proven, so that the cache never holds half a jar and two
   processes may fill it at the same time.
3. A complete cache is used without touching the network: existence and size are looked at, nothing else.

``python -m broker.jars`` resolves the dependency graph anew and rewrites the lock file.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
from jgo.parse import Coordinate

from broker.errors import EmbeddedBrokerError

KAFKA_VERSION = "4.3.1"
LOCK_FILE = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.lock")

Progress = Callable[[int, int, int, int | None], object]
"""Called with (jars done, jars in all, bytes done, bytes in all or None), from the loading threads, one call at a time."""

_BROKER = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
_LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"

_PARALLEL = 6
_TRIES = 3
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: Maven coordinates, size in bytes, SHA-256 as hex."""

    group: str
    name: str
    version: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}.jar"


class _Abandoned(Exception):
    """Whoever asked for the jars does not want them any more."""


class _Count:
    """What has been loaded so far; the loading threads add to it, and each addition is reported."""

    def __init__(
        self,
        jars: Sequence[Jar],
        missing: Sequence[Jar],
        report: Progress | None,
        abandoned: Callable[[], bool],
    ) -> None:
        self._lock = threading.Lock()
        self._report = report
        self._abandoned = abandoned
        self._total = len(jars)
        self._total_bytes = sum(jar.size for jar in jars)
        self._jars = self._total - len(missing)
        self._bytes = self._total_bytes - sum(jar.size for jar in missing)

    def add(self, *, jars: int = 0, size: int = 0) -> None:
        if self._abandoned():
            raise _Abandoned
        with self._lock:
            self._jars += jars
            self._bytes += size
            if self._report is not None:
                self._report(self._jars, self._total, self._bytes, self._total_bytes)


def read_lock(path: Path = LOCK_FILE) -> list[Jar]:
    """The locked jars, in class path order."""
    return [Jar(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["jar"]]


def default_cache() -> Path:
    """Where jars are kept unless told otherwise: ``tracestream`` in the user's cache folder."""
    return Path.home() / ".cache" / "tracestream"


def class_path(
    cache: Path | None = None, progress: Progress | None = None, abandoned: Callable[[], bool] = lambda: False
) -> list[Path]:
    """The jars of the embedded broker in class path order; loads those that the cache lacks.

    Blocking; gives up soon after ``abandoned`` becomes true. Raises :class:`EmbeddedBrokerError` when a jar cannot be
    had or is not the locked one.
    """
    folder = (cache or default_cache()) / f"kafka-{KAFKA_VERSION}"
    jars = read_lock()
    missing = [jar for jar in jars if not _present(folder / jar.filename, jar)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        count = _Count(jars, missing, progress, abandoned)
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for _ in pool.map(lambda jar: _load(jar, folder, count), missing):
                pass
    return [folder / jar.filename for jar in jars]


def _present(path: Path, jar: Jar) -> bool:
    return path.is_file() and path.stat().st_size == jar.size


def _load(jar: Jar, folder: Path, count: _Count) -> None:
    failure: Exception | None = None
    for _ in range(_TRIES):
        got = 0

        def note(size: int) -> None:
            nonlocal got
            got += size
            count.add(size=size)

        try:
            with tempfile.TemporaryDirectory(dir=folder, prefix=".loading-") as scratch:
                path = _download(jar, Path(scratch), note)
                _prove(path, jar)
                path.replace(folder / jar.filename)
            count.add(jars=1, size=jar.size - got)
            return
        except _Abandoned:
            raise EmbeddedBrokerError("Loading the jars was given up.") from None
        except Exception as error:  # jgo lets every kind of failure through
            failure = error
            count.add(size=-got)
    raise EmbeddedBrokerError(
        f"Could not load {jar.group}:{jar.name}:{jar.version} into {folder}: {failure} "
        "The first start needs a Maven repository, later starts need none."
    ) from failure


def _download(jar: Jar, scratch: Path, note: Callable[[int], None]) -> Path:
    @contextmanager
    def progress(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield note

    context = _context(scratch, PythonResolver(progress_callback=progress))
    path = context.project(jar.group, jar.name).at_version(jar.version).artifact().resolve()
    return Path(path)


def _context(repository: Path | None, resolver: PythonResolver) -> MavenContext:
    """jgo's view of the world: the user's configured repositories before the public one."""
    context = MavenContext(resolver=resolver, repo_cache=repository, timeout=_TIMEOUT)
    context.remote_repos = {**GlobalSettings.load().repositories, **context.remote_repos}
    return context


def _prove(path: Path, jar: Jar) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != jar.sha256:
        raise ValueError(f"{jar.filename} has SHA-256 {digest}, the lock file says {jar.sha256}.")


def write_lock(path: Path = LOCK_FILE) -> None:
    """Resolves the dependency graph and writes every jar that the broker needs into ``path``.

    The binding of the log comes "raw", without a say in other versions: the dependency management in its POM would
    lead jgo to the client library of an older Kafka. ``kafka-tools`` is left out: a broker runs without it, and it
    would bring Connect, Jetty and Jersey, a quarter of the download.
    """
    with tempfile.TemporaryDirectory() as scratch:
        context = _context(Path(scratch), PythonResolver())
        broker = context.create_dependency(replace(Coordinate.parse(_BROKER), scope="compile"))
        log = context.create_dependency(replace(Coordinate.parse(_LOG_BINDING), scope="compile", raw=True))
        inputs, transitive = context.resolver.resolve([broker, log])
        wanted = [*inputs, *(dep for dep in transitive if dep.scope in ("compile", "runtime"))]
        entries = sorted(
            _entry((dep.groupId, dep.artifactId, dep.version), dep.artifact.resolve()) for dep in wanted
        )
    path.write_text("\n".join(["# Written by `make kafka-lock`.", "", *entries]), "utf-8")


def _entry(coordinates: tuple[str, str, str], path: Path) -> str:
    group, name, version = coordinates
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return (
        f'[[jar]]\ngroup = "{group}"\nname = "{name}"\nversion = "{version}"\n'
        f'size = {path.stat().st_size}\nsha256 = "{digest}"\n'
    )


if __name__ == "__main__":
    write_lock()
