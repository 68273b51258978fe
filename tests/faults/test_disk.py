"""The broker's disk is full while a job is written, and some time later it is not: ``tracestream up`` as people start it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.acceptance import local
from tests.workers import kinds_of, records_of
from tracestream.data import DemoData, container_ids, generate

DISK = 128 << 20
LEFT = 2 << 20
"""Free bytes when the job is submitted; its log takes several times as much."""

SCALE = 0.3
TABLES = {"history": "MES_LOT_HISTORY", "materials": "MES_LOT_MATERIALS"}


def namespaces() -> list[str]:
    """``unshare`` with what it takes here to mount something that nobody else sees; empty where that is not allowed."""
    for command in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            break
    return []


class UpOnSmallDisk:
    """``tracestream up`` whose Kafka has a disk of its own: a tmpfs in a mount namespace, gone with the processes in it."""

    def __init__(self, unshare: list[str], folder: Path) -> None:
        self.data = folder / "data"
        self.output = folder / "output"
        (self.data / "kafka").mkdir(parents=True)
        self.database = folder / "demo.duckdb"
        generate(self.database, DemoData().scaled(SCALE))
        self.ids = list(container_ids(self.database))
        mount = f"mount -t tmpfs -o size={DISK} tmpfs '{self.data / 'kafka'}'"
        command = f'{mount} && exec "$0" -P -m tracestream up --data-dir "$1"'
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*unshare, "sh", "-c", command, sys.executable, str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**environ, "TRACE_DUCKDB_PATH": str(self.database), "COLUMNS": "120"},
            )
        self.wait_for("It runs")
        self.url = local.address(self.data)["url"]

    @property
    def disk(self) -> Path:
        """Kafka's folder, seen from outside of the namespace."""
        return Path(f"/proc/{self.process.pid}/root{self.data / 'kafka'}")

    @property
    def filler(self) -> Path:
        return self.disk / "filler"

    def wait_for(self, pattern: str, times: int = 1) -> None:
        local.wait_for(
            lambda: len(re.findall(pattern, self.output.read_text())) >= times, self.process, self.output
        )

    def fill(self, left: int = 0) -> None:
        """Takes the room of the disk but for ``left`` bytes."""
        free = os.statvfs(self.disk)
        room = free.f_bavail * free.f_bsize - left
        with self.filler.open("ab") as file:
            if room > 0:
                os.posix_fallocate(file.fileno(), file.tell(), room)

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        answer = local.run(*arguments, "--url", self.url, stdin=stdin)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def stop(self) -> None:
        children = local.descendants(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(local.DEADLINE)
        local.wait_until_gone(children)


def rows_in(database: Path, table: str) -> list[str]:
    """The container IDs of the table's rows that have one, sorted."""
    query = f"SELECT CONTAINERID FROM {table} WHERE CONTAINERID IS NOT NULL ORDER BY 1"
    with duckdb.connect(str(database), read_only=True) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[UpOnSmallDisk]:
    unshare = namespaces()
    if not unshare:
        pytest.skip("this machine lets nobody mount a file system of its own (unshare --mount)")
    started = UpOnSmallDisk(unshare, tmp_path)
    yield started
    started.stop()


@pytest.mark.timeout(600)
def test_a_job_waits_while_the_brokers_disk_is_full_and_ends_right_when_there_is_room_again(
    up: UpOnSmallDisk,
) -> None:
    up.fill(LEFT)
    domains = [argument for name in TABLES for argument in ("--domain", name)]
    job = up.run("submit", *domains, stdin="\n".join(up.ids).encode()).decode().strip()
    up.wait_for("The broker has ended")
    up.fill()
    up.wait_for("The broker does not start", times=2)
    pauses = [
        float(found) for found in re.findall(r"again in ([\d.]+) s", up.output.read_text().replace("\n", " "))
    ]
    assert pauses == sorted(pauses)
    assert len(set(pauses)) > 1, "no back-off"
    up.filler.unlink()
    lines = up.run("tail", job).splitlines(keepends=True)
    for domain, table in TABLES.items():
        got = sorted(record["CONTAINERID"] for record in records_of(lines, domain))
        assert got == rows_in(up.database, table)
    assert kinds_of(lines)[-1] == "complete"
    assert json.loads(up.run("status", job, "--json"))["status"] == "complete"
