"""How little the size of a job matters to the memory of the processes: ``python -m bench.scales --scale 1 4``.

For each scale (1 is the reference set) everything is started anew; the reference job with its aggregation is submitted over
HTTP and its stream is read by curl while it is written, then once more as a replay. Told are the peak resident memory (VmHWM) of
each process and how much higher the largest is than that of the first scale. Required: less than 15 % and each below 350 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.replay import curl
from bench.services import KINDS, running
from tracestream import folders
from tracestream.data import container_ids
from tracestream.data_command import ensure, tell
from tracestream.reference import AGGREGATION, DOMAINS
from tracestream_client import AsyncClient

HIGHER, HIGHEST = 15.0, 350.0


async def peaks(database: Path, folder: Path) -> dict[str, float]:
    """The peak of each process in MB after one job over all of ``database``."""
    ids = list(container_ids(database))
    limits = {"TRACE_MAX_CIDS": str(len(ids))}
    async with running(folder, database, limits) as service:
        async with AsyncClient(service.url) as client:
            job_id = (await client.submit(ids, DOMAINS, aggregation=AGGREGATION))["job_id"]
            for _ in range(2):
                await curl(f"{service.url}/api/trace/job/{job_id}/stream", service.pids["gateway"])
            state = await client.status(job_id)
        if state["status"] != "complete":
            raise RuntimeError(f"the job ended as {state['status']}")
        return service.peaks()


async def main(scales: Sequence[float], data: Path) -> None:
    found: dict[float, dict[str, float]] = {}
    for scale in scales:
        database = ensure(data, scale, tell)
        with tempfile.TemporaryDirectory(prefix="tracestream-bench-") as folder:
            found[scale] = await peaks(database, Path(folder))
        shown = ", ".join(f"{name} {peak:.0f} MB" for name, peak in found[scale].items())
        print(f"scale {scale:g}: {shown}", flush=True)
    for kind in KINDS:
        first, highest = found[scales[0]][kind], max(each[kind] for each in found.values())
        higher = 100 * (highest / first - 1)
        verdict = "met" if higher < HIGHER and highest < HIGHEST else "missed"
        print(f"{kind}: {higher:+.0f} %, at most {highest:.0f} MB: {verdict}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.scales", description=__doc__)
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0, 4.0])
    parser.add_argument("--data-dir", type=Path, help="where the demo data is kept")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.scale, folders.data_folder(chosen.data_dir)))
