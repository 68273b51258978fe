"""``python -m bench.oracle``: what a row from Oracle costs the client, and where it goes.

All ways of reading take turns over the same chunks of the same loopback server (``tests/oracle``), each in a process of its
own, so that its processor time is the client's alone. The server plays rows back that it has encoded before; what a real
database and a real network take is not in these figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import report
from bench.figures import Figure, ratio
from bench.oracle_reader import WAYS
from bench.rounds import Measure, Rounds, interleaved
from tests.oracle.reference import loopback
from tracestream import folders
from tracestream.data import container_ids
from tracestream.data_command import ensure, tell

GROUP = "oracle"
RESULTS = Path(__file__).parent / "results" / "scratch" / "oracle.json"
WORDS = {
    "plain": "fetchmany, dicts, json.dumps",
    "fetchmany": "fetchmany alone",
    "frames": "the driver's data frames alone",
    "arrow": "our source, up to Arrow",
    "ours": "our source, up to Kafka's messages",
}


async def read(way: str, ids: str, env: dict[str, str]) -> dict[str, float]:
    """One process that reads everything once that way."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.oracle_reader", way),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **env},
    )
    output, _ = await process.communicate(ids.encode())
    found: dict[str, float] = json.loads(output)
    return {"µs/row": found["cpu"] / found["rows"] * 1e6, "rows": found["rows"], "bytes": found["bytes"]}


async def measure(chosen: argparse.Namespace, say: Callable[[str], None]) -> list[Figure]:
    """The ways in turns; then, in turns too, our way with other sizes of a fetch and of a packet."""
    file = await asyncio.to_thread(ensure, folders.data_folder(chosen.data_dir), chosen.scale, tell)
    ids = "\n".join(container_ids(file))
    async with loopback(file) as env:
        ways: dict[str, Measure] = {way: lambda way=way: read(way, ids, env) for way in WAYS}  # type: ignore[misc]
        found = await interleaved(ways, chosen.rounds, say)
        sizes: dict[str, Measure] = {}
        for rows in chosen.fetch_rows:
            for unit in chosen.units:
                sized = {
                    **env,
                    "TRACE_FETCH_ROWS": str(rows),
                    "TRACE_ORACLE_DSN": f"{env['TRACE_ORACLE_DSN']}?sdu={unit}",
                }
                sizes[f"{rows} rows a fetch, packets of {unit}"] = lambda sized=sized: read(
                    "ours", ids, sized
                )  # type: ignore[misc]
        others = await interleaved(sizes, chosen.rounds, say) if sizes else {}
    return figures(found, others)


def figures(found: Rounds, others: Rounds) -> list[Figure]:
    """Microseconds of processor time a row, ours against the plain way, and where ours goes."""
    cost = {way: found[f"{way}.µs/row"] for way in WAYS}
    pieces = {
        "driver": cost["frames"],
        "Arrow": _less(cost["arrow"], cost["frames"]),
        "JSON and messages": _less(cost["ours"], cost["arrow"]),
    }
    return [
        *(Figure(GROUP, WORDS[way], "µs/row", tuple(values)) for way, values in cost.items()),
        ratio(GROUP, "plain / ours", cost["plain"], cost["ours"], at_least=3.0),
        ratio(GROUP, "plain / the driver's data frames alone", cost["plain"], cost["frames"]),
        *(ratio(GROUP, f"of ours: {name}", values, cost["ours"]) for name, values in pieces.items()),
        *(
            Figure(GROUP, name.removesuffix(".µs/row"), "µs/row", tuple(values))
            for name, values in others.items()
            if name.endswith("µs/row")
        ),
    ]


def _less(whole: list[float], part: list[float]) -> list[float]:
    return [one - other for one, other in zip(whole, part, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.oracle", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--scale", type=float, default=0.1, help="size of the demo data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fetch-rows", type=int, nargs="*", default=[200, 1000, 2000, 5000])
    parser.add_argument("--units", type=int, nargs="*", default=[8192, 65535], help="sizes of a packet (SDU)")
    parser.add_argument("--data-dir", type=Path, help="where the demo data is kept")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the JSON file")
    chosen = parser.parse_args()
    console = Console(width=132)
    begun = time.perf_counter()
    measured = asyncio.run(measure(chosen, console.print))
    report.table(measured, console)
    report.write(chosen.output, measured, chosen.scale, time.perf_counter() - begun)


if __name__ == "__main__":
    main()
