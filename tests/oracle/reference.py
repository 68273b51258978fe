"""``python -m tests.oracle.reference`` (``make oracle``): the whole reference job with Oracle as its source, and with DuckDB.

Broker, worker, processor and gateway run twice over the same demo data: first the worker reads it with the real driver from
the loopback server, then from the DuckDB file. The answers must hold the same records, each as often, whatever their order.
Compared is the text of each record, digit for digit. With ``--chunk-size`` above 1,000 Oracle gets a chunk's IDs as a JSON array;
DuckDB is always asked in chunks of the packaged size.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from catalogue.domain import MAX_IN_LIST
from catalogue.loader import PACKAGED_DOMAINS
from tracestream import folders
from tracestream.data import container_ids
from tracestream.data_command import ensure, tell
from tracestream.reference import AGGREGATION, DOMAINS
from tracestream.remote import connect
from tracestream.show import open_show
from tracestream.stack import Plan, Stack

PASSWORD = "a-password-for-the-loopback"
_PATIENCE = 900.0


class Line(msgspec.Struct):
    """What is read of a line; the records are not taken apart."""

    type: str
    domain: str = ""
    data: msgspec.Raw = msgspec.Raw()
    problem: dict[str, Any] | None = None
    scn: int | None = None


@dataclass
class Answer:
    """Of each domain the records as a multiset: how many, and the sum of their 128-bit hashes."""

    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    size: int = 0
    scn: int | None = None
    aggregation: bytes = b""
    trouble: str = ""

    def add(self, text: bytes) -> None:
        """Takes in one line of the log."""
        line = msgspec.json.decode(text, type=Line)
        self.size += len(text)
        if line.type == "meta":
            self.scn = line.scn
        elif line.type == "records":
            self._count(line.domain, line.data)
        elif line.type == "aggregation":
            self.aggregation = bytes(line.data)
        elif line.problem is not None:
            self.trouble = str(line.problem.get("detail"))

    def _count(self, domain: str, data: msgspec.Raw) -> None:
        records = msgspec.json.decode(data, type=list[msgspec.Raw])
        total = 0
        for record in records:
            total += int.from_bytes(hashlib.blake2b(record, digest_size=16).digest(), "big")
        self.counts[domain] = self.counts.get(domain, 0) + len(records)
        self.sums[domain] = (self.sums.get(domain, 0) + total) % 2**128


@contextlib.asynccontextmanager
async def loopback(file: Path) -> AsyncIterator[dict[str, str]]:
    """The server in a process of its own; the settings with which a worker finds it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.oracle", "--data", str(file), "--password", PASSWORD),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        user, _, dsn = (await process.stdout.readline()).decode().strip().partition("@")
        yield {
            "TRACE_SOURCE": "oracle",
            "TRACE_ORACLE_DSN": dsn,
            "TRACE_ORACLE_USER": user,
            "TRACE_ORACLE_PASSWORD": PASSWORD,
        }
    finally:
        process.terminate()
        await process.wait()


async def answer(data: Path, ids: list[str], env: dict[str, str]) -> Answer:
    """The reference job on a deployment of its own."""
    found = Answer()
    with tempfile.TemporaryDirectory(prefix="tracestream-oracle-") as folder, contextlib.ExitStack() as held:
        run, show = Path(folder), open_show()
        held.callback(show.close)
        limits = {"TRACE_MAX_CIDS": str(max(200_000, len(ids)))}
        plan = Plan(data, run, run / "kafka", make_data=False, env={**limits, **env})
        stack = Stack(plan, show)
        try:
            await stack.start()
            begun = time.perf_counter()
            async with connect(stack.url, _PATIENCE, show.line) as client:
                job = await client.submit(ids, DOMAINS, aggregation=AGGREGATION)
                async with client.lines(str(job["job_id"])) as lines:
                    async for line in lines:
                        found.add(bytes(line))
            found.seconds = time.perf_counter() - begun
        finally:
            await stack.stop()
    return found


def copy_catalogue(folder: Path, chunk_size: int) -> None:
    """The packaged domains with chunks of that size."""
    for file in PACKAGED_DOMAINS.iterdir():
        if file.suffix in (".sql", ".toml"):
            more = f"\nchunk_size = {chunk_size}\n" if file.suffix == ".toml" else ""
            (folder / file.name).write_text(file.read_text("utf-8") + more, "utf-8")


async def run(scale: float, data: Path, chunk_size: int) -> bool:
    """Whether both answers are the same; says so."""
    file = await asyncio.to_thread(ensure, data, scale, tell)
    ids = await asyncio.to_thread(lambda: list(container_ids(file)))
    with tempfile.TemporaryDirectory(prefix="tracestream-catalogue-") as catalogue:
        copy_catalogue(Path(catalogue), chunk_size)
        async with loopback(file) as env:
            print(
                f"Oracle: {len(ids):,} containers in chunks of {chunk_size:,}"
                f" from the loopback server at {env['TRACE_ORACLE_DSN']}",
                flush=True,
            )
            oracle = await answer(data, ids, {**env, "TRACE_CATALOGUE": catalogue})
    print("DuckDB: the same from the file", flush=True)
    duckdb = await answer(
        data, ids, {"TRACE_CATALOGUE": "", "TRACE_SOURCE": "duckdb", "TRACE_DUCKDB_PATH": str(file)}
    )
    return report(oracle, duckdb)


def report(oracle: Answer, duckdb: Answer) -> bool:
    """Prints what was compared; True when all is the same."""
    good = True
    for name, found in (("Oracle", oracle), ("DuckDB", duckdb)):
        if found.trouble:
            print(f"✗ {name}: the job failed: {found.trouble}")
            good = False
        print(
            f"  {name}: {sum(found.counts.values()):,} records, {found.size / 1e6:.1f} MB in {found.seconds:.1f} s, SCN {found.scn}"
        )
    for domain in DOMAINS:
        same = oracle.counts.get(domain) == duckdb.counts.get(domain) and oracle.sums.get(
            domain
        ) == duckdb.sums.get(domain)
        good &= same and bool(oracle.counts.get(domain))
        count = oracle.counts.get(domain, 0)
        print(
            f"{'✓' if same else '✗'} {domain}: {count:,} records, the same multiset with both sources: {same}"
        )
    same = oracle.aggregation == duckdb.aggregation != b""
    print(f"{'✓' if same else '✗'} {AGGREGATION}: the same result with both sources: {same}")
    good &= same and oracle.scn is not None
    print("Oracle's answer is DuckDB's." if good else "The answers differ.")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.oracle.reference", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the demo data; 1 is the reference set"
    )
    parser.add_argument(
        "--chunk-size", type=int, default=MAX_IN_LIST, help="container IDs in one query of Oracle's"
    )
    parser.add_argument("--data-dir", type=Path, help="where the demo data is kept")
    chosen = parser.parse_args()
    data = folders.data_folder(chosen.data_dir)
    return 0 if asyncio.run(run(chosen.scale, data, chosen.chunk_size)) else 1


if __name__ == "__main__":
    sys.exit(main())
