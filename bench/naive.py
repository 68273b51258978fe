"""What the same answer costs when it is made in one piece: all rows as dicts, then one ``json.dumps``.

``python -m bench.naive DATABASE`` is a process of its own and prints its peak memory in bytes, the answer's size and the seconds
as JSON. The rows are those of the reference query.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from catalogue.domain import DUCKDB
from catalogue.loader import load_catalogue
from tracestream.data import container_ids
from tracestream.reference import DOMAINS


def plain(value: object) -> Any:
    """What json does not know."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def answer(database: Path) -> str:
    """The whole answer as one text."""
    ids = list(container_ids(database))
    domains: dict[str, list[dict[str, Any]]] = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for name in DOMAINS:
            domain = load_catalogue()[name]
            rows: list[dict[str, Any]] = []
            for first in range(0, len(ids), domain.chunk_size):
                found = connection.execute(domain.render(DUCKDB, ids[first : first + domain.chunk_size]))
                names = [column[0] for column in found.description or ()]
                rows += [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            domains[name] = rows
    return json.dumps({"domains": domains}, default=plain)


async def measured(database: Path) -> dict[str, float]:
    """``peak`` and ``size`` in bytes and ``seconds``, from a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.naive", str(database)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    found: dict[str, float] = json.loads(output)
    return found


if __name__ == "__main__":
    begun = time.perf_counter()
    size = len(answer(Path(sys.argv[1])))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"peak": peak, "size": size, "seconds": time.perf_counter() - begun}))
